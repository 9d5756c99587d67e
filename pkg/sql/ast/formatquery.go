package ast

import "strconv"

// query writes a query; the clauses of a union stand after its last member.
func (w *printer) query(q *Query) {
	for i, c := range q.With {
		w.put([...]string{"WITH ", ", "}[min(i, 1)], c.Name.String(), " AS (")
		w.query(c.Query)
		w.put(")")
	}
	w.opt(len(q.With) > 0, " ")
	for m := q; m != nil; m = m.Union {
		w.opt(m != q, " UNION ALL ")
		w.member(m)
	}
	w.tail(q)
}

// member writes the part of a query before ORDER BY.
func (w *printer) member(q *Query) {
	if q.Values != nil {
		w.put("VALUES ")
		w.rows(q.Values)
	} else {
		w.put("SELECT ")
		w.opt(q.Distinct, "DISTINCT ")
		for i := range q.Items {
			w.opt(i > 0, ", ")
			w.item(&q.Items[i])
		}
	}
	if q.From != nil {
		w.put(" FROM ")
		w.relation(q.From)
	}
	if q.Window != nil {
		w.put(" WINDOW ")
		w.window(q.Window)
	}
	if q.Buffer != nil {
		w.buffer(q.Buffer)
	}
	w.clause(" WHERE ", q.Where)
	w.groupBy(q)
	if q.PartitionBy {
		w.put(" PARTITION BY ")
		w.list(q.Partition)
	}
	w.clause(" HAVING ", q.Having)
}

func (w *printer) clause(word string, x Expr) {
	if x != nil {
		w.put(word)
		w.expr(x, levelOr)
	}
}

func (w *printer) groupBy(q *Query) {
	switch {
	case q.Grouping != nil:
		w.put(" GROUP BY GROUPING SETS (")
		for i, set := range q.Grouping {
			w.opt(i > 0, ", ")
			w.put("(")
			for j, g := range set {
				w.opt(j > 0, ", ")
				w.expr(q.GroupBy[g], levelOr)
			}
			w.put(")")
		}
		w.put(")")
	case len(q.GroupBy) > 0:
		w.put(" GROUP BY ")
		w.list(q.GroupBy)
	case q.GroupBy != nil:
		w.put(" GROUP BY ()")
	}
}

// tail writes ORDER BY and what follows.
func (w *printer) tail(q *Query) {
	if q.OrderBy != nil {
		w.put(" ORDER BY ")
		w.order(q.OrderBy)
	}
	w.opt(q.Limit >= 0, " LIMIT "+strconv.FormatInt(q.Limit, 10))
	w.opt(q.Offset > 0, " OFFSET "+strconv.FormatInt(q.Offset, 10))
	w.put([...]string{EmitDefault: "", EmitChanges: " EMIT CHANGES", EmitFinal: " EMIT FINAL"}[q.Emit])
	for i, n := range q.Into {
		w.put([...]string{" INTO ", ", "}[min(i, 1)], n.String())
	}
	if q.Sources != nil {
		w.put(" WITH ")
		w.properties(q.Sources)
	}
}

func (w *printer) item(it *SelectItem) {
	switch {
	case it.Star && it.Of == nil:
		w.put("*")
	case it.Fields:
		w.expr(it.Of, levelPostfix)
		w.put("->*")
	case it.Star:
		w.expr(it.Of, levelPostfix)
		w.put(".*")
	default:
		w.expr(it.Expr, levelOr)
	}
	w.opt(it.Key, " PRIMARY KEY")
	w.alias(it.Alias)
}

func (w *printer) alias(a *Ident) {
	if a != nil {
		w.put(" AS ", a.String())
	}
}

func (w *printer) order(items []OrderItem) {
	for i, o := range items {
		w.opt(i > 0, ", ")
		w.expr(o.Expr, levelOr)
		w.opt(o.Desc, " DESC")
		w.opt(o.NullsSet && o.NullsLast, " NULLS LAST")
		w.opt(o.NullsSet && !o.NullsLast, " NULLS FIRST")
	}
}

func (w *printer) relation(r Relation) {
	switch r := r.(type) {
	case *TableRef:
		if r.File {
			w.put(quoteString(r.Name.Name))
		} else {
			w.put(r.Name.String())
		}
		w.alias(r.Alias)
	case *SubqueryRef:
		w.put("(")
		w.query(r.Query)
		w.put(")")
		w.alias(r.Alias)
	case *WindowTVF:
		w.tvf(r)
	case *Unnest:
		w.put("UNNEST(")
		w.expr(r.Expr, levelOr)
		w.put(")")
		w.opt(r.Ordinality, " WITH ORDINALITY")
		w.alias(r.Alias)
		if r.Columns != nil {
			w.names(r.Columns)
		}
	case *Join:
		w.join(r)
	}
}

func (w *printer) join(j *Join) {
	w.relation(j.L)
	w.put(" ")
	w.opt(j.AsOf, "ASOF ")
	w.put([...]string{Inner: "", Left: "LEFT ", Right: "RIGHT ", Full: "FULL ", Cross: "CROSS "}[j.Kind], "JOIN ")
	if _, nested := j.R.(*Join); nested {
		w.put("(")
		w.relation(j.R)
		w.put(")")
	} else {
		w.relation(j.R)
	}
	if j.Within != nil {
		w.within(j.Within)
	}
	w.clause(" ON ", j.On)
}

func (w *printer) within(in *Within) {
	w.put(" WITHIN ")
	if in.BeforeMs == in.AfterMs {
		w.put(FormatDuration(in.BeforeMs))
	} else {
		w.put("(", FormatDuration(in.BeforeMs), ", ", FormatDuration(in.AfterMs), ")")
	}
	w.opt(in.GraceMs >= 0, " GRACE PERIOD "+FormatDuration(in.GraceMs))
}

// window writes the short form of a window.
// buffer writes WINDOW ROWS (BUFFER n ROWS ..).
func (w *printer) buffer(o *Over) {
	w.put(" WINDOW ROWS (BUFFER ", strconv.FormatInt(o.Frame.Preceding+1, 10), " ROWS")
	if o.Partition != nil {
		w.put(" PARTITION BY ")
		w.list(o.Partition)
	}
	if o.OrderBy != nil {
		w.put(" ORDER BY ")
		w.order(o.OrderBy)
	}
	w.opt(o.ExpireMs > 0, " EXPIRE AFTER INTERVAL "+FormatDuration(o.ExpireMs)+" INACTIVITY")
	w.put(")")
}

func (w *printer) window(win *Window) {
	w.put([...]string{Tumbling: "TUMBLING(", Hopping: "SLIDING(", Session: "SESSION(", Cumulate: "CUMULATE("}[win.Kind])
	if win.TimeColumn != nil {
		w.put(win.TimeColumn.String(), ", ")
	}
	w.put(FormatDuration(win.SizeMs))
	w.opt(win.AdvanceMs >= 0, ", "+FormatDuration(win.AdvanceMs))
	w.opt(win.GraceMs >= 0, ", GRACE "+FormatDuration(win.GraceMs))
	w.opt(win.RetentionMs >= 0, ", RETENTION "+FormatDuration(win.RetentionMs))
	w.put(")")
	w.opt(win.ProcessingTime, " ON PROCESSING TIME")
}

// tvf writes TUMBLE(t, size), or TUMBLE(TABLE t, DESCRIPTOR(ts), size) where the time column is named.
func (w *printer) tvf(r *WindowTVF) {
	w.put([...]string{Tumbling: "TUMBLE(", Hopping: "HOP(", Session: "SESSION(", Cumulate: "CUMULATE("}[r.Window.Kind])
	w.opt(r.TimeColumn != nil, "TABLE ")
	w.relation(r.Of)
	if r.Partition != nil {
		w.put(" PARTITION BY ")
		w.list(r.Partition)
	}
	size, advance := FormatDuration(r.Window.SizeMs), FormatDuration(r.Window.AdvanceMs)
	if r.TimeColumn != nil {
		w.put(", DESCRIPTOR(", r.TimeColumn.String(), ")")
		size, advance = advance, size
	}
	if r.Window.AdvanceMs < 0 {
		w.put(", ", FormatDuration(r.Window.SizeMs))
	} else {
		w.put(", ", size, ", ", advance)
	}
	w.put(")")
	w.alias(r.Alias)
}
