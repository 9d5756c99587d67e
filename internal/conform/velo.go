package conform

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/leatsql/leat/internal/direct"
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/parser"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// veloCase is one line of a file of velostream cases.
type veloCase struct {
	ID           string      `json:"id"`
	Grade        string      `json:"grade"`
	SQL          string      `json:"sql"`
	Inputs       veloInputs  `json:"inputs"`
	Order        [][]any     `json:"order"`
	Flush        bool        `json:"flush"`
	LatestPerKey keyNames    `json:"latest_per_key"`
	Expect       veloExpect  `json:"expect"`
	Reference    *veloAnswer `json:"reference"`
	Features     []string    `json:"features"`
	Quirk        any         `json:"quirk"`
}

// veloAnswer is the second opinion on a case.
type veloAnswer struct {
	Rows []map[string]any `json:"rows"`
	Of   string           `json:"of"`
}

// keyNames is a column, or a list of them.
type keyNames []string

// UnmarshalJSON implements json.Unmarshaler.
func (k *keyNames) UnmarshalJSON(data []byte) error {
	var v any
	if err := decodeJSON(data, &v); err != nil {
		return err
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, name := range list {
		*k = append(*k, fmt.Sprint(name))
	}
	return nil
}

type veloSuite struct{ cases []*veloCase }

func readVelo(r io.Reader) (Suite, error) {
	cases, err := readLines[*veloCase](r)
	return &veloSuite{cases}, err
}

// IDs implements Suite.
func (s *veloSuite) IDs() []string {
	ids := make([]string, len(s.cases))
	for i, c := range s.cases {
		ids[i] = c.ID
	}
	return ids
}

// Run implements Suite.
func (s *veloSuite) Run(i int, opt Options) []Outcome {
	c := s.cases[i]
	group := "results"
	if c.Quirk != nil {
		group = "quirks"
	}
	out := guarded(c.ID, group, func() []Outcome { return []Outcome{c.run(opt)} })
	for k := range out {
		out[k].File, out[k].Features = c.Grade, c.Features
	}
	return out
}

// veloRun is a case on its way.
type veloRun struct {
	c      *veloCase
	runner *direct.Runner
	plan   *plan.Plan
	step   int // number of the input row that is being fed
	rows   []veloRow
	failed []string    // rows that failed
	guess  vector.Type // of columns without a value
	// windowed: the statement has a window.
	windowed bool
	clock    int64
	crash    bool
	hidden   int // columns that the runner put behind the select list
}

// veloRow is a row of the output.
type veloRow struct {
	step  int
	cells map[string]any // by name in small letters
	names []string
	key   string
	time  int64
	end   int64 // of its window
}

func (c *veloCase) run(opt Options) Outcome {
	r := &veloRun{c: c, crash: opt.Crash, guess: vector.TString}
	err := r.run()
	for _, t := range []vector.Type{vector.TDouble, vector.TBigInt} {
		// The type of a column without any value is not known: one that the statement takes is right.
		if err == nil || c.Expect.Error || !c.Inputs.guessed(c.SQL) {
			break
		}
		again := &veloRun{c: c, crash: opt.Crash, guess: t}
		if e := again.run(); e == nil {
			r, err = again, nil
		}
	}
	if c.Quirk != nil {
		var refused *sqlerr.Error
		if err == nil || errors.As(err, &refused) {
			return skipped(c.ID, "quirks", fmt.Sprint(c.Quirk))
		}
		return failed(c.ID, "quirks", err.Error(), c.SQL)
	}
	if why := c.Expect.judge(r, err); why != "" {
		return failed(c.ID, "results", why, r.detail())
	}
	if c.Grade == "reference" && c.Reference != nil && err == nil {
		if why := r.reference(); why != "" {
			return failed(c.ID, "results", "reference: "+why, r.detail())
		}
	}
	return passed(c.ID, "results")
}

// detail shows the statement, what was wanted and what came.
func (r *veloRun) detail() string {
	var sb strings.Builder
	sb.WriteString(r.c.SQL + "\n")
	fmt.Fprintf(&sb, "- want %s\n", string(r.c.Expect.text))
	if r.c.Reference != nil {
		for _, row := range r.c.Reference.Rows {
			fmt.Fprintf(&sb, "- reference (%s) %s\n", r.c.Reference.Of, show(row))
		}
	}
	for _, row := range r.rows {
		fmt.Fprintf(&sb, "+ step %d %s\n", row.step, show(row.cells))
	}
	for _, f := range r.failed {
		fmt.Fprintf(&sb, "note %s\n", f)
	}
	return sb.String()
}

// run plans the statement over the inferred inputs and feeds them.
func (r *veloRun) run() error {
	objects := plan.Objects{}
	for _, in := range r.c.Inputs.list {
		o, err := in.object(r.c.SQL, r.guess)
		if err != nil {
			return err
		}
		objects[o.Name] = o
	}
	if err := r.prepare(objects); err != nil {
		return err
	}
	if err := r.runner.Start(); err != nil {
		return err
	}
	return r.feed(objects)
}

// prepare parses and plans the statement. A window without EMIT emits when it closes, all else each change.
func (r *veloRun) prepare(objects plan.Objects) error {
	statements, errs := parser.Parse(r.c.SQL, parser.Options{})
	if len(errs) > 0 {
		return errs[0]
	}
	if len(statements) == 0 {
		return fmt.Errorf("there is no statement")
	}
	b := &plan.Binder{Catalog: objects, Mode: plan.Push, RecordEmission: true}
	var err error
	results := ""
	switch st := statements[0].(type) {
	case *ast.Select:
		r.emission(st.Query)
		if st.Query.Emit == ast.EmitDefault {
			b.Mode, r.c.Flush = plan.Bounded, true
		}
		r.plan, err = b.Select("q1", st.Query)
	case *ast.Create:
		if st.As == nil {
			_, _, err = plan.Define(st, plan.Defaults{Partitions: 1})
			r.plan = &plan.Plan{}
			break
		}
		r.emission(st.As)
		b.Mode = plan.Persistent
		var o *plan.Object
		if r.plan, o, err = b.CreateAs("q1", st); err == nil {
			results = o.Topic
		}
	case *ast.InsertValues, *ast.Show, *ast.Describe, *ast.Set, *ast.Control, *ast.Drop:
		r.plan = &plan.Plan{}
	default:
		err = sqlerr.New(sqlerr.NotSupported, st.Span(), "this statement is not supported by the runner of cases")
	}
	if err != nil {
		return err
	}
	cfg := direct.Config{Sink: r, Results: []string{results}, Crash: r.crash}
	if len(r.plan.Stages) > 0 {
		cfg.Plans = []*plan.Plan{r.plan}
	}
	for _, in := range r.c.Inputs.list {
		o := objects[in.name]
		cfg.Inputs = append(cfg.Inputs, direct.Input{
			Topic: o.Topic, Writers: direct.One(writer), Partitions: 1, Keys: o.Placement(),
		})
	}
	r.runner, err = direct.New(cfg)
	return err
}

// hiddenName begins the names of the columns that the runner adds: the group and the window of a row, by which a
// changelog is folded.
const (
	hiddenName = "__hidden_"
	hiddenEnd  = hiddenName + "end"
)

// fold adds columns for the group and the window behind the select list.
func (r *veloRun) fold(q *ast.Query) {
	if r.c.Grade != "reference" || r.c.Reference == nil || len(q.GroupBy) == 0 && q.Window == nil {
		return
	}
	add := func(x ast.Expr) {
		q.Items = append(q.Items, ast.SelectItem{
			Expr: x, Alias: &ast.Ident{Name: fmt.Sprintf("%s%d", hiddenName, r.hidden), Quoted: true}, At: q.At,
		})
		r.hidden++
	}
	if q.Window != nil {
		add(&ast.Name{E: ast.E{At: q.At}, Parts: []ast.Ident{{Name: "_window_start", At: q.At}}})
	}
	for _, g := range q.GroupBy {
		add(g)
	}
	if q.Window != nil {
		add(&ast.Name{E: ast.E{At: q.At}, Parts: []ast.Ident{{Name: "_window_end", At: q.At}}})
		q.Items[len(q.Items)-1].Alias.Name = hiddenEnd
	}
}

// emission sets EMIT where the statement has none. The inputs of the case stand for sources that the statement names.
func (r *veloRun) emission(q *ast.Query) {
	q.Sources = nil
	r.fold(q)
	r.windowed = q.Window != nil
	if q.Emit == ast.EmitFinal && q.Window == nil && r.c.Flush {
		q.Emit = ast.EmitDefault // the end of the input makes its groups final
		return
	}
	if q.Emit != ast.EmitDefault {
		return
	}
	_, function := q.From.(*ast.WindowTVF)
	switch {
	case q.Window != nil || function && len(q.GroupBy) > 0:
		q.Emit = ast.EmitFinal
	case len(q.OrderBy) == 0 && !q.Distinct:
		q.Emit = ast.EmitChanges
	}
}

// feed hands over the rows: tables, then the rows of the streams in their order.
func (r *veloRun) feed(objects plan.Objects) error {
	r.step = -1
	wm := vector.NoTime
	for _, in := range r.c.Inputs.list {
		for i := range in.Rows {
			if in.Table {
				if err := r.row(objects[in.name], in, i, &wm); err != nil {
					return err
				}
			}
		}
	}
	wm = vector.NoTime
	order, err := r.c.Inputs.order(r.c.Order)
	if err != nil {
		return err
	}
	next := map[string]int{}
	for _, in := range order {
		r.step++
		if err := r.row(objects[in.name], in, next[in.name], &wm); err != nil {
			return err
		}
		next[in.name]++
	}
	if !r.c.Flush {
		return r.tick(objects, wm)
	}
	r.step++
	return r.runner.End()
}

// tick lets the clock pass the last row, where no window waits for it: rows of OVER leave when time goes on.
func (r *veloRun) tick(objects plan.Objects, wm int64) error {
	if r.windowed || wm == vector.NoTime {
		return nil
	}
	for _, in := range r.c.Inputs.list {
		if in.Table {
			continue
		}
		item := direct.Item{Batch: &vector.Batch{Watermark: wm + 1}, Writer: writer}
		if err := r.runner.Feed(objects[in.name].Topic, item); err != nil {
			return err
		}
	}
	return nil
}

// row feeds one row of an input and tells the other streams its time.
func (r *veloRun) row(o *plan.Object, in *veloInput, i int, wm *int64) error {
	b, err := in.batch(o, i)
	if err != nil {
		return err
	}
	*wm = max(*wm, b.Time[0])
	r.clock = *wm
	b.Watermark, b.Topic, b.Seq = *wm, o.Topic, uint64(i)
	if n, ok := toFloat(in.Rows[i].values["_offset"]); ok {
		b.Seq = uint64(n)
	}
	if n, ok := toFloat(in.Rows[i].values["_partition"]); ok {
		b.Partition = int(n)
	}
	if err := r.runner.Feed(o.Topic, direct.Item{Batch: b, Writer: writer}); err != nil {
		return err
	}
	if in.Table {
		return nil
	}
	for _, other := range r.c.Inputs.list {
		if other == in || other.Table {
			continue
		}
		item := direct.Item{Batch: &vector.Batch{Watermark: *wm}, Writer: writer}
		if err := r.runner.Feed(plan.TopicName(other.name), item); err != nil {
			return err
		}
	}
	return nil
}

// Result implements direct.Sink.
func (r *veloRun) Result(_ string, _ int, b *vector.Batch) error {
	b = vector.Compact(b)
	for i := range b.Rows {
		if op := b.Op(i); op == vector.UpdateBefore || op == vector.Delete {
			continue
		}
		row := veloRow{step: r.step, cells: map[string]any{}, time: b.Time[i]}
		for c, f := range b.Schema.Fields {
			name := strings.ToLower(f.Name)
			if name == hiddenEnd {
				row.end, _ = tree(b.Cols[c], i).(int64)
				continue
			}
			if strings.HasPrefix(name, hiddenName) {
				row.key += show(tree(b.Cols[c], i)) + " "
				continue
			}
			row.cells[name] = tree(b.Cols[c], i)
			row.names = append(row.names, name)
		}
		if r.hidden == 0 {
			for _, k := range r.plan.Result.Key {
				row.key += show(tree(b.Cols[k], i)) + " "
			}
		}
		r.rows = append(r.rows, row)
	}
	return nil
}

// Dead implements direct.Sink.
func (r *veloRun) Dead(_ string, _ *vector.Batch, _ uint32, code, msg string) {
	r.failed = append(r.failed, msg+" ["+code+"]")
}

// Late implements direct.Sink.
func (r *veloRun) Late(string, *vector.Batch, []uint32) {}

// reference compares the output with the second opinion: the rows, in any order.
func (r *veloRun) reference() string {
	rows := slices.DeleteFunc(slices.Clone(r.rows), func(row veloRow) bool {
		// The windows of these cases begin at 0 or later; without a flush, those that the clock has not passed are
		// open.
		return r.hidden > 0 && (strings.HasPrefix(row.key, "-") || !r.c.Flush && row.end > r.clock)
	})
	if r.c.Reference.Of == "final state" {
		rows = lastPerKey(rows, func(row *veloRow) string { return row.key })
	}
	want := r.c.Reference.Rows
	if len(rows) != len(want) {
		return fmt.Sprintf("%d rows, want %d", len(rows), len(want))
	}
	left := append([]veloRow{}, rows...)
	for i, w := range want {
		at := -1
		for k := range left {
			if left[k].has(w) == "" || left[k].hasNoInfinity(w) {
				at = k
				break
			}
		}
		if at < 0 {
			return fmt.Sprintf("row %d is missing: %s", i+1, show(w))
		}
		left = append(left[:at], left[at+1:]...)
	}
	return ""
}

// lastPerKey keeps the last row of each key.
func lastPerKey(rows []veloRow, key func(*veloRow) string) []veloRow {
	last := map[string]int{}
	for i := range rows {
		last[key(&rows[i])] = i
	}
	var out []veloRow
	for i := range rows {
		if last[key(&rows[i])] == i {
			out = append(out, rows[i])
		}
	}
	return out
}

var _ direct.Sink = (*veloRun)(nil)
