package messages

import (
	"bytes"
	"strconv"
)

// phys is the physical form of a column, as vector.Phys names it.
type phys uint8

const (
	physNone phys = iota
	physBool
	physI64
	physF64
	physI128
	physStr
	physList
	physStruct
)

// kinds is every type name of the wire with its physical form and its tag in a canonical key.
var kinds = []struct {
	name string
	phys phys
	tag  byte
}{
	{"BOOLEAN", physBool, tagBool},
	{"INT", physI64, tagInt},
	{"BIGINT", physI64, tagInt},
	{"DOUBLE", physF64, tagDouble},
	{"DECIMAL", physI64, tagDecimal},
	{"STRING", physStr, tagString},
	{"BYTES", physStr, tagBytes},
	{"DATE", physI64, tagDate},
	{"TIME", physI64, tagTime},
	{"TIMESTAMP", physI64, tagTimestamp},
	{"INTERVAL", physI64, tagInterval},
}

// physOf returns the physical form of a type; physNone for a name the wire does not know.
func physOf(t *ColumnType) phys {
	for i := range kinds {
		if kinds[i].name == t.Kind {
			if t.Kind == "DECIMAL" && t.Precision > 18 {
				return physI128
			}
			return kinds[i].phys
		}
	}
	switch t.Kind {
	case kindArray, kindMap:
		return physList
	case kindStruct:
		return physStruct
	}
	return physNone
}

// String returns the type as the wire writes it: the kind, for DECIMAL with precision and scale: DECIMAL(18,4); nested
// types as ARRAY<INT>, MAP<STRING,INT> and STRUCT<1:a INT,3:b c INT>, where a number says how long a name is.
func (t ColumnType) String() string { return string(t.append(nil)) }

func (t *ColumnType) append(dst []byte) []byte {
	dst = append(dst, t.Kind...)
	if t.Kind == "DECIMAL" {
		dst = append(dst, '(')
		dst = strconv.AppendUint(dst, uint64(t.Precision), 10)
		dst = append(dst, ',')
		dst = strconv.AppendUint(dst, uint64(t.Scale), 10)
		dst = append(dst, ')')
	}
	if physOf(t) >= physList {
		return t.appendNested(dst)
	}
	return dst
}

// ParseColumnType reads what String writes. It does not allocate for flat types.
func ParseColumnType(s []byte) (ColumnType, error) {
	if bytes.IndexByte(s, '<') >= 0 {
		return parseNested(s)
	}
	name, args, decimal := s, []byte(nil), false
	for i, c := range s {
		if c == '(' {
			name, args, decimal = s[:i], s[i:], true
			break
		}
	}
	for i := range kinds {
		if kinds[i].name != string(name) {
			continue
		}
		t := ColumnType{Kind: kinds[i].name}
		if decimal != (t.Kind == "DECIMAL") {
			break
		}
		if decimal && !parseDecimal(&t, args) {
			break
		}
		return t, nil
	}
	return ColumnType{}, malformed("unknown column type %.40q", s)
}

// parseDecimal reads "(p,s)".
func parseDecimal(t *ColumnType, args []byte) bool {
	p, rest, ok := digits(args[1:])
	if !ok || len(rest) == 0 || rest[0] != ',' {
		return false
	}
	s, rest, ok := digits(rest[1:])
	if !ok || string(rest) != ")" || p < 1 || p > 38 || s > p {
		return false
	}
	t.Precision, t.Scale = p, s
	return true
}

func digits(b []byte) (v uint8, rest []byte, ok bool) {
	i := 0
	for i < len(b) && i < 2 && b[i]-'0' <= 9 {
		v = v*10 + b[i] - '0'
		i++
	}
	return v, b[i:], i > 0
}
