package plan

import (
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// ksqlStreamOnly are the aggregates that the ksql profile does not compute over tables, where rows are taken back.
var ksqlStreamOnly = []string{
	"MIN", "MAX", "COUNT_DISTINCT", "COLLECT_SET", "TOPK", "TOPKDISTINCT", "EARLIEST_BY_OFFSET", "LATEST_BY_OFFSET",
}

// ksqlCall refuses calls of aggregates that the ksql profile does not know.
func (a *aggregation) ksqlCall(name string, c *ast.Call, args []ast.Expr) error {
	if a.b.Profile != expr.Ksql {
		return nil
	}
	if isTable(a.in.node) && slices.Contains(ksqlStreamOnly, name) {
		return sqlerr.New(sqlerr.BadStatement, c.At, "%s is not computed over a table, only over a stream", name).
			WithHint("SET 'dialect' = 'leat' allows it")
	}
	if !strings.HasSuffix(name, "_BY_OFFSET") || len(args) < 2 {
		return nil
	}
	for _, arg := range args[1:] {
		l, ok := arg.(*ast.Literal)
		if !ok {
			return sqlerr.New(sqlerr.BadStatement, arg.Span(), "this argument of %s is a constant", name)
		}
		if l.Kind == ast.IntLit && strings.Trim(l.Text, "0") == "" {
			return sqlerr.New(sqlerr.BadStatement, arg.Span(), "%s keeps at least 1 value", name)
		}
	}
	return nil
}

// ksqlNoCast are the conversions that the ksql profile does not know: from the kinds of the left list to those of the
// right one.
var ksqlNoCast = []struct{ from, to []vector.Kind }{
	{[]vector.Kind{vector.Boolean}, []vector.Kind{vector.Int, vector.BigInt}},
	{[]vector.Kind{vector.Int, vector.BigInt}, []vector.Kind{
		vector.Boolean, vector.Timestamp, vector.Date, vector.Time, vector.Interval,
	}},
	{[]vector.Kind{vector.Date, vector.Time, vector.Timestamp}, []vector.Kind{vector.Int, vector.BigInt}},
	{[]vector.Kind{vector.String}, []vector.Kind{vector.Bytes}},
	{[]vector.Kind{vector.Bytes}, []vector.Kind{vector.String}},
}

// ksqlCast refuses a CAST that the ksql profile does not know.
func (b *exprBinder) ksqlCast(from, to vector.Type, at ast.Span) error {
	if b.profile != expr.Ksql {
		return nil
	}
	for _, no := range ksqlNoCast {
		if slices.Contains(no.from, from.Kind) && slices.Contains(no.to, to.Kind) {
			return sqlerr.New(sqlerr.TypeMismatch, at, "%s does not convert to %s", from, to).
				WithHint("SET 'dialect' = 'leat' allows it")
		}
	}
	return nil
}

// ksqlPull refuses what a pull query of the ksql profile does not do: it has no key to change.
func (b *Binder) ksqlPull(q *ast.Query) error {
	if b.Profile != expr.Ksql || b.Mode != Bounded || q.Emit != ast.EmitDefault || !q.PartitionBy {
		return nil
	}
	return sqlerr.New(sqlerr.BadStatement, partitionSpan(q), "a pull query has no PARTITION BY").
		WithHint("EMIT CHANGES makes it a push query")
}
