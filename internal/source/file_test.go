package source

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leatsql/leat/internal/format"
	"github.com/leatsql/leat/pkg/sql/vector"
)

var idSchema = &vector.Schema{Fields: []vector.Field{
	{Name: "id", Type: vector.TBigInt},
	{Name: "s", Type: vector.TString},
}}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func appendFile(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

// ids collects the first column of n rows.
func ids(t *testing.T, r *Reader, n int) []int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var out []int64
	for len(out) < n {
		b, err := r.NextContext(ctx)
		if err != nil {
			t.Fatalf("after %d rows: %v", len(out), err)
		}
		out = append(out, b.Cols[0].I64[:b.Rows]...)
	}
	return out
}

func TestFollowSurvivesRotation(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log.jsonl")
	writeFile(t, path, "{\"id\":1}\n{\"id\":2}\n{\"id\":3")
	f := &File{Path: path, Follow: true}
	r, err := Open(t.Context(), f, Config{Schema: idSchema})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got := ids(t, r, 2); !slices.Equal(got, []int64{1, 2}) {
		t.Fatalf("got %v", got)
	}
	appendFile(t, path, "}\n{\"id\":4}")
	if got := ids(t, r, 1); !slices.Equal(got, []int64{3}) {
		t.Fatalf("the line completed later: got %v", got)
	}
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, "{\"id\":5}\n")
	if got := ids(t, r, 2); !slices.Equal(got, []int64{4, 5}) {
		t.Fatalf("after the rename: got %v", got)
	}
	if pos := r.Position(); pos.Seq != 1 || pos.Row != 1 || pos.Line != 1 {
		t.Errorf("position in the new file: %v", pos)
	}
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	appendFile(t, path, "{\"id\":6}\n")
	if got := ids(t, r, 1); !slices.Equal(got, []int64{6}) {
		t.Fatalf("after the cut: got %v", got)
	}
}

func TestResumeAnywhere(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("s,id\n")
	for i := range 500 {
		fmt.Fprintf(&text, "\"a\nb\",%d\n", i)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := io.WriteString(z, text.String()); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "f.csv"), text.String())
	writeFile(t, filepath.Join(dir, "f.csv.gz"), packed.String())
	cfg := Config{Format: "csv", Schema: idSchema, MaxRows: 7}
	for _, name := range []string{"f.csv", "f.csv.gz"} {
		var pos Position
		var got []int64
		for len(got) < 500 {
			f := &File{Path: filepath.Join(dir, name)}
			again, err := ParsePosition(pos.String())
			if err != nil || again != pos {
				t.Fatalf("position %v reads back as %v: %v", pos, again, err)
			}
			if err := f.Open(t.Context(), pos); err != nil {
				t.Fatal(err)
			}
			r, err := NewReader(f, cfg, true, pos)
			if err != nil {
				t.Fatal(err)
			}
			b, err := r.Next()
			if err != nil {
				t.Fatalf("%s after %d rows: %v", name, len(got), err)
			}
			got = append(got, b.Cols[0].I64[:b.Rows]...)
			pos = r.Position()
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
		}
		for i, id := range got {
			if int(id) != i {
				t.Fatalf("%s: row %d is %d", name, i, id)
			}
		}
		if pos.Row != 500 || pos.Line != 1001 {
			t.Errorf("%s: position %v, want row 500, line 1001", name, pos)
		}
	}
	writeFile(t, filepath.Join(dir, "f.csv"), "another file")
	if err := (&File{Path: filepath.Join(dir, "f.csv")}).Open(t.Context(),
		Position{Row: 1, Offset: 5, ID: fileID([]byte(text.String()))}); err == nil {
		t.Error("another file of the same name was read on")
	}
}

func TestResumeRotatedWhileAway(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log.jsonl")
	writeFile(t, path, "{\"id\":1}\n")
	f := &File{Path: path, Follow: true}
	r, err := Open(t.Context(), f, Config{Schema: idSchema})
	if err != nil {
		t.Fatal(err)
	}
	ids(t, r, 1)
	pos := r.Position()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	appendFile(t, path, "{\"id\":2}\n")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, "{\"id\":3}\n")
	again := &File{Path: path, Follow: true}
	if err := again.Open(t.Context(), pos); err != nil {
		t.Fatal(err)
	}
	r, err = NewReader(again, Config{Schema: idSchema}, true, pos)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got := ids(t, r, 2); !slices.Equal(got, []int64{2, 3}) {
		t.Errorf("got %v, want the rest of the old file and the new one", got)
	}
}

func TestLongLines(t *testing.T) {
	t.Parallel()
	long := `{"id":1,"s":"` + strings.Repeat("x", format.MaxRecordBytes+10) + "\"}\n"
	for _, end := range []string{"{\"id\":3}\n", ""} {
		in := "{\"id\":0}\n" + long + "{\"id\":2}\n" + long + end
		r, err := Open(t.Context(), &File{Path: "-", Input: strings.NewReader(in)}, Config{Schema: idSchema})
		if err != nil {
			t.Fatal(err)
		}
		batches, bad := readAll(t, r)
		var got []int64
		for _, b := range batches {
			got = append(got, b.Cols[0].I64[:b.Rows]...)
		}
		want := []int64{0, 2, 3}[:2+len(end)/9]
		if !slices.Equal(got, want) || len(bad) != 2 {
			t.Fatalf("got rows %v and %d bad ones, want %v and 2", got, len(bad), want)
		}
		if b := bad[0]; b.Code != format.CodeLimit || !b.Truncated || len(b.Original) != format.MaxOriginalBytes ||
			b.Line != 2 {
			t.Errorf("bad row: code %s, line %d, %d bytes, truncated %t", b.Code, b.Line, len(b.Original), b.Truncated)
		}
		if bad[1].Line != 4 {
			t.Errorf("second bad row on line %d, want 4", bad[1].Line)
		}
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "in.jsonl"), "{\"id\":1}\n")
	if err := os.Mkdir(filepath.Join(dir, "root"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "in.jsonl"), filepath.Join(dir, "root", "link")); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(filepath.Join(dir, "root"))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for name, f := range map[string]*File{
		"a directory": {Path: dir}, "no file": {Path: filepath.Join(dir, "none")},
		"outside of the root":    {Path: "../in.jsonl", Root: root},
		"a link out of the root": {Path: "link", Root: root},
		"a followed .gz":         {Path: filepath.Join(dir, "in.jsonl") + ".gz", Follow: true},
		"a .gz that is none":     {Path: "x.gz", Input: strings.NewReader("plain")},
	} {
		if err := f.Open(t.Context(), Position{}); err == nil {
			t.Errorf("%s was opened", name)
		}
	}
}

func TestOnError(t *testing.T) {
	t.Parallel()
	const in = "{\"id\":1}\n{\"id\":\"x\"}\n{\"id\":3}\n"
	for _, c := range []struct {
		onError       string
		rows, bad, in int
		fails         bool
	}{{"", 2, 1, 1, false}, {DeadLetter, 2, 1, 1, false}, {Skip, 2, 0, 1, false}, {FailFast, 1, 0, 1, true}} {
		r, err := Open(t.Context(), &File{Path: "f", Input: strings.NewReader(in)},
			Config{Schema: idSchema, OnError: c.onError})
		if err != nil {
			t.Fatal(err)
		}
		rows, bad := 0, 0
		for {
			b, e := r.Next()
			if err = e; err != nil {
				break
			}
			rows += b.Rows
			bad += len(r.Bad())
		}
		var failed *BadRowError
		if errors.As(err, &failed) != c.fails || !c.fails && !errors.Is(err, io.EOF) {
			t.Errorf("%q ends with %v", c.onError, err)
		}
		if c.fails && failed.Error() != `f:2: "x" is not BIGINT [LEAT-5203]` {
			t.Errorf("message %q", failed)
		}
		if rows != c.rows || bad != c.bad || r.BadRows() != 1 {
			t.Errorf("%q: %d rows, %d bad, %d counted", c.onError, rows, bad, r.BadRows())
		}
	}
}

func TestGeneratorGoesOnAnywhere(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"trades", "quotes"} {
		schema, ok := GeneratorSchema(kind)
		if !ok {
			t.Fatal(kind)
		}
		var whole strings.Builder
		for _, cut := range []uint64{0, 1, 4095, 4096, 9000} {
			g := &Generator{Kind: kind, Seed: 7, Limit: 10_000}
			pos := Position{Row: cut}
			if err := g.Open(t.Context(), pos); err != nil {
				t.Fatal(err)
			}
			r, err := NewReader(g, Config{Schema: schema, EventTime: "ts"}, true, pos)
			if err != nil {
				t.Fatal(err)
			}
			batches, bad := readAll(t, r)
			text := written(t, "jsonl", schema, batches)
			if cut == 0 {
				whole.WriteString(text)
				checkMarket(t, kind, batches, len(bad))
			}
			if !strings.HasSuffix(whole.String(), text) || len(text) == 0 {
				t.Errorf("%s from row %d is not the end of the whole", kind, cut)
			}
		}
	}
}

// checkMarket wants a skew, late rows, malformed rows, and prices that move in small steps.
func checkMarket(t *testing.T, kind string, batches []*vector.Batch, bad int) {
	t.Helper()
	count, late, largest := map[string]int{}, 0, int64(0)
	for _, b := range batches {
		for i := range b.Rows {
			count[string(b.Cols[1].Bytes(i))]++
			if b.Time[i] < largest {
				late++
			}
			largest = max(largest, b.Time[i])
		}
	}
	if bad < 3 || bad > 40 || late < 50 || late > 200 || count["SYM0"] < 3*count["SYM50"] || len(count) < 300 {
		t.Errorf("%s: %d bad, %d late, SYM0 %d, SYM50 %d, %d symbols", kind, bad, late, count["SYM0"], count["SYM50"],
			len(count))
	}
}
