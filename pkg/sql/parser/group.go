package parser

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

const maxGroupingSets = 256

// groupBy reads expressions, GROUPING SETS, ROLLUP and CUBE; several of them multiply, as in the SQL standard.
func (p *parser) groupBy(q *ast.Query) {
	sets := [][]int{{}}
	plain := true
	for !p.failed {
		at := p.tok().at
		p.expecting("ROLLUP")
		p.expecting("CUBE")
		var alternatives [][]int
		switch {
		case p.acceptAll("GROUPING", "SETS"):
			plain = false
			alternatives = p.groupingSets(q)
		case p.peek(1).is("(") && p.accept("ROLLUP"):
			plain = false
			alternatives = rollup(p.groupList(q))
		case p.peek(1).is("(") && p.accept("CUBE"):
			plain = false
			alternatives = p.cube(p.groupList(q))
		default:
			alternatives = [][]int{p.groupItem(q)}
		}
		if sets = multiply(sets, alternatives); len(sets) > maxGroupingSets {
			p.fail(sqlerr.New(sqlerr.TooLarge, at, "GROUP BY makes more than %d sets", maxGroupingSets))
		}
		if !p.accept(",") {
			break
		}
	}
	if q.GroupBy == nil {
		q.GroupBy = []ast.Expr{}
	}
	if !plain {
		q.Grouping = sets
		renumber(q)
	}
}

// groupItem reads an expression, or several in parentheses, and returns their indexes in GroupBy.
func (p *parser) groupItem(q *ast.Query) []int {
	if p.is("(") && !p.startsQuery(p.peek(1)) && p.listInParens() {
		return p.groupList(q)
	}
	if len(q.GroupBy) == maxItems {
		p.fail(sqlerr.New(sqlerr.TooLarge, p.tok().at, "more than %d expressions in GROUP BY", maxItems))
		return nil
	}
	return []int{addGroup(q, p.expr())}
}

// listInParens reports whether (a, b) or () starts here, and no expression.
func (p *parser) listInParens() bool {
	depth := 0
	for i := 0; ; i++ {
		t := p.peek(i)
		switch {
		case t.kind == eof:
			return false
		case t.is("("):
			depth++
		case t.is(")"):
			if depth--; depth == 0 {
				return i == 1
			}
		case t.is(",") && depth == 1:
			return true
		}
	}
}

// groupList reads (e, ...) or ().
func (p *parser) groupList(q *ast.Query) []int {
	if !p.enter() {
		return nil
	}
	defer p.leave()
	p.expect("(", "before the expressions of the group")
	list := []int{}
	for !p.failed && !p.is(")") {
		list = append(list, p.groupItem(q)...)
		if !p.accept(",") {
			break
		}
	}
	p.expect(")", "after the expressions of the group")
	return list
}

func (p *parser) groupingSets(q *ast.Query) [][]int {
	var sets [][]int
	p.expect("(", "after GROUPING SETS")
	for !p.failed {
		if p.is("(") {
			sets = append(sets, p.groupList(q))
		} else {
			sets = append(sets, p.groupItem(q))
		}
		if !p.accept(",") {
			break
		}
	}
	p.expect(")", "after the sets")
	return sets
}

// addGroup returns the index of x in GroupBy; equal texts share one.
func addGroup(q *ast.Query, x ast.Expr) int {
	text := ast.FormatExpr(x)
	for i, g := range q.GroupBy {
		if ast.FormatExpr(g) == text {
			return i
		}
	}
	q.GroupBy = append(q.GroupBy, x)
	return len(q.GroupBy) - 1
}

// renumber orders GroupBy by the first use in the sets, so that one meaning has one form.
func renumber(q *ast.Query) {
	place := make([]int, len(q.GroupBy))
	ordered := make([]ast.Expr, 0, len(q.GroupBy))
	for i, set := range q.Grouping {
		set = slices.Clone(set)
		for j, g := range set {
			if place[g] == 0 {
				ordered = append(ordered, q.GroupBy[g])
				place[g] = len(ordered)
			}
			set[j] = place[g] - 1
		}
		q.Grouping[i] = set
	}
	q.GroupBy = ordered
}

func rollup(list []int) [][]int {
	var sets [][]int
	for n := len(list); n >= 0; n-- {
		sets = append(sets, list[:n])
	}
	return sets
}

func (p *parser) cube(list []int) [][]int {
	if len(list) > 8 {
		p.fail(sqlerr.New(sqlerr.TooLarge, p.last().at, "CUBE of %d expressions; the limit is 8", len(list)))
		return nil
	}
	var sets [][]int
	for mask := 1<<len(list) - 1; mask >= 0; mask-- {
		set := []int{}
		for i, g := range list {
			if mask&(1<<(len(list)-1-i)) != 0 {
				set = append(set, g)
			}
		}
		sets = append(sets, set)
	}
	return sets
}

// multiply joins each set of a with each of b.
func multiply(a, b [][]int) [][]int {
	out := make([][]int, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			set := append([]int{}, x...)
			for _, g := range y {
				if !slices.Contains(set, g) {
					set = append(set, g)
				}
			}
			out = append(out, set)
			if len(out) > maxGroupingSets {
				return out
			}
		}
	}
	return out
}
