package random

import (
	"strings"
)

// Kind is the type of a column or an expression.
type Kind uint8

// The kinds. INT and BIGINT are one.
const (
	Int Kind = iota
	Double
	Decimal
	Text
	Bool
	Date
	Time
	kinds
)

// Dialect is who reads the text.
type Dialect uint8

// The dialects.
const (
	Leat Dialect = iota
	Duck
)

// names are the types by kind and dialect.
var names = [kinds][2]string{
	Int: {"BIGINT", "BIGINT"}, Double: {"DOUBLE", "DOUBLE"}, Decimal: {"DECIMAL(18,2)", "DECIMAL(18,2)"},
	Text: {"STRING", "VARCHAR"}, Bool: {"BOOLEAN", "BOOLEAN"}, Date: {"DATE", "DATE"}, Time: {"TIMESTAMP", "TIMESTAMP"},
}

// Expr is an expression: two templates in which $1 to $9 stand for its operands and $q for its query.
type Expr struct {
	Kind  Kind
	Text  [2]string
	Kids  []*Expr
	Sub   *Query
	Whole bool // only its operands may become smaller, not it itself: an aggregate, a condition of a join
}

// in returns the text in a dialect.
func (e *Expr) in(d Dialect) string {
	t := e.Text[d]
	if !strings.Contains(t, "$") {
		return t
	}
	var out strings.Builder
	for i := 0; i < len(t); i++ {
		switch {
		case t[i] == '$' && t[i+1] == 'q':
			out.WriteString(e.Sub.In(d))
			i++
		case t[i] == '$':
			out.WriteString(e.Kids[t[i+1]-'1'].in(d))
			i++
		default:
			out.WriteByte(t[i])
		}
	}
	return out.String()
}

func (e *Expr) clone() *Expr {
	if e == nil {
		return nil
	}
	c := *e
	c.Kids = make([]*Expr, len(e.Kids))
	for i, k := range e.Kids {
		c.Kids[i] = k.clone()
	}
	c.Sub = e.Sub.clone()
	return &c
}

// column is an expression that reads a column of a relation, a literal or another text without operands.
func column(kind Kind, text string) *Expr { return &Expr{Kind: kind, Text: [2]string{text, text}} }

func call(kind Kind, text string, kids ...*Expr) *Expr {
	return &Expr{Kind: kind, Text: [2]string{text, text}, Kids: kids}
}

func calls(kind Kind, leat, duck string, kids ...*Expr) *Expr {
	return &Expr{Kind: kind, Text: [2]string{leat, duck}, Kids: kids}
}

// null is a null of a kind.
func null(k Kind) *Expr {
	return calls(k, "CAST(NULL AS "+names[k][Leat]+")", "CAST(NULL AS "+names[k][Duck]+")")
}

// simple are the literals that an expression of a kind shrinks to.
var simple = [kinds]*Expr{
	column(Int, "1"), column(Double, "1.5e0"), column(Decimal, "1.5"), column(Text, "'a'"), column(Bool, "TRUE"),
	column(Date, "DATE '2020-01-01'"), column(Time, "TIMESTAMP '2020-01-01T00:00:00'"),
}
