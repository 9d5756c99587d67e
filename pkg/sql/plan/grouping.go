package plan

import (
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// groupingSet is the column that tells the sets of GROUPING SETS apart; it is a part of the key.
const groupingSet = "grouping_set"

// groupingSets is what an aggregation knows of GROUPING SETS, ROLLUP and CUBE: each set lists positions of the keys.
type groupingSets struct {
	sets [][]int
	key  int // the column of the aggregation that holds the number of the set
}

// openSets prepares the key column with the number of the set. at maps an expression of GROUP BY to its key.
func (a *aggregation) openSets(q *ast.Query, at []int) {
	if q.Grouping == nil {
		return
	}
	a.sets = &groupingSets{}
	for _, set := range q.Grouping {
		positions := []int{}
		for _, g := range set {
			if !slices.Contains(positions, at[g]) {
				positions = append(positions, at[g])
			}
		}
		a.sets.sets = append(a.sets.sets, positions)
	}
}

// expand emits each row of n once for each grouping set.
func (a *aggregation) expand(n *Node) *Node {
	if a.sets == nil {
		return n
	}
	keys := make([]int, a.keys)
	for i := range keys {
		keys[i] = i
	}
	p := n.Props
	fields := slices.Clone(n.Schema.Fields)
	p.Schema = &vector.Schema{Fields: append(fields, vector.Field{
		Name: freeName(groupingSet, fieldNames(n)), Type: vector.TBigInt,
	})}
	p.Part, p.Key, p.KeyCols, p.KeyAlts = nil, nil, nil, nil // placed by what may be null now
	spec, _ := a.out.Spec.(*operator.Aggregate)
	spec.Keys[len(spec.Keys)-1] = len(fields)
	if spec.Window.Kind == operator.NoWindow {
		for i, set := range a.sets.sets {
			if len(set) == 0 {
				spec.EmptySets = append(spec.EmptySets, int64(i))
			}
		}
	}
	return &Node{
		Spec:   &operator.Expand{Keys: keys, Sets: a.sets.sets, Schema: p.Schema},
		Inputs: []*Node{n}, Props: p,
	}
}

func isGrouping(c *ast.Call) bool {
	name := strings.ToUpper(c.Name.Name)
	return c.Over == nil && (name == "GROUPING" || name == "GROUPING_ID")
}

// grouping binds GROUPING(x, ...): a bit for each argument, 1 where the row's set leaves it out.
func (a *aggregation) grouping(c *ast.Call) (expr.Expr, error) {
	if len(c.Args) == 0 || len(c.Args) > 31 {
		return nil, sqlerr.New(sqlerr.BadStatement, c.At, "GROUPING wants 1 to 31 expressions of GROUP BY")
	}
	var keys []int
	for _, arg := range c.Args {
		x, err := a.inner.bind(arg)
		if err != nil {
			return nil, err
		}
		k := a.key(x)
		if k < 0 {
			return nil, sqlerr.New(sqlerr.BadStatement, arg.Span(),
				"GROUPING wants an expression of GROUP BY; %s is none", x)
		}
		keys = append(keys, k)
	}
	number := func(v int64) expr.Expr { return &expr.Literal{V: v, T: vector.TBigInt, At: c.At} }
	if a.sets == nil {
		return number(0), nil
	}
	var when, then []expr.Expr
	for i, set := range a.sets.sets {
		is, err := a.b.Profile.Call("=", []expr.Expr{column(a.out, a.sets.key), number(int64(i))}, c.At)
		if err != nil {
			return nil, err
		}
		bits := int64(0)
		for _, k := range keys {
			bits <<= 1
			if !slices.Contains(set, k) {
				bits |= 1
			}
		}
		when, then = append(when, is), append(then, number(bits))
	}
	return a.b.Profile.Case(when, then, nil, c.At)
}
