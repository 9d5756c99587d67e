package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

func lower(s string) string { return strings.ToLower(s) }

// generatedName is the next name of an expression without one.
func generatedName(names []string) string {
	for i := 0; ; i++ {
		if name := fmt.Sprintf("KSQL_COL_%d", i); !slices.Contains(names, name) {
			return name
		}
	}
}

// resultKey is one column of the key of a result. Its value is the first expression; any may select it.
type resultKey struct {
	exprs []expr.Expr
	from  ast.Expr // of PARTITION BY, or nil
}

// ksqlResult projects the result of a persistent query of the ksql profile: each column of the key is selected once;
// the keys come first, then the bounds of the window, which are hidden, then the values.
func (b *Binder) ksqlResult(q *ast.Query, s selected) (*Node, error) {
	in := s.scope.node
	keys, err := b.ksqlKeys(q, s)
	if err != nil {
		return nil, err
	}
	var out layout
	taken := map[int]bool{}
	for _, k := range keys {
		i, err := k.place(q, s)
		if err != nil {
			return nil, err
		}
		if i < 0 { // PARTITION BY an expression beside *
			out.add(k.exprs[0], freeName(b.partName(k.from, s.names), s.names))
			continue
		}
		taken[i] = true
		out.add(k.exprs[0], s.names[i]) // an equal column of the other side may be null where the key is not
	}
	windowed := in.WindowStart >= 0 && !q.PartitionBy && slices.Contains(in.Key, in.WindowStart)
	if windowed {
		out.add(column(in, in.WindowStart), windowStart)
		out.add(column(in, in.WindowEnd), windowEnd)
	}
	for i := range s.exprs {
		if err := refuseReserved(s.names[i], s.items[i].at); err != nil {
			return nil, err
		}
		if !taken[i] {
			out.add(s.exprs[i], s.names[i])
		}
	}
	n := project(in, out.exprs, out.names)
	n.Key, n.KeyAlts = nil, nil
	for i := range keys {
		n.Key = append(n.Key, i)
	}
	n.WindowStart, n.WindowEnd = -1, -1
	if windowed {
		n.WindowStart, n.WindowEnd = len(keys), len(keys)+1
		n.Key = append(n.Key, n.WindowStart, n.WindowEnd)
	}
	n.KeyCols = n.Key
	if q.PartitionBy {
		n.Part, n.Rekeyed = nil, true
	}
	return n, nil
}

// layout is a select list in the making.
type layout struct {
	exprs []expr.Expr
	names []string
}

func (l *layout) add(x expr.Expr, name string) {
	l.exprs, l.names = append(l.exprs, x), append(l.names, name)
}

// ksqlKeys are the columns of the key of the result: those of PARTITION BY, or of the input.
func (b *Binder) ksqlKeys(q *ast.Query, s selected) ([]resultKey, error) {
	if q.PartitionBy {
		return b.partitionKeys(q, s)
	}
	n := s.scope.node
	var keys []resultKey
	for pos, k := range n.Key {
		if k == n.WindowStart || k == n.WindowEnd {
			continue
		}
		key := resultKey{exprs: []expr.Expr{column(n, k)}}
		if pos < len(n.KeyAlts) {
			for _, alt := range n.KeyAlts[pos] {
				key.exprs = append(key.exprs, column(n, alt))
			}
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// place finds the item that selects the key: exactly one.
func (k resultKey) place(q *ast.Query, s selected) (int, error) {
	first := -1
	for i, x := range s.exprs {
		if !slices.ContainsFunc(k.exprs, func(e expr.Expr) bool { return sameExpr(e, x) }) {
			continue
		}
		if first < 0 {
			first = i
		} else if sameExpr(x, s.exprs[first]) {
			return 0, sqlerr.New(sqlerr.BadStatement, s.items[i].at, "the key %s is selected twice: as %s and %s", x,
				s.names[first], s.names[i]).WithHint("AS_VALUE(%s) copies it to a value", x)
		}
	}
	if first >= 0 {
		return first, nil
	}
	if k.from != nil && slices.ContainsFunc(q.Items, func(it ast.SelectItem) bool { return it.Star }) {
		return -1, nil
	}
	texts := make([]string, len(k.exprs))
	for i, e := range k.exprs {
		texts[i] = e.String()
	}
	return 0, sqlerr.New(sqlerr.BadStatement, q.At, "the key %s is not selected", strings.Join(texts, " or ")).
		WithHint("add it to the select list: every column of the key belongs there")
}

// checkKsql refuses what the ksql profile does.
func (b *Binder) checkKsql(q *ast.Query, items []item, sc *scope, aggregates bool) error {
	if b.Profile != expr.Ksql {
		return nil
	}
	persistent := b.Mode == Persistent && !b.inner
	switch {
	case q.Window != nil && sc.node.Updating:
		return sqlerr.New(sqlerr.BadStatement, q.Window.At, "WINDOW needs a stream; this is a table")
	case q.Window != nil && len(q.GroupBy) == 0 && (persistent || !aggregates):
		return sqlerr.New(sqlerr.BadStatement, q.Window.At, "WINDOW needs GROUP BY")
	case aggregates && len(q.GroupBy) == 0 && persistent:
		return sqlerr.New(sqlerr.BadStatement, q.At, "an aggregate needs GROUP BY").
			WithHint("GROUP BY makes the key of the table")
	case len(q.GroupBy) > 0 && !aggregates:
		return sqlerr.New(sqlerr.BadStatement, q.GroupBy[0].Span(),
			"GROUP BY needs an aggregate in the select list or in HAVING").WithHint("COUNT(*) is one")
	case q.Window == nil:
		return nil
	}
	return boundsInSelect(q, items)
}

// boundsInSelect refuses the bounds of a window outside of the select list, and inside of aggregates.
func boundsInSelect(q *ast.Query, items []item) error {
	var err error
	look := func(e ast.Expr) bool {
		n, ok := e.(*ast.Name)
		if ok && err == nil && windowAlias[lower(n.Parts[len(n.Parts)-1].Name)] != "" {
			err = sqlerr.New(sqlerr.BadStatement, n.At, "the bounds of the window stand in the select list only")
		}
		return err == nil
	}
	for _, e := range append(nonNil([]ast.Expr{q.Where, q.Having}), q.GroupBy...) {
		walk(e, look)
	}
	for _, it := range items {
		walk(it.e, func(e ast.Expr) bool {
			if c, ok := e.(*ast.Call); ok && isAggregate(strings.ToUpper(c.Name.Name)) {
				for _, arg := range c.Args {
					walk(arg, look)
				}
			}
			return err == nil
		})
	}
	return err
}

// ksqlKind refuses a stream made of the rows of a table, and a table of those of a stream.
func (b *Binder) ksqlKind(c *ast.Create, n *Node) error {
	if b.Profile != expr.Ksql {
		return nil
	}
	table := n.Updating || isAggregated(n)
	switch {
	case table && c.Kind == ast.Stream:
		return sqlerr.New(sqlerr.BadStatement, c.Name.At, "the query gives a table, not a stream").
			WithHint("CREATE TABLE %s AS SELECT ...", c.Name.Name)
	case !table && c.Kind == ast.Table:
		return sqlerr.New(sqlerr.BadStatement, c.Name.At, "the query gives a stream, not a table").
			WithHint("CREATE STREAM %s AS SELECT ...; or GROUP BY", c.Name.Name)
	}
	return nil
}
