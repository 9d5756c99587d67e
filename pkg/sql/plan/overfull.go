package plan

import (
	"fmt"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// fullBuffer is a buffer that must hold n rows before a row leaves (EMIT ON BUFFER FULL): call of spec counts them.
type fullBuffer struct {
	spec *overSpec
	call int
	n    int64
}

// fullCall counts the rows of a buffer of n.
func fullCall(n int64) overCall {
	return overCall{
		name: "COUNT", text: fmt.Sprintf("rows of a buffer of %d", n), filter: -1, t: vector.TBigInt,
		frame: &ast.Frame{Rows: true, Preceding: n - 1},
	}
}

// wantFull lets the rows pass whose buffers are all full.
func (o *overBinding) wantFull() error {
	if len(o.full) > 0 && o.rank != nil {
		return sqlerr.New(sqlerr.NotSupported, o.full[0].spec.at, "EMIT ON BUFFER FULL beside a Top-N is not supported")
	}
	var pred expr.Expr
	for _, f := range o.full {
		n := &expr.Literal{V: f.n, T: vector.TBigInt, At: f.spec.at}
		x, err := o.b.Profile.Call("=", []expr.Expr{column(o.out, f.spec.first+f.call), n}, f.spec.at)
		if err != nil {
			return err
		}
		if pred == nil {
			pred = x
			continue
		}
		if pred, err = o.b.Profile.Call("AND", []expr.Expr{pred, x}, f.spec.at); err != nil {
			return err
		}
	}
	if pred != nil {
		o.out = filter(o.out, pred)
	}
	return nil
}
