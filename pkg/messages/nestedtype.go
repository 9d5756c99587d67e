package messages

import (
	"bytes"
	"strconv"
)

// Nested types of the wire.
const (
	kindArray  = "ARRAY"
	kindMap    = "MAP"
	kindStruct = "STRUCT"
)

// MaxDepth is how deep the type of a column may nest: ARRAY<INT> is 1 deep.
const MaxDepth = 8

// kids is the number of columns below one of type t.
func (t *ColumnType) kids() int {
	switch t.Kind {
	case kindArray:
		return 1
	case kindMap:
		return 2
	case kindStruct:
		return len(t.Fields)
	default:
		return 0
	}
}

// kid is the type of the k-th column below one of type t.
func (t *ColumnType) kid(k int) *ColumnType {
	switch {
	case t.Kind == kindStruct:
		return &t.Fields[k].Type
	case t.Kind == kindMap && k == 0:
		return t.Key
	default:
		return t.Elem
	}
}

// appendNested appends what follows the name of a nested type.
func (t *ColumnType) appendNested(dst []byte) []byte {
	dst = append(dst, '<')
	for k := range t.kids() {
		if k > 0 {
			dst = append(dst, ',')
		}
		if t.Kind == kindStruct {
			name := t.Fields[k].Name
			dst = append(strconv.AppendInt(dst, int64(len(name)), 10), ':')
			dst = append(append(dst, name...), ' ')
		}
		dst = t.kid(k).append(dst)
	}
	return append(dst, '>')
}

// typeText reads a type from left to right.
type typeText struct {
	s []byte
}

func parseNested(s []byte) (ColumnType, error) {
	p := typeText{s}
	t, ok := p.read(MaxDepth)
	if !ok || len(p.s) > 0 {
		return ColumnType{}, malformed("unknown column type %.40q", s)
	}
	return t, nil
}

// take removes c from the front if it is there.
func (p *typeText) take(c byte) bool {
	if len(p.s) == 0 || p.s[0] != c {
		return false
	}
	p.s = p.s[1:]
	return true
}

// read reads a type that nests at most depth deep.
func (p *typeText) read(depth int) (ColumnType, bool) {
	end := bytes.IndexAny(p.s, "<>,(")
	if end < 0 {
		end = len(p.s)
	}
	if end < len(p.s) && p.s[end] == '<' {
		name := string(p.s[:end])
		p.s = p.s[end+1:]
		return p.nested(name, depth)
	}
	if end < len(p.s) && p.s[end] == '(' {
		n := bytes.IndexByte(p.s, ')')
		end = n + 1
	}
	t, err := ParseColumnType(p.s[:end])
	p.s = p.s[end:]
	return t, err == nil
}

// nested reads what follows the < of a nested type.
func (p *typeText) nested(name string, depth int) (ColumnType, bool) {
	t, ok := ColumnType{Kind: name}, depth > 0
	if !ok {
		return t, false
	}
	var key, elem ColumnType
	switch name {
	case kindArray:
		elem, ok = p.read(depth - 1)
		t.Elem = &elem
	case kindMap:
		key, ok = p.read(depth - 1)
		if ok = ok && p.take(','); ok {
			elem, ok = p.read(depth - 1)
		}
		t.Key, t.Elem = &key, &elem
	case kindStruct:
		t.Fields, ok = p.fields(depth - 1)
	default:
		ok = false
	}
	return t, ok && p.take('>')
}

// fields reads the fields of a STRUCT up to its >.
func (p *typeText) fields(depth int) ([]ColumnSpec, bool) {
	fields := []ColumnSpec{}
	for len(p.s) > 0 && p.s[0] != '>' {
		if len(fields) == MaxColumns || len(fields) > 0 && !p.take(',') {
			return nil, false
		}
		head, rest, ok := bytes.Cut(p.s, []byte{':'})
		n, err := strconv.ParseUint(string(head[:min(len(head), 8)]), 10, 31)
		if !ok || err != nil || len(head) > 8 || int(n) >= len(rest) || rest[n] != ' ' {
			return nil, false
		}
		f := ColumnSpec{Name: string(rest[:n])}
		p.s = rest[n+1:]
		if f.Type, ok = p.read(depth); !ok {
			return nil, false
		}
		fields = append(fields, f)
	}
	return fields, true
}
