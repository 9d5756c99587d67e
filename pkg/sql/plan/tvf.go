package plan

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// windowTime is the last millisecond of a window, as Flink names it.
const windowTime = "window_time"

var windowKinds = map[ast.WindowKind]operator.WindowKind{
	ast.Tumbling: operator.Tumbling, ast.Hopping: operator.Hopping, ast.Session: operator.Session,
	ast.Cumulate: operator.Cumulate,
}

// windowOf is the window without its grace.
func (b *Binder) windowOf(w *ast.Window) operator.Window {
	out := operator.Window{
		Kind: windowKinds[w.Kind], SizeMs: w.SizeMs, AdvanceMs: w.AdvanceMs, ProcessingTime: w.ProcessingTime,
		Ksql: b.Profile == expr.Ksql,
	}
	if out.Kind == operator.Tumbling {
		out.AdvanceMs = w.SizeMs
	}
	return out
}

// bindTVF binds a window table function: the relation with window_start, window_end and window_time behind its columns.
func (b *Binder) bindTVF(r *ast.WindowTVF) (*scope, error) {
	if r.Window.Kind == ast.Session {
		return nil, unsupported(r.At, "SESSION as a table function without GROUP BY").
			WithHint("GROUP BY k, window_start, window_end; or WINDOW SESSION(30s) with GROUP BY")
	}
	in, err := b.bindFrom(r.Of)
	if err != nil {
		return nil, err
	}
	out, err := b.assignWindow(r.Window, in)
	if err != nil {
		return nil, err
	}
	alias := in.relations[0].alias
	if r.Alias != nil {
		alias = *r.Alias
	}
	out.relations = []relation{{alias: alias, to: len(out.node.Schema.Fields), object: in.relations[0].object}}
	return out, nil
}

// assignWindow puts each row into its windows.
func (b *Binder) assignWindow(w *ast.Window, sc *scope) (*scope, error) {
	if sc.node.Updating {
		return nil, sqlerr.New(sqlerr.BadStatement, w.At, "a window needs a stream; this is a table")
	}
	if err := checkWindow(w); err != nil {
		return nil, err
	}
	if w.Kind == ast.Session {
		return nil, unsupported(w.At, "a SESSION window without GROUP BY")
	}
	sc, err := b.windowTime(w, sc)
	if err != nil {
		return nil, err
	}
	out := *sc
	in := sc.node
	p := in.Props
	p.Schema = &vector.Schema{Fields: slices.Clone(in.Schema.Fields)}
	names := fieldNames(in)
	for _, name := range []string{windowStart, windowEnd, windowTime} {
		p.Schema.Fields = append(p.Schema.Fields, vector.Field{Name: freeName(name, names), Type: vector.TBigInt})
	}
	p.WindowStart, p.WindowEnd, p.Hidden = len(names), len(names)+1, 0
	out.node = &Node{
		Spec:   &operator.AssignWindow{Window: b.windowOf(w), Schema: p.Schema},
		Inputs: []*Node{in}, Props: p,
	}
	return &out, nil
}

// groupTVF turns GROUP BY k, window_start, window_end over a window table function into a windowed aggregation, which
// keeps sums instead of rows and knows sessions.
func groupTVF(q *ast.Query) *ast.Query {
	f, ok := q.From.(*ast.WindowTVF)
	if !ok || q.Window != nil || q.Grouping != nil || namesBound(q.Where) {
		return q
	}
	var rest []ast.Expr
	found := map[string]bool{}
	for _, g := range q.GroupBy {
		if bound := boundName(g); bound != "" {
			found[bound] = true
			continue
		}
		rest = append(rest, g)
	}
	complete := found[windowStart] && found[windowEnd] ||
		f.Window.Kind != ast.Cumulate && f.Window.Kind != ast.Session && (found[windowStart] || found[windowEnd])
	if !complete {
		return q
	}
	out := *q
	out.GroupBy = rest
	if out.GroupBy == nil {
		out.GroupBy = []ast.Expr{}
	}
	out.Window = f.Window
	out.From = aliased(f.Of, f.Alias)
	return &out
}

// aliased gives a relation another alias.
func aliased(r ast.Relation, alias *ast.Ident) ast.Relation {
	if alias == nil {
		return r
	}
	switch r := r.(type) {
	case *ast.TableRef:
		out := *r
		out.Alias = alias
		return &out
	case *ast.SubqueryRef:
		out := *r
		out.Alias = alias
		return &out
	default:
		return r
	}
}

// boundName is the canonical name of a bound that e names, or "".
func boundName(e ast.Expr) string {
	n, ok := e.(*ast.Name)
	if !ok {
		return ""
	}
	last := n.Parts[len(n.Parts)-1]
	if lower(last.Name) == windowTime {
		return windowTime
	}
	return windowAlias[lower(last.Name)]
}

func namesBound(e ast.Expr) bool {
	found := false
	walk(e, func(x ast.Expr) bool {
		found = found || boundName(x) != ""
		return !found
	})
	return found
}
