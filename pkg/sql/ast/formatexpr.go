package ast

import "strconv"

// The levels of precedence, from loose to tight.
const (
	levelLambda = iota
	levelOr
	levelAnd
	levelNot
	levelCompare
	levelConcat
	levelAdd
	levelMultiply
	levelUnary
	levelPostfix
)

var binaryLevels = map[string]int{
	"OR": levelOr, "AND": levelAnd, "||": levelConcat, "+": levelAdd, "-": levelAdd,
	"*": levelMultiply, "/": levelMultiply, "%": levelMultiply,
}

// level is how tightly the outermost operator of x binds.
func level(x Expr) int {
	switch x := x.(type) {
	case *Lambda:
		return levelLambda
	case *Binary:
		if l, ok := binaryLevels[x.Op]; ok {
			return l
		}
		return levelCompare
	case *Unary:
		if x.Op == "NOT" {
			return levelNot
		}
		return levelUnary
	case *Subquery:
		if x.Not {
			return levelNot
		}
	case *IsNull, *Between, *In, *Like:
		return levelCompare
	default:
	}
	return levelPostfix
}

func (w *printer) list(xs []Expr) {
	for i, x := range xs {
		w.opt(i > 0, ", ")
		w.expr(x, levelLambda)
	}
}

// expr writes x, in parentheses if it binds more loosely than least.
func (w *printer) expr(x Expr, least int) {
	if level(x) < least {
		w.put("(")
		w.bare(x)
		w.put(")")
		return
	}
	w.bare(x)
}

func (w *printer) bare(x Expr) {
	switch x := x.(type) {
	case *Literal:
		w.literal(x)
	case *Name:
		for i, p := range x.Parts {
			w.opt(i > 0, ".")
			w.put(p.String())
		}
	case *Star:
		w.put("*")
	case *Unary:
		w.unary(x)
	case *Binary:
		l := level(x)
		left := l
		if l == levelCompare {
			left++
		}
		w.expr(x.L, left)
		w.put(" ", x.Op, " ")
		w.expr(x.R, l+1)
	case *Call:
		w.call(x)
	case *Case:
		w.caseExpr(x)
	case *Cast:
		w.opt(x.Try, "TRY_")
		w.put("CAST(")
		w.expr(x.X, levelLambda)
		w.put(" AS ", FormatType(x.To), ")")
	default:
		w.condition(x)
	}
}

func (w *printer) unary(x *Unary) {
	if x.Op == "NOT" {
		w.put("NOT ")
		w.expr(x.X, levelNot)
		return
	}
	w.put(x.Op)
	w.expr(x.X, levelPostfix)
}

func (w *printer) literal(x *Literal) {
	switch x.Kind {
	case NullLit:
		w.put("NULL")
	case StringLit:
		w.put(quoteString(x.Text))
	case DateLit, TimeLit, TimestampLit:
		w.put([...]string{DateLit: "DATE ", TimeLit: "TIME ", TimestampLit: "TIMESTAMP "}[x.Kind], quoteString(x.Text))
	case IntervalLit:
		if x.Ms < 0 {
			w.put("INTERVAL '", strconv.FormatInt(x.Ms, 10), "' MILLISECOND")
			return
		}
		w.put("INTERVAL ", FormatDuration(x.Ms))
	default:
		w.put(x.Text)
	}
}

// condition writes the operators of conditions.
func (w *printer) condition(x Expr) {
	not := func(on bool) {
		w.opt(on, " NOT")
	}
	switch x := x.(type) {
	case *IsNull:
		w.expr(x.X, levelConcat)
		w.put(" IS")
		not(x.Not)
		if x.Truth == "" {
			w.put(" NULL")
		} else {
			w.put(" ", x.Truth)
		}
	case *Between:
		w.expr(x.X, levelConcat)
		not(x.Not)
		w.put(" BETWEEN ")
		w.expr(x.Lo, levelConcat)
		w.put(" AND ")
		w.expr(x.Hi, levelConcat)
	case *In:
		w.expr(x.X, levelConcat)
		not(x.Not)
		w.put(" IN (")
		if x.Query != nil {
			w.query(x.Query)
		} else {
			w.list(x.List)
		}
		w.put(")")
	case *Like:
		w.expr(x.X, levelConcat)
		not(x.Not)
		w.put(" LIKE ")
		w.expr(x.Pattern, levelConcat)
		w.opt(x.Escape != "", " ESCAPE "+quoteString(x.Escape))
	default:
		w.compound(x)
	}
}

// compound writes what is built of other expressions without an operator.
func (w *printer) compound(x Expr) {
	switch x := x.(type) {
	case *Field:
		w.expr(x.X, levelPostfix)
		w.put("->", x.Name.String())
	case *Index:
		w.expr(x.X, levelPostfix)
		w.put("[")
		w.expr(x.I, levelLambda)
		w.put("]")
	case *ArrayLit:
		w.put("ARRAY[")
		w.list(x.Items)
		w.put("]")
	case *MapLit:
		w.put("MAP(")
		for i := range x.Keys {
			w.opt(i > 0, ", ")
			w.expr(x.Keys[i], levelLambda)
			w.put(" := ")
			w.expr(x.Values[i], levelLambda)
		}
		w.put(")")
	case *StructLit:
		w.structure(x)
	case *Lambda:
		w.lambda(x)
	case *Subquery:
		w.opt(x.Not, "NOT ")
		w.opt(x.Exists, "EXISTS ")
		w.opt(x.Quantifier != "", x.Quantifier+" ")
		w.put("(")
		w.query(x.Query)
		w.put(")")
	case *AtTimeZone:
		w.expr(x.X, levelPostfix)
		w.put(" AT TIME ZONE ")
		w.zone(x.Zone)
	}
}

func (w *printer) structure(x *StructLit) {
	w.put("STRUCT(")
	for i := range x.Names {
		w.opt(i > 0, ", ")
		w.put(x.Names[i].String(), " := ")
		w.expr(x.Values[i], levelLambda)
	}
	w.put(")")
}

// zone writes the zone so that what follows it does not belong to it.
func (w *printer) zone(x Expr) {
	switch x.(type) {
	case *Field, *Index, *AtTimeZone:
		w.put("(")
		w.bare(x)
		w.put(")")
	default:
		w.expr(x, levelPostfix)
	}
}

func (w *printer) lambda(x *Lambda) {
	if len(x.Params) == 1 {
		w.put(x.Params[0].String())
	} else {
		w.names(x.Params)
	}
	w.put(" => ")
	w.expr(x.Body, levelLambda)
}

func (w *printer) caseExpr(x *Case) {
	w.put("CASE")
	if x.Of != nil {
		w.put(" ")
		w.expr(x.Of, levelOr)
	}
	for i := range x.When {
		w.put(" WHEN ")
		w.expr(x.When[i], levelOr)
		w.put(" THEN ")
		w.expr(x.Then[i], levelOr)
	}
	w.clause(" ELSE ", x.Else)
	w.put(" END")
}

func (w *printer) call(x *Call) {
	w.put(x.Name.String(), "(")
	w.opt(x.Distinct, "DISTINCT ")
	w.list(x.Args)
	w.put(")")
	if x.OrderBy != nil {
		w.put(" WITHIN GROUP (ORDER BY ")
		w.order(x.OrderBy)
		w.put(")")
	}
	if x.Filter != nil {
		w.put(" FILTER (WHERE ")
		w.expr(x.Filter, levelOr)
		w.put(")")
	}
	w.opt(x.IgnoreNulls, " IGNORE NULLS")
	w.opt(x.RespectNulls, " RESPECT NULLS")
	if x.Over != nil {
		w.over(x.Over)
	}
}

func (w *printer) over(o *Over) {
	w.put(" OVER (")
	space := ""
	if o.Full > 0 {
		w.put("ROWS WINDOW BUFFER ", strconv.FormatInt(o.Full, 10), " ROWS")
		space = " "
	}
	if o.Partition != nil {
		w.put(space, "PARTITION BY ")
		w.list(o.Partition)
		space = " "
	}
	if o.OrderBy != nil {
		w.put(space, "ORDER BY ")
		w.order(o.OrderBy)
		space = " "
	}
	if o.Frame != nil {
		w.put(space)
		w.frame(o.Frame)
		space = " "
	}
	w.opt(o.ExpireMs > 0, space+"EXPIRE AFTER INTERVAL "+FormatDuration(o.ExpireMs)+" INACTIVITY")
	w.opt(o.Full > 0, " EMIT ON BUFFER FULL")
	w.put(")")
}

func (w *printer) frame(f *Frame) {
	w.opt(f.Rows, "ROWS BETWEEN ")
	w.opt(!f.Rows, "RANGE BETWEEN ")
	if f.Preceding < 0 {
		w.put("UNBOUNDED PRECEDING")
	} else {
		w.bound(f, -f.Preceding)
	}
	w.put(" AND ")
	if f.Following == UnboundedFollowing {
		w.put("UNBOUNDED FOLLOWING")
	} else {
		w.bound(f, f.Following)
	}
}

// bound writes an end of a frame; n counts from the current row.
func (w *printer) bound(f *Frame, n int64) {
	if n == 0 {
		w.put("CURRENT ROW")
		return
	}
	distance := n
	if n < 0 {
		distance = -n
	}
	if f.Rows {
		w.put(strconv.FormatInt(distance, 10))
	} else {
		w.put("INTERVAL ", FormatDuration(distance))
	}
	w.opt(n < 0, " PRECEDING")
	w.opt(n > 0, " FOLLOWING")
}
