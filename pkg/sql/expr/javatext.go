package expr

import (
	"github.com/leatsql/leat/pkg/sql/vector"
)

// javaText is CAST(collection AS STRING) of the ksql profile: [1, 3], {a=1}, Struct{A=1}.
var javaText = rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
	return appendJava(dst, f.Args[0], i), nil
})

func appendJava(dst []byte, v *vector.Vector, i int) []byte {
	if isNull(v, i) {
		return append(dst, "null"...)
	}
	switch v.Type.Kind {
	case vector.Array:
		lo, hi := v.Elements(i)
		dst = append(dst, '[')
		for e := lo; e < hi; e++ {
			if e > lo {
				dst = append(dst, ", "...)
			}
			dst = appendJava(dst, v.Kids[0], e)
		}
		return append(dst, ']')
	case vector.Map:
		lo, hi := v.Elements(i)
		dst = append(dst, '{')
		for e := lo; e < hi; e++ {
			if e > lo {
				dst = append(dst, ", "...)
			}
			dst = append(appendJava(dst, v.Kids[0], e), '=')
			dst = appendJava(dst, v.Kids[1], e)
		}
		return append(dst, '}')
	case vector.Struct:
		return appendJavaStruct(dst, v, i)
	default:
		return appendJavaText(dst, v, i)
	}
}

// appendJavaStruct leaves out the fields that are null, as the reference does.
func appendJavaStruct(dst []byte, v *vector.Vector, i int) []byte {
	dst = append(dst, "Struct{"...)
	first := true
	for k, kid := range v.Kids {
		if isNull(kid, i) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(append(dst, v.Type.Fields[k].Name...), '=')
		dst = appendJava(dst, kid, i)
	}
	return append(dst, '}')
}
