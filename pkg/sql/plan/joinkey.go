package plan

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
)

// streamKey gives the result of a join that is a stream its key: the compared column, of the left side first. Where
// neither side is a plain column, or each may be missing, it is a column ROWKEY of its own.
func (g *joining) streamKey(both *scope) *scope {
	n := both.node
	if len(g.eqs) == 0 {
		n.Key, n.KeyAlts = nil, nil
		return both
	}
	width := len(g.l.node.Schema.Fields)
	lcol, rcol := g.written(g.eqs[0].l, g.lk[0], g.l), g.written(g.eqs[0].r, g.rk[0], g.r)
	kind := kindOf(n.Spec)
	switch {
	case kind == operator.FullJoin || lcol < 0 && rcol < 0:
		if g.b.Profile != expr.Ksql && lcol < 0 {
			n.Key, n.KeyAlts = nil, nil
			return both
		}
		return g.rowKey(both)
	case lcol < 0 || kind == operator.RightJoin:
		n.Key, n.KeyAlts = []int{width + rcol}, alternatives(lcol, nil)
		if rcol < 0 {
			n.Key, n.KeyAlts = []int{lcol}, nil
		}
	default:
		n.Key, n.KeyAlts = g.leftKey(lcol, rcol, width)
	}
	g.boundsKey(n)
	return both
}

// boundsKey adds the bounds of the window to the key of a join of windowed sources.
func (g *joining) boundsKey(n *Node) {
	if !windowedSource(g.l) || !windowedSource(g.r) {
		return
	}
	for _, c := range []int{g.l.node.WindowStart, g.l.node.WindowEnd} {
		if c >= 0 && !slices.Contains(n.Key, c) {
			n.Key, n.KeyAlts = append(n.Key, c), append(n.KeyAlts, nil)
		}
	}
}

// written is the column of a side that a query can name, or -1 for a computed one.
func (g *joining) written(e expr.Expr, col int, sc *scope) int {
	if plain(e) < 0 {
		return -1
	}
	for _, r := range sc.relations {
		if col >= r.from && col < r.to || slices.Contains(r.meta[:], col+1) {
			return col
		}
	}
	return -1
}

// leftKey is the key of an inner or left join: the left column, with the columns that are equal to it. Behind a join by
// the same column the key stays what it was.
func (g *joining) leftKey(lcol, rcol, width int) (key []int, alts [][]int) {
	right := -1
	if rcol >= 0 {
		right = width + rcol
	}
	l := g.l.node
	if len(l.Key) == 1 && len(l.KeyAlts) == 1 && (l.Key[0] == lcol || slices.Contains(l.KeyAlts[0], lcol)) {
		return slices.Clone(l.Key), alternatives(right, l.KeyAlts[0])
	}
	return []int{lcol}, alternatives(right, nil)
}

func alternatives(col int, before []int) [][]int {
	out := slices.Clone(before)
	if col >= 0 {
		out = append(out, col)
	}
	return [][]int{out}
}

// rowKey adds ROWKEY: the compared value of the side that is there.
func (g *joining) rowKey(both *scope) *scope {
	n := both.node
	width := len(g.l.node.Schema.Fields)
	exprs, names := identity(n)
	var key []int
	for i := range g.eqs {
		x, err := expr.NewCall("COALESCE", []expr.Expr{column(n, g.lk[i]), column(n, width+g.rk[i])}, g.j.At)
		if err != nil { // the sides have one type
			x = column(n, g.lk[i])
		}
		key = append(key, len(exprs))
		exprs, names = append(exprs, x), append(names, freeName("ROWKEY", names))
	}
	out := *both
	out.node = extend(n, exprs, names)
	out.node.Key, out.node.KeyAlts = key, nil
	out.node.Part = nil
	if len(key) == 1 || windowedSource(g.l) {
		out.rowkey = key[0] + 1
	}
	return &out
}
