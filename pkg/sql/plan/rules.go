package plan

import (
	"strconv"

	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
)

// pushFilter puts a filter as far down as it may go: conjuncts that read the stream side only go below a join, so that
// rows that do not matter are never looked up or sent through an exchange.
func pushFilter(n *Node, pred expr.Expr) *Node {
	join, ok := n.Spec.(*operator.LookupJoin)
	if !ok {
		f := filter(n, pred)
		if n.Updating { // a row that stops to match is deleted
			f.Spec = &operator.Filter{Pred: pred, Schema: n.Schema, Keys: n.Key}
		}
		return f
	}
	width := len(n.Inputs[0].Schema.Fields)
	var above []expr.Expr
	left := n.Inputs[0]
	for _, c := range andTerms(pred) {
		if maxColumn(c) < width {
			left = filter(left, c)
		} else {
			above = append(above, c)
		}
	}
	out := &Node{Spec: join, Inputs: []*Node{left, n.Inputs[1]}, Props: n.Props}
	for _, c := range above {
		out = filter(out, c)
	}
	return out
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

// maxColumn is the largest column that e reads, or -1.
func maxColumn(e expr.Expr) int {
	most := -1
	visitColumns(e, func(i int) { most = max(most, i) })
	return most
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
func operands(e expr.Expr) []expr.Expr {
	switch n := e.(type) {
	case *expr.Call:
		return n.Args
	case *expr.Cast:
		return []expr.Expr{n.X}
	case *expr.Try:
		return []expr.Expr{n.X}
	case *expr.Case:
		out := append(append([]expr.Expr{}, n.When...), n.Then...)
		if n.Else != nil {
			out = append(out, n.Else)
		}
		return out
	default:
		return nil
	}
}

// textOf identifies an expression: its text, its type and the columns that the names in the text mean.
func textOf(e expr.Expr) string {
	text := e.String() + " " + e.Type().String()
	visitColumns(e, func(i int) { text += " " + strconv.Itoa(i) })
	return text
}

// sameExpr tells whether two expressions over the same input compute the same.
func sameExpr(a, b expr.Expr) bool { return textOf(a) == textOf(b) }

// visitColumns calls f for each input column that e reads.
func visitColumns(e expr.Expr, f func(int)) {
	if c, ok := e.(*expr.Column); ok && c.Index >= 0 {
		f(c.Index)
	}
	for _, x := range operands(e) {
		visitColumns(x, f)
	}
}
