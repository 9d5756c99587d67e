package parser

import (
	"github.com/leatsql/leat/pkg/sql/ast"
)

// tvf is one row of the table of window functions: the order of the durations in the long form, f(TABLE t,
// DESCRIPTOR(ts), ...), and in the short form, f(t, ...).
type tvf struct {
	word        string
	kind        ast.WindowKind
	durations   int
	advanceLead bool // long form: HOP(.., slide, size), CUMULATE(.., step, max)
}

var tvfs = []tvf{
	{"TUMBLE", ast.Tumbling, 1, false},
	{"HOP", ast.Hopping, 2, true},
	{"SESSION", ast.Session, 1, false},
	{"CUMULATE", ast.Cumulate, 2, true},
}

func tvfOf(t *token) *tvf {
	for i := range tvfs {
		if t.is(tvfs[i].word) {
			return &tvfs[i]
		}
	}
	return nil
}

// tableFunction reads TUMBLE(...), HOP(...), SESSION(...), CUMULATE(...) or UNNEST(e).
func (p *parser) tableFunction() ast.Relation {
	from := p.pos
	if p.accept("UNNEST") {
		u := &ast.Unnest{}
		p.expect("(", "after UNNEST")
		u.Expr = p.expr()
		p.expect(")", "after the expression")
		u.Ordinality = p.acceptAll("WITH", "ORDINALITY")
		return u
	}
	f := tvfOf(p.tok())
	if f == nil {
		p.unexpected("TUMBLE, HOP, SESSION, CUMULATE or UNNEST")
		return &ast.TableRef{}
	}
	p.advance()
	p.expect("(", "after "+f.word)
	w := &ast.WindowTVF{Window: newWindow(f.kind)}
	long := p.accept("TABLE")
	w.Of = p.tvfSource()
	if p.acceptAll("PARTITION", "BY") {
		w.Partition = p.partitionList()
	}
	p.expect(",", "after the table")
	if long = p.is("DESCRIPTOR") || long; long {
		p.expect("DESCRIPTOR", "after the table")
		p.expect("(", "after DESCRIPTOR")
		name := p.name("a time column", "in DESCRIPTOR")
		w.TimeColumn = &name
		p.expect(")", "after the time column")
		p.expect(",", "after DESCRIPTOR(...)")
	}
	p.tvfDurations(w.Window, f, long)
	p.expect(")", "after the durations")
	w.Window.TimeColumn = w.TimeColumn
	w.Window.At = p.since(from)
	p.checkWindow(w.Window)
	return w
}

func (p *parser) tvfSource() ast.Relation {
	from := p.pos
	if p.is("(") {
		r := p.derived(from)
		p.finishRelation(r, from)
		return r
	}
	r := &ast.TableRef{Name: p.tableName("as the table")}
	r.At = p.since(from)
	return r
}

// partitionList reads expressions up to DESCRIPTOR.
func (p *parser) partitionList() []ast.Expr {
	list := []ast.Expr{p.expr()}
	for p.is(",") && !p.peek(1).is("DESCRIPTOR") && !p.startsDuration(p.peek(1)) {
		p.advance()
		list = append(list, p.expr())
	}
	return list
}

func (p *parser) tvfDurations(w *ast.Window, f *tvf, long bool) {
	first := p.windowDuration("in " + f.word)
	if f.durations == 1 {
		w.SizeMs = first
		return
	}
	p.expect(",", "between the durations")
	second := p.windowDuration("in " + f.word)
	w.SizeMs, w.AdvanceMs = first, second
	if long && f.advanceLead {
		w.SizeMs, w.AdvanceMs = second, first
	}
}
