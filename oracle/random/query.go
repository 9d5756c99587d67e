package random

import (
	"fmt"
	"strings"
)

// Query is a SELECT. The columns of its result are c0, c1 and so on.
type Query struct {
	With     *Query // named w
	Distinct bool
	Items    []*Expr
	From     *Source
	Joins    []*Join
	Where    *Expr
	Window   *Window
	Group    []*Expr
	Grouped  bool   // GROUP BY, or aggregates without it
	Sets     string // ROLLUP, CUBE, GROUPING SETS or nothing
	Having   *Expr
	Order    string // ORDER BY in both
	Limit    int
	Union    *Query
	// Final tells that a table made of the query has its rows: it has groups and neither ORDER BY nor LIMIT.
	Final bool
}

// Source is a relation, or a query.
type Source struct {
	Name, Alias string
	Sub         *Query
	NotNull     string // a column; DuckDB leaves rows out in which it is null
	Latest      string // columns; DuckDB keeps the last row of equal ones
}

// Join adds a source.
type Join struct {
	Kind   string // JOIN, LEFT JOIN ..
	Source *Source
	On     *Expr
	Within string // in Leat
	Near   string // the same for DuckDB
}

// Window is a window of the source's event time, in milliseconds.
type Window struct {
	Kind       string // TUMBLING, HOPPING, SESSION, CUMULATE
	Size, Step int
	TVF        bool // as a table function in Leat
}

// In returns the text in a dialect.
func (q *Query) In(d Dialect) string {
	if q == nil {
		return ""
	}
	var out strings.Builder
	if q.With != nil {
		out.WriteString("WITH w AS (" + q.With.In(d) + ") ")
	}
	q.write(&out, d)
	for u := q.Union; u != nil; u = u.Union {
		out.WriteString(" UNION ALL ")
		u.write(&out, d)
	}
	return out.String()
}

func (q *Query) write(out *strings.Builder, d Dialect) {
	out.WriteString("SELECT ")
	if q.Distinct {
		out.WriteString("DISTINCT ")
	}
	for i, e := range q.Items {
		if i > 0 {
			out.WriteString(", ")
		}
		fmt.Fprintf(out, "%s AS c%d", e.in(d), i)
	}
	out.WriteString(" FROM ")
	inside := d == Duck && q.Window != nil
	if inside {
		out.WriteString(q.windowed())
	} else {
		out.WriteString(q.from(d))
	}
	for _, j := range q.Joins {
		out.WriteString(j.in(d))
	}
	if q.Where != nil && !inside {
		out.WriteString(" WHERE " + q.Where.in(d))
	}
	q.grouping(out, d)
	if q.Having != nil {
		out.WriteString(" HAVING " + q.Having.in(d))
	}
	if q.Window != nil && d == Leat && !q.Window.TVF {
		out.WriteString(" WINDOW " + q.Window.leat())
	}
	if q.Order != "" {
		fmt.Fprintf(out, " ORDER BY %s LIMIT %d", q.Order, q.Limit)
	}
}

func (q *Query) grouping(out *strings.Builder, d Dialect) {
	var by []string
	for _, e := range q.Group {
		by = append(by, e.in(d))
	}
	if q.Sets != "" {
		if q.Sets == "GROUPING SETS" {
			sets := []string{}
			for i := range by {
				sets = append(sets, "("+strings.Join(by[i:], ", ")+")")
			}
			by = append(sets, "()")
		}
		out.WriteString(" GROUP BY " + q.Sets + " (" + strings.Join(by, ", ") + ")")
		return
	}
	if q.Window != nil && (d == Duck || q.Window.TVF) {
		by = append(by, "a.window_start", "a.window_end")
	}
	if len(by) > 0 {
		out.WriteString(" GROUP BY " + strings.Join(by, ", "))
	}
}

func (q *Query) from(d Dialect) string {
	if d == Leat && q.Window != nil && q.Window.TVF {
		return q.Window.function(q.From.Name) + " AS " + q.From.Alias
	}
	return q.From.in(d)
}

func (s *Source) in(d Dialect) string {
	switch {
	case s.Sub != nil:
		return "(" + s.Sub.In(d) + ") AS " + s.Alias
	case d == Duck && s.NotNull != "":
		return fmt.Sprintf("(SELECT * FROM %s WHERE %s IS NOT NULL) AS %s", s.Name, s.NotNull, s.Alias)
	case d == Duck && s.Latest != "":
		return fmt.Sprintf("(SELECT * FROM %s QUALIFY ROW_NUMBER() OVER (PARTITION BY %s ORDER BY id DESC) = 1) AS %s",
			s.Name, s.Latest, s.Alias)
	default:
		return s.Name + " AS " + s.Alias
	}
}

func (j *Join) in(d Dialect) string {
	out := " " + j.Kind + " " + j.Source.in(d)
	if d == Leat && j.Within != "" {
		out += " WITHIN " + j.Within
	}
	if j.On == nil {
		return out
	}
	out += " ON " + j.On.in(d)
	if d == Duck && j.Near != "" {
		out += " AND " + j.Near
	}
	return out
}

func (w *Window) leat() string {
	switch w.Kind {
	case "HOPPING", "CUMULATE":
		if w.Kind == "CUMULATE" {
			return fmt.Sprintf("CUMULATE(%dms, %dms)", w.Size, w.Step)
		}
		return fmt.Sprintf("HOPPING (SIZE %d MILLISECONDS, ADVANCE BY %d MILLISECONDS)", w.Size, w.Step)
	case "SESSION":
		return fmt.Sprintf("SESSION (%d MILLISECONDS)", w.Size)
	default:
		return fmt.Sprintf("TUMBLING (SIZE %d MILLISECONDS)", w.Size)
	}
}

func (w *Window) function(name string) string {
	switch w.Kind {
	case "HOPPING":
		return fmt.Sprintf("HOP(%s, %dms, %dms)", name, w.Size, w.Step)
	case "CUMULATE":
		return fmt.Sprintf("CUMULATE(%s, %dms, %dms)", name, w.Size, w.Step)
	default:
		return fmt.Sprintf("TUMBLE(%s, %dms)", name, w.Size)
	}
}

// windowed is the source with the bounds of windows, for DuckDB.
func (q *Query) windowed() string {
	w, where := q.Window, ""
	if q.Where != nil {
		where = " WHERE " + q.Where.in(Duck)
	}
	rows := "SELECT * FROM " + q.From.in(Duck) + where
	switch w.Kind {
	case "HOPPING":
		return fmt.Sprintf("(SELECT *, ts - ts %% %d - i * %d AS window_start, ts - ts %% %d - i * %d + %d AS window_end FROM (%s), "+
			"range(%d) AS g(i)) AS a", w.Step, w.Step, w.Step, w.Step, w.Size, rows, w.Size/w.Step)
	case "CUMULATE":
		return fmt.Sprintf("(SELECT * FROM (SELECT *, ts - ts %% %d AS window_start, ts - ts %% %d + (i + 1) * %d AS window_end FROM (%s), "+
			"range(%d) AS g(i)) WHERE ts < window_end) AS a", w.Size, w.Size, w.Step, rows, w.Size/w.Step)
	case "SESSION":
		by := "0"
		for _, e := range q.Group {
			by += ", " + e.in(Duck)
		}
		return fmt.Sprintf("(SELECT *, MIN(ts) OVER (PARTITION BY %[1]s, n) AS window_start, "+
			"MAX(ts) OVER (PARTITION BY %[1]s, n) + %[2]d AS window_end FROM (SELECT *, SUM(fresh) OVER (PARTITION BY %[1]s ORDER BY ts) AS n "+
			"FROM (SELECT *, CASE WHEN ts - LAG(ts) OVER (PARTITION BY %[1]s ORDER BY ts) < %[2]d THEN 0 ELSE 1 END AS fresh "+
			"FROM (%[3]s) AS a) AS a) AS a) AS a", by, w.Size, rows)
	default:
		return fmt.Sprintf("(SELECT *, ts - ts %% %d AS window_start, ts - ts %% %d + %d AS window_end FROM (%s)) AS a",
			w.Size, w.Size, w.Size, rows)
	}
}

// Kinds are the kinds of the columns of the result.
func (q *Query) Kinds() []Kind {
	out := make([]Kind, len(q.Items))
	for i, e := range q.Items {
		out[i] = e.Kind
	}
	return out
}

// Asked is the query in DuckDB with its columns as Rows wants them: dates as days, timestamps as milliseconds.
func (q *Query) Asked() string {
	var cols []string
	for i, k := range q.Kinds() {
		c := fmt.Sprintf("c%d", i)
		switch k {
		case Date:
			c += " - DATE '1970-01-01'"
		case Time:
			c = "epoch_ms(" + c + ")"
		}
		cols = append(cols, c+" AS "+fmt.Sprintf("c%d", i))
	}
	return "SELECT " + strings.Join(cols, ", ") + " FROM (" + q.In(Duck) + ")"
}

func (q *Query) clone() *Query {
	if q == nil {
		return nil
	}
	c := *q
	c.With, c.Union = q.With.clone(), q.Union.clone()
	c.Items, c.Group = cloneAll(q.Items), cloneAll(q.Group)
	c.From = q.From.clone()
	c.Joins = make([]*Join, len(q.Joins))
	for i, j := range q.Joins {
		n := *j
		n.Source, n.On = j.Source.clone(), j.On.clone()
		c.Joins[i] = &n
	}
	c.Where, c.Having = q.Where.clone(), q.Having.clone()
	if q.Window != nil {
		w := *q.Window
		c.Window = &w
	}
	return &c
}

func (s *Source) clone() *Source {
	c := *s
	c.Sub = s.Sub.clone()
	return &c
}

func cloneAll(in []*Expr) []*Expr {
	out := make([]*Expr, len(in))
	for i, e := range in {
		out[i] = e.clone()
	}
	return out
}
