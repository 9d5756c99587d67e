package parser

import (
	"github.com/leatsql/leat/pkg/sql/ast"
)

// windowTypes are the spellings of a window; the short forms take one or two durations.
var windowTypes = []struct {
	word string
	kind ast.WindowKind
}{
	{"TUMBLING", ast.Tumbling},
	{"HOPPING", ast.Hopping},
	{"SLIDING", ast.Hopping},
	{"SESSION", ast.Session},
	{"CUMULATE", ast.Cumulate},
	{"TUMBLE", ast.Tumbling},
	{"HOP", ast.Hopping},
}

func newWindow(k ast.WindowKind) *ast.Window {
	return &ast.Window{Kind: k, SizeMs: -1, AdvanceMs: -1, GraceMs: -1, RetentionMs: -1}
}

// windowClause reads what follows WINDOW.
func (p *parser) windowClause() *ast.Window {
	from := p.pos - 1
	if t := p.tok(); p.isName(t) && !p.peek(1).is("(") && p.peek(1).kind != eof {
		p.advance() // a name for the window
		p.accept("AS")
	}
	w := p.windowType()
	if w == nil {
		p.unexpected("TUMBLING, SLIDING, HOPPING, SESSION or CUMULATE after WINDOW")
		return newWindow(ast.Tumbling)
	}
	p.expect("(", "after the kind of window")
	if p.is("SIZE") {
		p.longWindow(w)
	} else {
		p.shortWindow(w)
	}
	p.windowOptions(w, false)
	p.expect(")", "after the window")
	p.windowOptions(w, true)
	w.At = p.since(from)
	p.checkWindow(w)
	return w
}

func (p *parser) windowType() *ast.Window {
	for _, t := range windowTypes {
		if p.accept(t.word) {
			return newWindow(t.kind)
		}
	}
	return nil
}

// longWindow reads SIZE 1 HOUR, ADVANCE BY 5 MINUTES.
func (p *parser) longWindow(w *ast.Window) {
	p.expect("SIZE", "in the window")
	w.SizeMs = p.windowDuration("after SIZE")
	if w.Kind != ast.Tumbling && p.is(",") && p.peek(1).is("ADVANCE") {
		p.advance()
		p.advance()
		p.expect("BY", "after ADVANCE")
		w.AdvanceMs = p.windowDuration("after ADVANCE BY")
	}
}

// shortWindow reads (5m), (1h, 5m), (ts, 1m), (1m, ts).
func (p *parser) shortWindow(w *ast.Window) {
	p.timeColumn(w)
	w.SizeMs = p.windowDuration("in the window")
	for !p.failed && p.is(",") && !p.optionAt(1) {
		p.advance()
		switch t := p.tok(); {
		case p.startsDuration(t) && w.AdvanceMs < 0 && (w.Kind == ast.Hopping || w.Kind == ast.Cumulate):
			w.AdvanceMs = p.windowDuration("after the comma")
		case p.isName(t) && w.TimeColumn == nil && !p.startsDuration(t):
			name := p.columnOf()
			w.TimeColumn = &name
		case p.isName(t) && w.Kind == ast.Session:
			p.columnOf()
			p.notSupported(t.at, "a key inside of SESSION(...) is not supported").
				hint("write GROUP BY %s", clip(t.text))
		default:
			p.unexpected("GRACE or RETENTION after the comma")
		}
	}
}

// timeColumn reads ts, before the durations.
func (p *parser) timeColumn(w *ast.Window) {
	t := p.tok()
	if p.isName(t) && !p.startsDuration(t) && (p.peek(1).is(",") || p.peek(1).is(".")) {
		name := p.columnOf()
		w.TimeColumn = &name
		p.expect(",", "after the time column")
	}
}

// columnOf reads c or t.c and returns c.
func (p *parser) columnOf() ast.Ident {
	name := p.name("a column", "")
	for p.accept(".") {
		name = p.name("a column", `after "."`)
	}
	return name
}

func (p *parser) optionAt(n int) bool {
	t := p.peek(n)
	return t.is("GRACE") || t.is("RETENTION")
}

// windowOptions reads GRACE [PERIOD] d and RETENTION d: after commas inside, without them behind the parenthesis,
// where ON PROCESSING TIME may stand too.
func (p *parser) windowOptions(w *ast.Window, behind bool) {
	for !p.failed {
		if !behind {
			if !p.is(",") || !p.optionAt(1) {
				return
			}
			p.advance()
		}
		at := p.tok().at
		switch {
		case p.accept("GRACE"):
			p.accept("PERIOD")
			p.once(w.GraceMs, at, "GRACE")
			w.GraceMs = p.duration("after GRACE")
		case p.accept("RETENTION"):
			p.once(w.RetentionMs, at, "RETENTION")
			w.RetentionMs = p.duration("after RETENTION")
		case behind && p.acceptAll("ON", "PROCESSING", "TIME"):
			w.ProcessingTime = true
		case behind && p.acceptAll("ON", "EVENT", "TIME"):
		default:
			return
		}
	}
}

func (p *parser) once(value int64, at ast.Span, what string) {
	if value >= 0 {
		p.failAt(at, "%s is written twice", what)
	}
}

func (p *parser) checkWindow(w *ast.Window) {
	if p.failed {
		return
	}
	switch {
	case w.Kind == ast.Hopping && w.AdvanceMs < 0:
		p.failAt(w.At, "a sliding window needs a size and an advance").hint("write SLIDING(1h, 5m)")
	case w.Kind == ast.Cumulate && w.AdvanceMs < 0:
		p.failAt(w.At, "CUMULATE needs a largest size and a step").hint("write CUMULATE(1d, 1h)")
	case w.AdvanceMs > w.SizeMs:
		p.notSupported(w.At, "an advance larger than the size of the window is not supported").
			hint("the size comes first: SLIDING(1h, 5m)")
	}
}

// windowDuration reads a duration above zero.
func (p *parser) windowDuration(where string) int64 {
	at := p.tok().at
	ms := p.duration(where)
	if ms <= 0 && !p.failed {
		p.failAt(at.Join(p.last().at), "the size of a window must be at least 1 ms")
	}
	return ms
}
