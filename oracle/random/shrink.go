package random

// Smaller returns queries that are a step simpler than q, the boldest steps first.
func Smaller(q *Query) []*Query {
	var out []*Query
	try := func(change func(c *Query) bool) {
		c := q.clone()
		if change(c) {
			out = append(out, c)
		}
	}
	if q.From.Sub != nil {
		out = append(out, q.From.Sub.clone())
	}
	n := len(parts(q))
	for i := range n {
		for step := range 9 {
			try(func(c *Query) bool { return simplify(parts(c)[i], step) })
		}
		for k := range parts(q)[i].Items {
			try(func(c *Query) bool { return dropItem(parts(c)[i], k) })
		}
		for k := range parts(q)[i].Group {
			try(func(c *Query) bool { return dropKey(parts(c)[i], k) })
		}
	}
	for i, slot := range slots(q) {
		e := *slot
		for k := range e.Kids {
			if e.Kids[k].Kind == e.Kind && !e.Whole {
				try(func(c *Query) bool { s := slots(c)[i]; *s = (*s).Kids[k]; return true })
			}
		}
		if len(e.Kids) > 0 && !e.Whole {
			try(func(c *Query) bool { *slots(c)[i] = simple[e.Kind].clone(); return true })
		}
	}
	return out
}

// parts are q and the queries in it.
func parts(q *Query) []*Query {
	if q == nil {
		return nil
	}
	out := append([]*Query{q}, parts(q.With)...)
	out = append(append(out, parts(q.Union)...), parts(q.From.Sub)...)
	for _, j := range q.Joins {
		out = append(out, parts(j.Source.Sub)...)
	}
	for _, s := range own(q) {
		(*s).each(func(e *Expr) { out = append(out, parts(e.Sub)...) })
	}
	return out
}

func (e *Expr) each(f func(e *Expr)) {
	f(e)
	for _, k := range e.Kids {
		k.each(f)
	}
}

// own are the expressions of one query.
func own(q *Query) []**Expr {
	var out []**Expr
	for i := range q.Items {
		out = append(out, &q.Items[i])
	}
	for _, e := range []**Expr{&q.Where, &q.Having} {
		if *e != nil {
			out = append(out, e)
		}
	}
	return out
}

// slots are the places of all expressions, operands too.
func slots(q *Query) []**Expr {
	var out []**Expr
	var walk func(s **Expr)
	walk = func(s **Expr) {
		out = append(out, s)
		for i := range (*s).Kids {
			walk(&(*s).Kids[i])
		}
	}
	for _, p := range parts(q) {
		for _, s := range own(p) {
			walk(s)
		}
	}
	return out
}

// simplify takes a step; false where there is nothing to take away.
func simplify(q *Query, step int) bool {
	switch {
	case step == 0 && q.Union != nil:
		q.Union = nil
	case step == 1 && len(q.Joins) > 0:
		q.Joins = q.Joins[:len(q.Joins)-1]
	case step == 2 && q.Where != nil:
		q.Where = nil
	case step == 3 && q.Having != nil:
		q.Having = nil
	case step == 4 && q.Distinct:
		q.Distinct = false
	case step == 5 && q.Sets != "":
		q.Sets = ""
	case step == 6 && q.Order != "":
		q.Order = ""
	case step == 7 && q.Window != nil && q.Window.TVF:
		q.Window.TVF = false
	case step == 8 && len(q.Joins) > 0 && q.Joins[0].Kind != "JOIN" && q.Joins[0].Kind != "ASOF JOIN":
		q.Joins[0].Kind = map[bool]string{true: "ASOF JOIN", false: "JOIN"}[q.Joins[0].Kind == "ASOF LEFT JOIN"]
	default:
		return false
	}
	return true
}

func dropItem(q *Query, k int) bool {
	if len(q.Items) == 1 {
		return false
	}
	q.Items = append(q.Items[:k], q.Items[k+1:]...)
	return true
}

// dropKey takes a key of the groups away, and the item that reads it.
func dropKey(q *Query, k int) bool {
	text := q.Group[k].in(Leat)
	q.Group = append(q.Group[:k], q.Group[k+1:]...)
	for i, e := range q.Items {
		if e.in(Leat) == text {
			return dropItem(q, i)
		}
	}
	return true
}
