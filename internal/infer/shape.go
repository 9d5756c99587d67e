// Package infer makes the columns of a declaration without any out of a sample of its rows.
package infer

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// kind is what values of one place have been so far.
type kind uint8

const (
	unseen kind = iota // null alone
	boolean
	integer
	double
	moment
	text // anything can be one: there is no way back
	list
	object
)

const (
	maxFields = 256 // of one object; one with more is no STRUCT but its text
	maxNested = 6   // containers inside one another; what lies deeper is kept as text
	maxDepth  = 128 // of the JSON that is looked at
)

// shape is what is known of the values of one place of the records.
type shape struct {
	kind   kind
	elem   *shape
	fields []field
	index  map[string]int // by name in lower case
}

type field struct {
	name  string
	shape *shape
}

// see notes a scalar.
func (s *shape) see(k kind) {
	switch {
	case k == unseen || s.kind == k:
	case s.kind == unseen:
		s.kind = k
	case s.kind == integer && k == double, s.kind == double && k == integer:
		s.kind = double
	default:
		s.kind, s.elem, s.fields, s.index = text, nil, nil, nil
	}
}

// field returns the place of a field; nil where there are too many. Names that differ in case alone are one.
func (s *shape) field(name string) *shape {
	low := strings.ToLower(name)
	if i, ok := s.index[low]; ok {
		return s.fields[i].shape
	}
	if len(s.fields) == maxFields {
		return nil
	}
	if s.index == nil {
		s.index = map[string]int{}
	}
	s.index[low] = len(s.fields)
	s.fields = append(s.fields, field{name, &shape{}})
	return s.fields[len(s.fields)-1].shape
}

var scalars = map[kind]vector.Type{
	unseen: vector.TString, boolean: vector.TBoolean, integer: vector.TBigInt, double: vector.TDouble,
	moment: vector.TTimestamp, text: vector.TString,
}

// typ is the column type that holds all values seen.
func (s *shape) typ() vector.Type {
	switch {
	case s.kind == list && s.elem != nil:
		return vector.TArray(s.elem.typ())
	case s.kind == list:
		return vector.TArray(vector.TString)
	case s.kind == object && len(s.fields) > 0:
		fields := make([]vector.Field, len(s.fields))
		for i, f := range s.fields {
			fields[i] = vector.Field{Name: f.name, Type: f.shape.typ()}
		}
		return vector.TStruct(fields...)
	case s.kind == object:
		return vector.TString
	default:
		return scalars[s.kind]
	}
}

// number tells the type of a number as it is written. An integer beyond BIGINT and a double beyond DOUBLE are text,
// which keeps their digits.
func number(s string) kind {
	if strings.ContainsAny(s, ".eE") {
		if _, err := strconv.ParseFloat(s, 64); err != nil {
			return text
		}
		return double
	}
	if _, err := strconv.ParseInt(s, 10, 64); err != nil {
		return text
	}
	return integer
}

// word tells what a field of CSV, or a string of JSON where numbers is false, is.
func word(s []byte, numbers bool) kind {
	s = bytes.TrimSpace(s)
	switch {
	case isMoment(s):
		return moment
	case !numbers:
		return text
	case bytes.EqualFold(s, []byte("true")), bytes.EqualFold(s, []byte("false")):
		return boolean
	case isNumber(s):
		return number(string(s))
	default:
		return text
	}
}

// isNumber tells a number as JSON writes them: a leading zero makes it a code, which is text.
func isNumber(s []byte) bool {
	s = bytes.TrimPrefix(s, []byte("-"))
	whole := digits(s)
	if whole == 0 || whole > 1 && s[0] == '0' {
		return false
	}
	if s = s[whole:]; len(s) > 0 && s[0] == '.' {
		n := digits(s[1:])
		if n == 0 {
			return false
		}
		s = s[1+n:]
	}
	if len(s) > 0 && s[0]|0x20 == 'e' {
		s = bytes.TrimPrefix(bytes.TrimPrefix(s[1:], []byte("+")), []byte("-"))
		n := digits(s)
		return n > 0 && n == len(s)
	}
	return len(s) == 0
}

func digits(s []byte) int {
	n := 0
	for n < len(s) && s[n]-'0' <= 9 {
		n++
	}
	return n
}
