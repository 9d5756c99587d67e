package parser

import (
	"slices"
	"strconv"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

const maxPrecision = 38

// DECIMAL without digits keeps half of them for the fraction.
const (
	defaultPrecision = 38
	defaultScale     = 18
)

// typeNames are the types without parameters, under all their names.
var typeNames = []struct {
	word string
	t    vector.Type
}{
	{"STRING", vector.TString},
	{"BIGINT", vector.TBigInt},
	{"DOUBLE", vector.TDouble},
	{"INT", vector.TInt},
	{"BOOLEAN", vector.TBoolean},
	{"TIMESTAMP", vector.TTimestamp},
	{"DATE", vector.TDate},
	{"TIME", vector.TTime},
	{"BYTES", vector.TBytes},
	{"VARCHAR", vector.TString},
	{"INTEGER", vector.TInt},
	{"FLOAT", vector.TDouble},
	{"REAL", vector.TDouble},
	{"TEXT", vector.TString},
	{"CHAR", vector.TString},
	{"SMALLINT", vector.TInt},
	{"TINYINT", vector.TInt},
	{"BOOL", vector.TBoolean},
	{"DATETIME", vector.TTimestamp},
	{"LONG", vector.TBigInt},
	{"BINARY", vector.TBytes},
	{"VARBINARY", vector.TBytes},
	{"INTERVAL", vector.TInterval},
}

var otherTypes = []string{"DECIMAL", "ARRAY", "MAP", "STRUCT"}

// ParseType reads a type on its own, as ast.FormatType writes it.
func ParseType(text string) (vector.Type, *sqlerr.Error) {
	if err := tooLong(text, Options{}); err != nil {
		return vector.TNull, err
	}
	p, err := newSession(Options{}).open(text, 0, len(text))
	if err != nil {
		return vector.TNull, err
	}
	t := p.dataType()
	p.finish()
	if len(p.errs) > 0 {
		return vector.TNull, p.errs[0]
	}
	return t, nil
}

// dataType reads a type.
func (p *parser) dataType() vector.Type {
	if !p.enter() {
		return vector.TNull
	}
	defer p.leave()
	p.expecting(wantType)
	t := p.tok()
	switch {
	case t.kind != word && t.kind != quoted:
		p.unexpected("a type (STRING, BIGINT, DOUBLE, DECIMAL(10, 2), ...) " + afterWord(p.last()))
		return vector.TNull
	case t.is("DECIMAL"), t.is("NUMERIC"), t.is("DEC"):
		p.advance()
		return p.decimalType()
	case t.is("ARRAY"), t.is("MAP"), t.is("STRUCT"):
		p.advance()
		return p.collection(t)
	}
	if t.kind == word {
		for _, n := range typeNames {
			if t.is(n.word) {
				p.advance()
				p.typeSuffix(t, n.t)
				return n.t
			}
		}
	}
	return p.namedType(t)
}

func afterWord(t *token) string { return "after " + t.found() }

// typeSuffix reads the length of VARCHAR(10), which is not kept, and the words of DOUBLE PRECISION.
func (p *parser) typeSuffix(t *token, typ vector.Type) {
	if t.is("DOUBLE") && p.accept("PRECISION") {
		return
	}
	if !p.is("(") {
		return
	}
	textual := typ.Kind == vector.String || typ.Kind == vector.Bytes || typ.Kind == vector.Timestamp
	if !textual {
		p.failAt(p.tok().at, "%s takes no length", upper(t)).hint("write %s", upper(t))
		return
	}
	p.advance()
	if n := p.tok(); n.kind != integer && !n.is("STRING") {
		p.unexpected("a length in " + upper(t) + "(...)")
		return
	}
	p.advance()
	p.expect(")", "after the length")
}

func (p *parser) namedType(t *token) vector.Type {
	if typ, ok := p.session.types[strings.ToUpper(t.text)]; ok {
		p.advance()
		return typ
	}
	if t.kind == word && isReserved(t.text) {
		p.unexpected("a type (STRING, BIGINT, DOUBLE, DECIMAL(10, 2), ...) " + afterWord(p.last()))
		return vector.TNull
	}
	err := p.failAt(t.at, "no type named %s", clip(t.text))
	names := append([]string{}, otherTypes...)
	for _, n := range typeNames {
		names = append(names, n.word)
	}
	for n := range p.session.types { // any order: sorted below
		names = append(names, n)
	}
	slices.Sort(names)
	if near := sqlerr.Nearest(t.text, names); near != "" {
		err.hint("did you mean %s?", near)
		return vector.TNull
	}
	err.hint("types are STRING, BIGINT, INT, DOUBLE, DECIMAL(p, s), BOOLEAN, TIMESTAMP, DATE, TIME, BYTES, " +
		"ARRAY<t>, MAP<k, v>, STRUCT<f t, ...>")
	return vector.TNull
}

// decimalType reads (p[, s]).
func (p *parser) decimalType() vector.Type {
	if !p.accept("(") {
		return vector.TDecimal(defaultPrecision, defaultScale)
	}
	at := p.tok().at
	precision := p.digitCount("the number of digits in DECIMAL")
	scale := 0
	if p.accept(",") {
		scale = p.digitCount("the number of decimals in DECIMAL")
	}
	at = at.Join(p.last().at)
	p.expect(")", "after the digits of DECIMAL")
	switch {
	case p.failed:
	case precision < 1 || precision > maxPrecision:
		p.fail(sqlerr.New(sqlerr.TypeMismatch, at, "DECIMAL has 1 to %d digits, not %d", maxPrecision, precision))
	case scale > precision:
		p.fail(sqlerr.New(sqlerr.TypeMismatch, at, "DECIMAL(%d, %d) has more decimals than digits", precision, scale).
			WithHint("DECIMAL(10, 2) holds ten digits, two of them after the point"))
	}
	return vector.TDecimal(uint8(precision), uint8(scale))
}

func (p *parser) digitCount(what string) int {
	p.expecting(wantNumber)
	t := p.tok()
	if t.kind != integer {
		p.unexpected(what)
		return 0
	}
	n, err := strconv.Atoi(t.text)
	if err != nil || n > 255 {
		p.fail(sqlerr.New(sqlerr.TypeMismatch, t.at, "DECIMAL has 1 to %d digits, not %s", maxPrecision, clip(t.text)))
		return 0
	}
	p.advance()
	return n
}

// collection reads ARRAY<t>, MAP<k, v>, STRUCT<f t, ...>, with < > or ( ).
func (p *parser) collection(t *token) vector.Type {
	closing := ">"
	if p.accept("(") {
		closing = ")"
	} else {
		p.expect("<", "after "+upper(t))
	}
	var typ vector.Type
	switch {
	case t.is("ARRAY"):
		elem := p.dataType()
		typ = vector.Type{Kind: vector.Array, Elem: &elem}
	case t.is("MAP"):
		key := p.dataType()
		p.expect(",", "between the types of key and value")
		value := p.dataType()
		typ = vector.Type{Kind: vector.Map, Key: &key, Elem: &value}
	default:
		typ = vector.Type{Kind: vector.Struct, Fields: p.structFields(closing)}
	}
	p.closeType(closing, t)
	return typ
}

func (p *parser) structFields(closing string) []vector.Field {
	fields := []vector.Field{}
	for !p.failed && !p.is(closing) {
		if len(fields) == maxItems {
			p.fail(sqlerr.New(sqlerr.TooLarge, p.tok().at, "more than %d fields", maxItems))
			break
		}
		f := vector.Field{Name: p.name("a field name", "in STRUCT").Name}
		f.Type = p.dataType()
		fields = append(fields, f)
		if !p.accept(",") {
			break
		}
	}
	return fields
}

// closeType reads > also where two of them were lexed as one token.
func (p *parser) closeType(closing string, t *token) {
	p.expect(closing, "after the types in "+upper(t))
}

// literalKinds are the typed literals: DATE '2020-01-01'.
var literalKinds = []struct {
	word string
	kind ast.LiteralKind
}{{"DATE", ast.DateLit}, {"TIME", ast.TimeLit}, {"TIMESTAMP", ast.TimestampLit}}
