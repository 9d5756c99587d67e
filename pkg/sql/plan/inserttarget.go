package plan

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// fitTarget gives the rows of INSERT INTO .. SELECT the columns of the target: by place, types equal or widened. In the
// ksql profile keys stand first on both sides, and names must be equal.
func (b *Binder) fitTarget(n *Node, o *Object, at ast.Span) (*Node, error) {
	if i := slices.IndexFunc(o.Columns, Column.OfHeaders); i >= 0 {
		return nil, sqlerr.New(sqlerr.BadStatement, at,
			"column %q of %s is filled from headers; nothing can be inserted", o.Columns[i].Name, o.Name)
	}
	if len(n.Schema.Fields) != len(o.Columns) {
		return nil, sqlerr.New(sqlerr.TypeMismatch, at, "the query gives %d columns, %s has %d", len(n.Schema.Fields),
			o.Name, len(o.Columns))
	}
	from, to := keysFirst(len(o.Columns), nil), keysFirst(len(o.Columns), nil)
	if b.Profile == expr.Ksql {
		from, to = keysFirst(len(o.Columns), n.Key), keysFirst(len(o.Columns), o.Key)
		if len(n.Key) != len(o.Key) {
			return nil, sqlerr.New(sqlerr.TypeMismatch, at, "the query gives %d key columns, %s has %d", len(n.Key),
				o.Name, len(o.Key)).WithHint("PARTITION BY sets the key of a query")
		}
	}
	exprs, names := make([]expr.Expr, len(to)), make([]string, len(to))
	for i, t := range to {
		c := o.Columns[t]
		x := column(n, from[i])
		if b.Profile == expr.Ksql && x.Name != c.Name {
			return nil, sqlerr.New(sqlerr.TypeMismatch, at, "column %d of %s is %q, the query gives %q", i+1, o.Name,
				c.Name, x.Name).WithHint("name it with AS")
		}
		var err error
		if exprs[t], err = widen(x, c, at); err != nil {
			return nil, err
		}
		names[t] = c.Name
	}
	out := project(n, exprs, names)
	out.Key = o.Key
	return out, nil
}

// keysFirst lists the columns, those of the key first.
func keysFirst(n int, key []int) []int {
	out := slices.Clone(key)
	for i := range n {
		if !slices.Contains(key, i) {
			out = append(out, i)
		}
	}
	return out
}

func widen(x expr.Expr, c Column, at ast.Span) (expr.Expr, error) {
	if x.Type().Equal(c.Type) {
		return x, nil
	}
	if from, to := numberRank[x.Type().Kind], numberRank[c.Type.Kind]; from > 0 && from < to {
		return expr.NewCast(x, c.Type, false, at) // INT into a DECIMAL too, whose digits the record must fit
	}
	t, err := expr.CommonType(x.Type(), c.Type)
	if err != nil || !t.Equal(c.Type) {
		return nil, sqlerr.New(sqlerr.TypeMismatch, at, "column %q is %s, the query gives %s", c.Name, c.Type,
			x.Type()).
			WithHint("CAST(... AS %s)", c.Type)
	}
	return expr.NewCast(x, c.Type, false, at)
}

// numberRank orders the numeric types by width.
var numberRank = map[vector.Kind]int{vector.Int: 1, vector.BigInt: 2, vector.Decimal: 3, vector.Double: 4}

// windowSpelling are the names of the kinds of windows, as a source declares them.
var windowSpelling = map[operator.WindowKind]string{
	operator.Tumbling: "TUMBLING", operator.Hopping: "HOPPING", operator.Session: "SESSION",
	operator.Cumulate: "CUMULATE",
}

// windowOf finds the window that makes the bounds in the key of a result.
func windowOf(n *Node) (name string, sizeMs int64) {
	for {
		if a, ok := n.Spec.(*operator.Aggregate); ok && a.Window.Kind != operator.NoWindow {
			if a.Window.Kind == operator.Session {
				return windowSpelling[a.Window.Kind], 0
			}
			return windowSpelling[a.Window.Kind], a.Window.SizeMs
		}
		if n.Scan != nil {
			return n.Scan.WindowType, n.Scan.WindowMs
		}
		if len(n.Inputs) == 0 {
			return "", 0
		}
		n = n.Inputs[0]
	}
}
