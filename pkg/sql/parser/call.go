package parser

import (
	"math"
	"strconv"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// nameOrCall reads a column, t.column or f(...).
func (p *parser) nameOrCall() ast.Expr {
	t := p.tok()
	from := p.pos
	p.advance()
	if p.is("(") && t.kind != quoted {
		return p.call(from, p.ident(t))
	}
	n := &ast.Name{E: ast.E{At: t.at}, Parts: []ast.Ident{p.ident(t)}}
	if p.is(".") && p.fieldFollows() {
		p.advance()
		n.Parts = append(n.Parts, p.fieldName())
		n.At = p.since(from)
	}
	return n
}

// fieldFollows reports whether the point belongs to a name, as in t.a, and not to t.*.
func (p *parser) fieldFollows() bool { return !p.peek(1).is("*") }

// call reads (args) and what may follow a call.
func (p *parser) call(from int, name ast.Ident) ast.Expr {
	c := &ast.Call{Name: name, Args: []ast.Expr{}}
	p.expect("(", "after "+name.Name)
	switch {
	case p.is("*"):
		c.Args = append(c.Args, &ast.Star{E: ast.E{At: p.advance().at}})
	case p.is("DISTINCT") && !p.peek(1).is(")") && !p.peek(1).is(","):
		p.advance()
		c.Distinct = true
		c.Args = p.exprList("")
	default:
		c.Args = p.arguments()
	}
	p.nullTreatment(c)
	if p.acceptAll("ORDER", "BY") {
		c.OrderBy = p.orderItems()
	}
	p.expect(")", `or "," after the argument of `+clip(name.Name))
	p.callTail(c)
	c.At = p.since(from)
	return c
}

// arguments reads expressions and lambdas up to the closing parenthesis.
func (p *parser) arguments() []ast.Expr {
	args := []ast.Expr{}
	for !p.failed && (len(args) > 0 || !p.is(")")) {
		switch n := p.lambdaParams(); {
		case n > 0:
			args = append(args, p.lambda(n))
		case p.isName(p.tok()) && p.peek(1).is("=>"):
			args = append(args, p.lambda(0))
		default:
			args = append(args, p.expr())
		}
		p.listAt = p.pos
		if !p.accept(",") {
			break
		}
	}
	return args
}

func (p *parser) nullTreatment(c *ast.Call) {
	at := p.tok().at
	switch {
	case p.acceptAll("IGNORE", "NULLS"):
		c.IgnoreNulls = true
	case p.acceptAll("RESPECT", "NULLS"):
		c.RespectNulls = true
	default:
		return
	}
	if c.IgnoreNulls && c.RespectNulls {
		p.failAt(at.Join(p.last().at), "IGNORE NULLS and RESPECT NULLS exclude each other")
	}
}

// callTail reads WITHIN GROUP (ORDER BY ..), FILTER (WHERE ..), IGNORE NULLS and OVER (..).
func (p *parser) callTail(c *ast.Call) {
	if p.acceptAll("WITHIN", "GROUP") {
		p.expect("(", "after WITHIN GROUP")
		p.expect("ORDER", "in WITHIN GROUP")
		p.expect("BY", "after ORDER")
		c.OrderBy = p.orderItems()
		p.expect(")", "after WITHIN GROUP (ORDER BY ...")
	}
	if p.peek(1).is("(") && p.accept("FILTER") {
		p.advance()
		p.expect("WHERE", "in FILTER")
		c.Filter = p.expr()
		p.expect(")", "after the condition of FILTER")
	}
	p.nullTreatment(c)
	if p.is("OVER") {
		if p.peek(1).kind == word && !p.peek(1).is("FROM") {
			p.fail(sqlerr.New(sqlerr.NotSupported, p.peek(1).at, "a named window after OVER is not supported").
				WithHint("write OVER (PARTITION BY ... ORDER BY ...)"))
			return
		}
		p.advance()
		c.Over = p.over()
	}
}

func (p *parser) over() *ast.Over {
	from := p.pos - 1
	o := &ast.Over{}
	p.expect("(", "after OVER")
	if p.are("ROWS", "WINDOW", "BUFFER") {
		o.Frame = p.buffer()
	}
	p.overRest(o)
	o.At = p.since(from)
	return o
}

// overRest reads what stands in OVER behind the buffer, and the parenthesis. A frame replaces that of the buffer.
func (p *parser) overRest(o *ast.Over) {
	rows := int64(0)
	if o.Frame != nil {
		rows = o.Frame.Preceding + 1
	}
	if p.acceptAll("PARTITION", "BY") {
		o.Partition = p.exprList("")
	}
	if p.acceptAll("ORDER", "BY") {
		o.OrderBy = p.orderItems()
	}
	if p.is("ROWS") || p.is("RANGE") {
		o.Frame = p.frame()
	}
	p.overExtras(o, rows)
	p.expect(")", "after OVER (...")
}

// rowsWindow reads ROWS (BUFFER n ROWS [PARTITION BY ..] [ORDER BY ..] [EXPIRE AFTER ..]) behind WINDOW.
func (p *parser) rowsWindow() *ast.Over {
	from := p.pos - 1
	o := &ast.Over{}
	p.advance()
	p.expect("(", "after WINDOW ROWS")
	p.expect("BUFFER", "and a number of rows in WINDOW ROWS (...)")
	o.Frame = p.bufferSize(p.pos - 1)
	p.overRest(o)
	o.At = p.since(from)
	return o
}

// buffer reads ROWS WINDOW BUFFER n ROWS: the present row and the n - 1 before it.
func (p *parser) buffer() *ast.Frame {
	from := p.pos
	p.acceptAll("ROWS", "WINDOW", "BUFFER")
	return p.bufferSize(from)
}

// bufferSize reads n ROWS.
func (p *parser) bufferSize(from int) *ast.Frame {
	at := p.tok().at
	n := p.count("BUFFER")
	if n < 1 && !p.failed {
		p.failAt(at, "a buffer holds at least one row")
	}
	p.expect("ROWS", "after the size of the buffer")
	return &ast.Frame{Rows: true, Preceding: max(n-1, 0), At: p.since(from)}
}

// overExtras reads what velostream allows besides: EMIT, EXPIRE AFTER.
func (p *parser) overExtras(o *ast.Over, rows int64) {
	p.overEmit(o, rows)
	if p.accept("EXPIRE") {
		p.expect("AFTER", "after EXPIRE")
		if p.accept("NEVER") {
			p.overEmit(o, rows)
			return
		}
		at := p.tok().at
		if o.ExpireMs = p.duration("after EXPIRE AFTER"); o.ExpireMs < 1 && !p.failed {
			p.failAt(at, "EXPIRE AFTER takes at least 1 ms")
		}
		p.accept("INACTIVITY")
	}
	p.overEmit(o, rows)
}

// overEmit reads EMIT CHANGES and EMIT EVERY RECORD: one result for each row, which is what OVER gives; and EMIT ON
// BUFFER FULL, for a buffer of so many rows (0: there is none).
func (p *parser) overEmit(o *ast.Over, rows int64) {
	if at := p.tok().at; p.acceptAll("EMIT", "ON", "BUFFER", "FULL") {
		if o.Full = rows; rows == 0 {
			p.failAt(at.Join(p.last().at), "EMIT ON BUFFER FULL needs a buffer").
				hint("write OVER (ROWS WINDOW BUFFER n ROWS ... EMIT ON BUFFER FULL)")
		}
		return
	}
	if !p.acceptAll("EMIT", "CHANGES") {
		p.acceptAll("EMIT", "EVERY", "RECORD")
	}
}

// bound is one end of a frame: unbounded, or rows (ms) after the current row, before it where negative.
type bound struct {
	offset    int64
	unbounded bool
	following bool
	at        ast.Span
}

func (p *parser) frame() *ast.Frame {
	from := p.pos
	f := &ast.Frame{Rows: p.advance().is("ROWS")}
	var lo bound
	hi := bound{}
	if p.accept("BETWEEN") {
		lo = p.bound(f.Rows)
		p.expect("AND", "between the bounds of the frame")
		hi = p.bound(f.Rows)
	} else {
		lo = p.bound(f.Rows)
	}
	f.At = p.since(from)
	switch {
	case p.failed:
	case lo.following || lo.offset > 0:
		p.notSupported(lo.at, "a frame that starts after the current row is not supported")
	case hi.unbounded && !hi.following:
		p.failAt(hi.at, "a frame cannot end with UNBOUNDED PRECEDING")
	case !lo.unbounded && !hi.unbounded && hi.offset < lo.offset:
		p.failAt(f.At, "the frame ends before it starts")
	}
	f.Preceding, f.Following = -lo.offset, hi.offset
	if lo.unbounded {
		f.Preceding = -1
	}
	if hi.unbounded {
		f.Following = ast.UnboundedFollowing
	}
	return f
}

// bound reads CURRENT ROW, UNBOUNDED PRECEDING, n PRECEDING, INTERVAL 15m FOLLOWING.
func (p *parser) bound(rows bool) bound {
	from := p.pos
	b := bound{}
	if p.accept("CURRENT") {
		p.expect("ROW", "after CURRENT")
		b.at = p.since(from)
		return b
	}
	if b.unbounded = p.accept("UNBOUNDED"); !b.unbounded {
		b.offset = p.distance(rows)
	}
	b.following = p.accept("FOLLOWING")
	if !b.following && !p.accept("PRECEDING") {
		p.unexpected("PRECEDING or FOLLOWING in the frame")
	}
	if !b.following {
		b.offset = -b.offset
	}
	b.at = p.since(from)
	return b
}

// distance reads rows of a ROWS frame, or a duration or a number of ms of a RANGE frame.
func (p *parser) distance(rows bool) int64 {
	p.expecting("UNBOUNDED")
	p.expecting("CURRENT")
	t := p.tok()
	next := p.peek(1)
	if t.kind == integer && (rows || next.is("PRECEDING") || next.is("FOLLOWING")) {
		n, err := strconv.ParseInt(t.text, 10, 64)
		if err != nil || n > math.MaxInt32 && rows {
			p.failAt(t.at, "%s rows are too many for a frame", clip(t.text))
		}
		p.advance()
		return n
	}
	if rows {
		p.unexpected("a number of rows, UNBOUNDED or CURRENT ROW in the frame")
		return 0
	}
	if !p.startsDuration(t) {
		p.unexpected("INTERVAL, UNBOUNDED or CURRENT ROW in the frame")
		return 0
	}
	return p.duration("in the frame")
}
