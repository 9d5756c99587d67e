package oracle_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/leatsql/leat/internal/bench"
	"github.com/leatsql/leat/internal/direct"
	"github.com/leatsql/leat/internal/nexmark"
	"github.com/leatsql/leat/internal/script"
	"github.com/leatsql/leat/internal/stage"
	"github.com/leatsql/leat/oracle"
	"github.com/leatsql/leat/pkg/sql/vector"
)

var (
	events        = flag.Int64("events", 100_000, "events of Nexmark in direct mode")
	messageEvents = flag.Int64("message-events", 0, "events of Nexmark in message mode; 0 leaves it out")
	queries       = flag.String("queries", "", "regular expression of the queries to run (default: all)")
)

// house is the events of Nexmark in DuckDB, and the answers to the queries, each asked once.
type house struct {
	n       int64
	duck    *oracle.Duck
	mu      sync.Mutex
	answers map[string][][]string
}

// newHouse loads n events.
func newHouse(t *testing.T, n int64) *house {
	t.Helper()
	ctx := t.Context()
	h := &house{n: n, answers: map[string][][]string{}}
	dir := t.TempDir()
	var files [3]bytes.Buffer
	gen := nexmark.New(nexmark.Config{Seed: 1, Rate: 1000, Group: 1})
	var ev nexmark.Event
	var line []byte
	for i := range n {
		gen.Make(i, &ev)
		line = ev.AppendJSON(line[:0])
		files[ev.Kind].Write(line)
	}
	var err error
	if h.duck, err = oracle.OpenDuck(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.duck.Close() })
	for k := range files {
		kind := nexmark.Kind(k)
		path := filepath.Join(dir, kind.String()+".json")
		if err := os.WriteFile(path, files[k].Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		columns := ""
		for _, f := range nexmark.Schema(kind).Fields {
			typ := "BIGINT"
			if f.Type.Kind == vector.String {
				typ = "VARCHAR"
			}
			columns += fmt.Sprintf("%s: '%s', ", f.Name, typ)
		}
		if err := h.duck.Exec(ctx, fmt.Sprintf("CREATE TABLE %s AS SELECT * FROM read_json('%s', format = 'newline_delimited', "+
			"columns = {%s})", kind, path, columns)); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// answer asks DuckDB.
func (h *house) answer(t *testing.T, q string) [][]string {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if rows, ok := h.answers[q]; ok {
		return rows
	}
	rows, err := h.duck.Rows(t.Context(), oracle.NexmarkSQL[q])
	if err != nil {
		t.Fatal(err)
	}
	if want, ok := oracle.NexmarkRows[q]; ok && h.n == 100_000 && len(rows) != want {
		t.Fatalf("%s: DuckDB gives %d rows, known are %d", q, len(rows), want)
	}
	h.answers[q] = rows
	return rows
}

func (h *house) check(t *testing.T, q string, got [][]string) {
	t.Helper()
	want := h.answer(t, q)
	if q == "q12" { // bidder, count, bounds: which window a row falls into is the clock's business
		got = sumPerBidder(t, got)
	}
	if d := oracle.Compare(got, want); d != "" {
		t.Errorf("%s: %s", q, d)
	}
}

func sumPerBidder(t *testing.T, rows [][]string) [][]string {
	t.Helper()
	sums := map[string]int{}
	for _, r := range rows {
		n, err := strconv.Atoi(r[1])
		if err != nil {
			t.Fatal(err)
		}
		sums[r[0]] += n
	}
	var out [][]string
	for _, b := range slices.Sorted(maps.Keys(sums)) {
		out = append(out, []string{b, strconv.Itoa(sums[b])})
	}
	return out
}

func selected(t *testing.T) []nexmark.Query {
	t.Helper()
	re, err := regexp.Compile("^(" + *queries + ")$")
	if err != nil {
		t.Fatal(err)
	}
	var out []nexmark.Query
	for _, q := range nexmark.Queries() {
		if *queries == "" || re.MatchString(q.Name) {
			out = append(out, q)
		}
	}
	return out
}

// TestNexmarkDirect runs the queries in this process, in order and shuffled, over 1 and 4 partitions.
func TestNexmarkDirect(t *testing.T) {
	t.Parallel()
	h := newHouse(t, *events)
	for _, q := range selected(t) {
		for _, group := range []int64{1, 1000} {
			for _, partitions := range []int{1, 4} {
				t.Run(fmt.Sprintf("%s/group=%d/partitions=%d", q.Name, group, partitions), func(t *testing.T) {
					h.check(t, q.Name, runDirect(t, q, group, partitions))
				})
			}
		}
	}
}

// collect keeps the rows of a result as text.
type collect struct {
	t    *testing.T
	rows [][]string
}

func (c *collect) Result(_ string, _ int, b *vector.Batch) error {
	for k := range b.Live() {
		i := k
		if b.Sel != nil {
			i = int(b.Sel[k])
		}
		row := make([]string, len(b.Cols))
		for n, v := range b.Cols {
			row[n] = oracle.Null
			if !v.Null(i) {
				row[n] = string(vector.AppendText(nil, v, i))
			}
		}
		if b.Op(i) != vector.Insert {
			c.t.Fatalf("a final row with op %d: %v", b.Op(i), row)
		}
		c.rows = append(c.rows, row)
	}
	return nil
}

func (c *collect) Dead(stage string, _ *vector.Batch, _ uint32, code, msg string) {
	c.t.Errorf("stage %s: %s [%s]", stage, msg, code)
}

func (c *collect) Late(stage string, _ *vector.Batch, rows []uint32) {
	c.t.Errorf("stage %s: %d late rows", stage, len(rows))
}

func runDirect(t *testing.T, q nexmark.Query, group int64, partitions int) [][]string {
	t.Helper()
	prog, errs := script.Compile(t.Context(), nexmark.Declare(func(string) string { return "" })+q.SQL+";",
		script.Options{Partitions: partitions})
	if len(errs) > 0 {
		t.Fatal(errs[0])
	}
	plans, _ := prog.Needed()
	sink := &collect{t: t}
	run, err := direct.New(direct.Config{
		Plans: plans, Sink: sink, OnError: stage.DeadLetter, Results: []string{""},
		Inputs: bench.NexmarkInputs(prog, nexmark.Config{Seed: 1, Rate: 1000, Group: group}, *events),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return sink.rows
}

// TestNexmarkMessage runs the queries with the leat binary through JetStream.
func TestNexmarkMessage(t *testing.T) {
	t.Parallel()
	if *messageEvents == 0 {
		t.Skip("SKIP: -message-events N runs message mode")
	}
	h := newHouse(t, *messageEvents)
	bin := buildLeat(t)
	for _, q := range selected(t) {
		for _, group := range []int64{1, 1000} {
			for _, partitions := range []int{1, 4} {
				t.Run(fmt.Sprintf("%s/group=%d/partitions=%d", q.Name, group, partitions), func(t *testing.T) {
					h.check(t, q.Name, runMessage(t, bin, q, group, partitions))
				})
			}
		}
	}
}

func buildLeat(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "leat")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "./cmd/leat")
	cmd.Dir, cmd.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build leat: %v\n%s", err, out)
	}
	return bin
}

func runMessage(t *testing.T, bin string, q nexmark.Query, group int64, partitions int) [][]string {
	t.Helper()
	dir := t.TempDir()
	sql := nexmark.Declare(func(name string) string {
		if name == "side_input" {
			return "path = '" + filepath.Join(dir, "side.csv") + "', "
		}
		return fmt.Sprintf("generator = 'nexmark_%s', group = '%d', limit = '%d', ", name, group, *messageEvents)
	}) + q.SQL + ";\n"
	file := filepath.Join(dir, "q.sql")
	for path, text := range map[string][]byte{file: []byte(sql), filepath.Join(dir, "side.csv"): nexmark.SideCSV()} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), bin, "run", file, "--mode", "message", "-o", "json", "-q", "--dead", "none",
		"--on-error", "fail_fast", "--partitions", strconv.Itoa(partitions))
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_STATE_HOME="+dir)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("leat run: %v\n%s", err, &stderr)
	}
	return jsonRows(t, out)
}

// jsonRows reads a list of objects; numbers stay as they are written.
func jsonRows(t *testing.T, data []byte) [][]string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var rows [][]string
	var row []string
	key := true
	for {
		tok, err := d.Token()
		if err != nil {
			return rows
		}
		switch v := tok.(type) {
		case json.Delim:
			if v == '}' {
				rows, row = append(rows, row), nil
			}
			key = true
			continue
		case nil:
			row = append(row, oracle.Null)
		case string:
			if key {
				key = false
				continue
			}
			row = append(row, v)
		default:
			row = append(row, fmt.Sprint(v))
		}
		key = true
	}
}

// TestOracle: DuckDB's answers have the known numbers of rows.
func TestOracle(t *testing.T) {
	t.Parallel()
	if *events == 100_000 && *queries == "" {
		t.Skip("SKIP: TestNexmarkDirect has asked")
	}
	h := newHouse(t, 100_000)
	for q := range oracle.NexmarkRows {
		h.answer(t, q)
	}
}
