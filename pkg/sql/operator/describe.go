package operator

import (
	"fmt"
	"strings"
	"time"

	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Out is the schema of the rows that pass.
func (f *Filter) Out() *vector.Schema { return f.Schema }

// Name is the operator's name in EXPLAIN.
func (f *Filter) Name() string { return "Filter" }

// Details is the condition.
func (f *Filter) Details() string { return f.Pred.String() }

// Out is the schema of the computed columns.
func (p *Project) Out() *vector.Schema { return p.Schema }

// Name is the operator's name in EXPLAIN.
func (p *Project) Name() string { return "Project" }

// Details is the expressions.
func (p *Project) Details() string {
	parts := make([]string, len(p.Exprs))
	for i, e := range p.Exprs {
		parts[i] = e.String()
		if c, ok := e.(*expr.Column); i < len(p.Schema.Fields) && (!ok || c.Name != p.Schema.Fields[i].Name) {
			parts[i] += " AS " + p.Schema.Fields[i].Name
		}
	}
	out := strings.Join(parts, ", ")
	if p.EventTime >= 0 && p.EventTime < len(p.Schema.Fields) {
		out += "; event time " + p.Schema.Fields[p.EventTime].Name
	}
	return out
}

// Out is the schema of keys, window bounds and aggregates.
func (a *Aggregate) Out() *vector.Schema { return a.Schema }

// Name is the operator's name in EXPLAIN.
func (a *Aggregate) Name() string { return "HashAggregate" }

// Details is keys, window, aggregates and emission.
func (a *Aggregate) Details() string {
	var parts []string
	if len(a.Keys) > 0 {
		parts = append(parts, "by "+fieldNames(a.Schema, 0, len(a.Keys)))
	}
	if w := a.Window.String(); w != "" {
		parts = append(parts, w)
	}
	calls := make([]string, len(a.Aggs))
	for i, g := range a.Aggs {
		calls[i] = g.String()
	}
	emission := [...]string{EmitBatch: "emit changes", EmitRecord: "emit each change", EmitFinal: "emit final"}
	parts = append(parts, strings.Join(calls, ", "), emission[a.Emit])
	return strings.Join(parts, "; ")
}

// String is the call, with arguments by their column number from 1.
func (a Agg) String() string {
	return a.Func + "(" + call(a.Args, a.Distinct) + orderText(a.Order) + ")" + filterText(a.Filter)
}

// orderText is ORDER BY inside of a call.
func orderText(keys []SortKey) string {
	parts := make([]string, len(keys))
	for i, k := range keys {
		parts[i] = fmt.Sprintf("$%d", k.Col+1)
		if k.Desc {
			parts[i] += " desc"
		}
		if k.NullsLast == k.Desc {
			parts[i] += map[bool]string{true: " nulls last", false: " nulls first"}[k.NullsLast]
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " order by " + strings.Join(parts, ", ")
}

func nullText(ignore bool) string {
	if ignore {
		return " ignore nulls"
	}
	return ""
}

func call(args []int, distinct bool) string {
	parts := make([]string, len(args))
	for i, c := range args {
		parts[i] = fmt.Sprintf("$%d", c+1)
	}
	out := strings.Join(parts, ", ")
	if len(args) == 0 {
		out = "*"
	}
	if distinct {
		out = "DISTINCT " + out
	}
	return out
}

func filterText(col int) string {
	if col < 0 {
		return ""
	}
	return fmt.Sprintf(" FILTER (WHERE $%d)", col+1)
}

func fieldNames(s *vector.Schema, from, to int) string {
	var parts []string
	for i := from; i < min(to, len(s.Fields)); i++ {
		parts = append(parts, s.Fields[i].Name)
	}
	return strings.Join(parts, ", ")
}

func ms(n int64) string { return (time.Duration(n) * time.Millisecond).String() }

// String is the window as it is written.
func (w *Window) String() string {
	out := ""
	switch w.Kind {
	case NoWindow:
		return ""
	case Tumbling:
		out = "TUMBLING(" + ms(w.SizeMs) + ")"
	case Hopping:
		out = "SLIDING(" + ms(w.SizeMs) + ", " + ms(w.AdvanceMs) + ")"
	case Session:
		out = "SESSION(" + ms(w.SizeMs) + ")"
	case Cumulate:
		out = "CUMULATE(" + ms(w.SizeMs) + ", " + ms(w.AdvanceMs) + ")"
	}
	if w.ProcessingTime {
		out += " ON PROCESSING TIME"
	}
	return out + " GRACE " + ms(w.GraceMs)
}

// Out is the input's schema and a column for each call.
func (o *Over) Out() *vector.Schema { return o.Schema }

// Name is the operator's name in EXPLAIN.
func (o *Over) Name() string { return "Over" }

// Details is the partition and the calls with their frames.
func (o *Over) Details() string {
	parts := make([]string, len(o.Aggs))
	for i, a := range o.Aggs {
		args := call(a.Args, false) + orderText(a.Order)
		parts[i] = a.Func + "(" + args + ")" + nullText(a.IgnoreNulls) + " " + a.frame()
	}
	out := strings.Join(parts, ", ")
	if o.ExpireMs > 0 {
		out += "; anew after " + ms(o.ExpireMs)
	}
	if len(o.Partition) > 0 {
		names := make([]string, len(o.Partition))
		for i, c := range o.Partition {
			names[i] = o.Schema.Fields[c].Name
		}
		out = "partition by " + strings.Join(names, ", ") + "; " + out
	}
	return out
}

func (a OverAgg) frame() string {
	switch {
	case a.Rows >= 0:
		return fmt.Sprintf("ROWS %d PRECEDING", a.Rows)
	case a.RangeMs >= 0:
		return "RANGE " + ms(a.RangeMs) + " PRECEDING"
	case a.ByRows:
		return "ROWS UNBOUNDED PRECEDING"
	default:
		return "RANGE UNBOUNDED PRECEDING"
	}
}

// Out is the columns of stream and table.
func (j *LookupJoin) Out() *vector.Schema { return j.Schema }

// Name is the operator's name in EXPLAIN.
func (j *LookupJoin) Name() string { return "LookupJoin" }

// Details is the keys.
func (j *LookupJoin) Details() string {
	kind := "inner"
	if j.Left {
		kind = "left"
	}
	parts := make([]string, min(len(j.StreamKeys), len(j.TableKeys)))
	for i := range parts {
		parts[i] = fmt.Sprintf("stream.$%d = table.$%d", j.StreamKeys[i]+1, j.TableKeys[i]+1)
	}
	return kind + "; " + strings.Join(parts, " AND ")
}

// Out is the input's schema.
func (s *Sort) Out() *vector.Schema { return s.Schema }

// Name is the operator's name in EXPLAIN.
func (s *Sort) Name() string { return "Sort" }

// Details is the order and the limit.
func (s *Sort) Details() string {
	parts := make([]string, len(s.Keys))
	for i, k := range s.Keys {
		parts[i] = s.Schema.Fields[k.Col].Name
		if k.Desc {
			parts[i] += " DESC"
		}
		if k.NullsLast {
			parts[i] += " NULLS LAST"
		}
	}
	return strings.Join(parts, ", ") + limitText(s.Limit, s.Offset)
}

func limitText(n, offset int64) string {
	out := ""
	if n >= 0 {
		out += fmt.Sprintf(" limit %d", n)
	}
	if offset > 0 {
		out += fmt.Sprintf(" offset %d", offset)
	}
	return out
}

// Out is the input's schema.
func (l *Limit) Out() *vector.Schema { return l.Schema }

// Name is the operator's name in EXPLAIN.
func (l *Limit) Name() string { return "Limit" }

// Details is the numbers.
func (l *Limit) Details() string { return strings.TrimSpace(limitText(l.N, l.Offset)) }

// Out is the input's schema.
func (m *Materialize) Out() *vector.Schema { return m.Schema }

// Name is the operator's name in EXPLAIN.
func (m *Materialize) Name() string { return "Materialize" }

// Details is the key.
func (m *Materialize) Details() string {
	names := make([]string, len(m.Keys))
	for i, c := range m.Keys {
		names[i] = m.Schema.Fields[c].Name
	}
	out := "key " + strings.Join(names, ", ")
	if len(names) == 0 {
		out = "key: the whole row"
		if m.OneKey {
			out = "one row"
		}
	}
	if m.Final {
		out += "; at the end"
	}
	return out
}

// Out is the input's schema.
func (t *ToStream) Out() *vector.Schema { return t.Schema }

// Name is the operator's name in EXPLAIN.
func (t *ToStream) Name() string { return "ToStream" }

// Details has nothing to add.
func (t *ToStream) Details() string { return "" }
