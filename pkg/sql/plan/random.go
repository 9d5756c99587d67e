package plan

import (
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// repeatable refuses functions such as RANDOM() in a query that keeps running: a crash between two batches would make
// other numbers of the same records. The ksql profile has them.
func (b *Binder) repeatable(n *Node) error {
	if b.Profile == expr.Ksql {
		return nil
	}
	var list []expr.Expr
	switch s := n.Spec.(type) {
	case *operator.Project:
		list = s.Exprs
	case *operator.Filter:
		list = []expr.Expr{s.Pred}
	}
	for _, e := range list {
		if c := findRandom(e); c != nil {
			return sqlerr.New(sqlerr.NotSupported, c.At, "%s() in a query that keeps running is not supported: it "+
				"gives another value when a record is read again", c.Func.Name).
				WithHint("derive the value from columns")
		}
	}
	for _, in := range n.Inputs {
		if err := b.repeatable(in); err != nil {
			return err
		}
	}
	return nil
}

// findRandom returns a call in e whose value is not determined by its arguments, or nil.
func findRandom(e expr.Expr) *expr.Call {
	if e == nil {
		return nil
	}
	if c, ok := e.(*expr.Call); ok && c.Func.NotDeterministic && len(c.Args) == 0 {
		return c
	}
	for _, x := range expr.Children(e) {
		if c := findRandom(x); c != nil {
			return c
		}
	}
	return nil
}
