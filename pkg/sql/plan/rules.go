package plan

import (
	"strconv"

	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
)

// pushFilter puts a filter as far down as it may go: conjuncts that read one side of a join go below it where the join
// keeps each row of that side or none, so that rows that do not matter are never joined or sent through an exchange.
func pushFilter(n *Node, pred expr.Expr) *Node {
	if !isJoin(n) {
		return filter(n, pred)
	}
	width := len(n.Inputs[0].Schema.Fields)
	left, right := pushable(n.Spec)
	var above []expr.Expr
	l, r := n.Inputs[0], n.Inputs[1]
	for _, c := range andTerms(pred) {
		side := sideOf(c, width, lookedUp(n.Spec))
		switch {
		case side < 0 && left:
			l = pushFilter(l, c)
		case side > 0 && right:
			moved := remap(c, func(i int) int { return i - width })
			r = pushFilter(r, moved)
		default:
			above = append(above, c)
		}
	}
	out := &Node{Spec: n.Spec, Inputs: []*Node{l, r}, Props: n.Props}
	for _, c := range above {
		out = filter(out, c)
	}
	return out
}

// pushable tells below which sides of a join a filter may go: not below one whose rows may be missing, nor below a
// table that is looked up or joined by key, whose changes all count.
func pushable(spec operator.Spec) (left, right bool) {
	kind := kindOf(spec)
	left = kind != operator.RightJoin && kind != operator.FullJoin
	switch spec.(type) {
	case *operator.WindowJoin, *operator.ChangeJoin:
		return left, kind == operator.InnerJoin || kind == operator.RightJoin
	case *operator.TableJoin, *operator.ForeignJoin:
		return false, false
	default:
		return left, false
	}
}

// sideOf tells which side of a join a condition reads: -1 left, 1 right, 0 both or none. The metadata of the row is
// that of the left side where the join is a lookup.
func sideOf(c expr.Expr, width int, lookup bool) int {
	left, right, meta := false, false, false
	visitAll(c, func(i int) {
		left, right, meta = left || i >= 0 && i < width, right || i >= width, meta || i < 0
	})
	switch {
	case meta && !lookup, left && right:
		return 0
	case right && !meta:
		return 1
	case left || meta && !right:
		return -1
	default:
		return 0
	}
}

func andTerms(e expr.Expr) []expr.Expr {
	if c, ok := e.(*expr.Call); ok && c.Func.Name == "AND" {
		var out []expr.Expr
		for _, a := range c.Args {
			out = append(out, andTerms(a)...)
		}
		return out
	}
	return []expr.Expr{e}
}

// maxNodes bounds an expression: aliases that use aliases grow fast.
const maxNodes = 50_000

// smaller tells whether an expression has at most so many nodes; it looks at no more than that.
func smaller(e expr.Expr, most int) bool {
	count(e, &most)
	return most >= 0
}

func count(e expr.Expr, left *int) {
	if *left--; *left < 0 {
		return
	}
	for _, c := range operands(e) {
		if count(c, left); *left < 0 {
			return
		}
	}
}

// operands are the expressions that e computes with.
func operands(e expr.Expr) []expr.Expr { return expr.Children(e) }

// textOf identifies an expression: its text, its type and the columns that the names in the text mean.
func textOf(e expr.Expr) string {
	text := e.String() + " " + e.Type().String()
	visitColumns(e, func(i int) { text += " " + strconv.Itoa(i) })
	return text
}

// sameExpr tells whether two expressions over the same input compute the same.
func sameExpr(a, b expr.Expr) bool { return textOf(a) == textOf(b) }

// visitAll calls f for each column that e reads, also the pseudo columns.
func visitAll(e expr.Expr, f func(int)) {
	if c, ok := e.(*expr.Column); ok {
		f(c.Index)
	}
	for _, x := range operands(e) {
		visitAll(x, f)
	}
}

// visitColumns calls f for each input column that e reads.
func visitColumns(e expr.Expr, f func(int)) {
	if c, ok := e.(*expr.Column); ok && c.Index >= 0 {
		f(c.Index)
	}
	for _, x := range operands(e) {
		visitColumns(x, f)
	}
}
