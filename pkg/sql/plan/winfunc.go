package plan

import (
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// boundFunctions are the functions that name a bound of the query's window, as in
// TUMBLE_START(ts, INTERVAL '1' MINUTE); their arguments repeat the window.
var boundFunctions = func() map[string]string {
	out := map[string]string{}
	for _, w := range []string{"TUMBLE", "HOP", "SESSION", "CUMULATE", "TUMBLING", "HOPPING", "SLIDING", "WINDOW"} {
		out[w+"_START"], out[w+"_END"] = windowStart, windowEnd
	}
	for _, w := range []string{"TUMBLE", "HOP", "SESSION"} {
		out[w+"_ROWTIME"] = windowTime
	}
	return out
}()

// boundFunction turns TUMBLE_START(...) into the name of the bound.
func boundFunction(c *ast.Call) (*ast.Name, bool) {
	name, ok := boundFunctions[strings.ToUpper(c.Name.Name)]
	if !ok || c.Over != nil || c.Distinct || c.Filter != nil {
		return nil, false
	}
	return &ast.Name{E: c.E, Parts: []ast.Ident{{Name: name, At: c.At}}}, true
}

// groupWindows are the functions of GROUP BY that stand for a WINDOW clause: GROUP BY TUMBLE(ts, INTERVAL '1' MINUTE).
// In the long form HOP names the advance first.
var groupWindows = map[string]struct {
	kind         ast.WindowKind
	durations    int
	advanceFirst bool
}{
	"TUMBLE":   {ast.Tumbling, 1, false},
	"TUMBLING": {ast.Tumbling, 1, false},
	"HOP":      {ast.Hopping, 2, true},
	"HOPPING":  {ast.Hopping, 2, false},
	"SLIDING":  {ast.Hopping, 2, false},
	"SESSION":  {ast.Session, 1, false},
	"CUMULATE": {ast.Cumulate, 2, true},
}

// groupWindow takes a window function out of GROUP BY and makes it the query's WINDOW.
func (b *Binder) groupWindow(q *ast.Query) (*ast.Query, error) {
	at := slices.IndexFunc(q.GroupBy, func(e ast.Expr) bool {
		c, ok := e.(*ast.Call)
		if !ok {
			return false
		}
		_, ok = groupWindows[strings.ToUpper(c.Name.Name)]
		return ok && len(c.Args) > 0
	})
	if at < 0 {
		return q, nil
	}
	c, _ := q.GroupBy[at].(*ast.Call)
	if q.Window != nil {
		return nil, sqlerr.New(sqlerr.BadStatement, c.At, "the query has a WINDOW already").
			WithHint("write the window once: WINDOW TUMBLING(1m), or GROUP BY TUMBLE(ts, INTERVAL '1' MINUTE)")
	}
	if q.Grouping != nil {
		return nil, unsupported(c.At, "a window function inside of GROUPING SETS").WithHint("WINDOW TUMBLING(1m)")
	}
	w, err := windowOfCall(c)
	if err != nil {
		return nil, err
	}
	out := *q
	out.Window = w
	out.GroupBy = slices.Delete(slices.Clone(q.GroupBy), at, at+1)
	return &out, nil
}

func windowOfCall(c *ast.Call) (*ast.Window, error) {
	name := strings.ToUpper(c.Name.Name)
	f := groupWindows[name]
	w := &ast.Window{Kind: f.kind, AdvanceMs: -1, GraceMs: -1, RetentionMs: -1, At: c.At}
	args := c.Args
	if n, ok := args[0].(*ast.Name); ok {
		id := n.Parts[len(n.Parts)-1]
		w.TimeColumn = &id
		args = args[1:]
	}
	var ms []int64
	for _, a := range args {
		if l, ok := a.(*ast.Literal); ok && l.Kind == ast.IntervalLit && l.Ms > 0 {
			ms = append(ms, l.Ms)
		}
	}
	if len(ms) != len(args) || len(ms) != f.durations {
		return nil, sqlerr.New(sqlerr.BadStatement, c.At, "%s in GROUP BY wants a time column and %d durations", name,
			f.durations).WithHint("GROUP BY %s(ts, INTERVAL '10' SECOND)", name)
	}
	w.SizeMs = ms[0]
	if f.durations == 2 {
		w.SizeMs, w.AdvanceMs = ms[0], ms[1]
		if f.advanceFirst {
			w.SizeMs, w.AdvanceMs = ms[1], ms[0]
		}
		if w.AdvanceMs > w.SizeMs {
			return nil, sqlerr.New(sqlerr.BadStatement, c.At, "the advance is larger than the size of the window")
		}
	}
	return w, nil
}
