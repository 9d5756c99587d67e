package plan

import (
	"slices"
	"strconv"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// timeBound is what a term of ON says about the distance of the two event times: right - left, in ms.
type timeBound struct {
	lo, hi       int64
	loSet, hiSet bool
}

// instant is a term that is the event time of one side, and a distance to it.
type instant struct {
	right  bool
	offset int64
}

// flipped is the comparison with its sides exchanged.
var flipped = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}

// interval binds a join of two streams whose ON bounds the distance of their event times from both sides; nil where it
// is another one.
func (g *joining) interval() (*scope, error) {
	if len(g.eqs) == 0 {
		return nil, nil
	}
	var all timeBound
	var kept []ast.Expr
	for _, c := range g.rest {
		t, ok := g.timeBound(c)
		if !ok {
			kept = append(kept, c)
			continue
		}
		all = all.and(t)
		if t.loSet && t.lo > 0 || t.hiSet && t.hi < 0 {
			kept = append(kept, c) // the reach of a join holds distance 0 always
		}
	}
	if !all.loSet || !all.hiSet {
		return nil, nil
	}
	g.rest = kept
	return g.windowJoin(max(0, -all.lo), max(0, all.hi))
}

func (t timeBound) and(u timeBound) timeBound {
	if u.loSet && (!t.loSet || u.lo > t.lo) {
		t.lo, t.loSet = u.lo, true
	}
	if u.hiSet && (!t.hiSet || u.hi < t.hi) {
		t.hi, t.hiSet = u.hi, true
	}
	return t
}

// timeBound reads a term of ON as a bound of the distance.
func (g *joining) timeBound(c ast.Expr) (timeBound, bool) {
	switch n := c.(type) {
	case *ast.Binary:
		return g.compared(n.Op, n.L, n.R)
	case *ast.Between:
		if n.Not {
			return timeBound{}, false
		}
		lo, ok := g.compared(">=", n.X, n.Lo)
		hi, ok2 := g.compared("<=", n.X, n.Hi)
		return lo.and(hi), ok && ok2
	default:
		return timeBound{}, false
	}
}

func (g *joining) compared(op string, x, y ast.Expr) (timeBound, bool) {
	flip, ok := flipped[op]
	if !ok {
		return timeBound{}, false
	}
	a, ok := g.instant(x)
	b, ok2 := g.instant(y)
	if !ok || !ok2 || a.right == b.right {
		return timeBound{}, false
	}
	if !a.right {
		a, b, op = b, a, flip
	}
	v := b.offset - a.offset
	switch op {
	case ">=":
		return timeBound{lo: v, loSet: true}, true
	case ">":
		return timeBound{lo: v + 1, loSet: true}, true
	case "<=":
		return timeBound{hi: v, hiSet: true}, true
	case "<":
		return timeBound{hi: v - 1, hiSet: true}, true
	default:
		return timeBound{lo: v, loSet: true, hi: v, hiSet: true}, true
	}
}

// maxOffset bounds the distances that an interval join is made of: ten thousand years.
const maxOffset = 10_000 * 366 * dayMs

// instant reads the event time of a side, with intervals added and taken away.
func (g *joining) instant(e ast.Expr) (instant, bool) {
	bin, ok := e.(*ast.Binary)
	if !ok {
		return g.eventTime(e)
	}
	for _, sides := range [2][2]ast.Expr{{bin.L, bin.R}, {bin.R, bin.L}} {
		at, ok := g.instant(sides[0])
		ms, ok2 := milliseconds(sides[1])
		switch {
		case !ok || !ok2 || ms > maxOffset || ms < -maxOffset || at.offset > maxOffset || at.offset < -maxOffset:
		case bin.Op == "+":
			return instant{at.right, at.offset + ms}, true
		case bin.Op == "-" && sides[0] == bin.L:
			return instant{at.right, at.offset - ms}, true
		}
	}
	return instant{}, false
}

func milliseconds(e ast.Expr) (int64, bool) {
	l, ok := e.(*ast.Literal)
	switch {
	case ok && l.Kind == ast.IntervalLit:
		return l.Ms, true
	case ok && l.Kind == ast.IntLit:
		ms, err := strconv.ParseInt(l.Text, 10, 64)
		return ms, err == nil
	default:
		return 0, false
	}
}

// eventTime tells which side's event time a name is.
func (g *joining) eventTime(e ast.Expr) (instant, bool) {
	name, ok := e.(*ast.Name)
	if !ok {
		return instant{}, false
	}
	left, right := isEventTime(g.l, name), isEventTime(g.r, name)
	return instant{right: right}, left != right
}

func isEventTime(sc *scope, name *ast.Name) bool {
	x, err := sc.resolve(name)
	if err != nil {
		return false
	}
	col := plain(x)
	if k := x.Type().Kind; col < 0 || k != vector.BigInt && k != vector.Timestamp {
		return false
	}
	return col == sc.node.EventTime || len(sc.relations) == 1 && slices.Index(sc.relations[0].meta[:], col+1) == 0
}
