package expr

import (
	"bytes"
	"math"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// appendJavaText writes row i of a vector that is not nested as the ksql profile does: a TIME without seconds that are
// zero, a TIMESTAMP without a zone, a DOUBLE like Java.
func appendJavaText(dst []byte, v *vector.Vector, i int) []byte {
	at := len(dst)
	switch v.Type.Kind {
	case vector.Double:
		return appendJavaDouble(dst, v.F64[i])
	case vector.Time:
		dst = vector.AppendText(dst, v, i)
		if text := dst[at:]; len(text) == len("00:00:00") && bytes.HasSuffix(text, []byte(":00")) {
			dst = dst[:len(dst)-len(":00")]
		}
		return dst
	case vector.Timestamp:
		dst = vector.AppendText(dst, v, i)
		return dst[:at+len(bytes.TrimSuffix(dst[at:], []byte("Z")))]
	default:
		return vector.AppendText(dst, v, i)
	}
}

var castJavaText = rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
	return appendJavaText(dst, f.Args[0], i), nil
})

// appendJavaJSON is vector.AppendJSON with the texts of the ksql profile.
func appendJavaJSON(dst []byte, v *vector.Vector, i int) []byte {
	if isNull(v, i) {
		return append(dst, "null"...)
	}
	switch v.Type.Kind {
	case vector.Array:
		lo, hi := v.Elements(i)
		dst = append(dst, '[')
		for e := lo; e < hi; e++ {
			if e > lo {
				dst = append(dst, ',')
			}
			dst = appendJavaJSON(dst, v.Kids[0], e)
		}
		return append(dst, ']')
	case vector.Map:
		lo, hi := v.Elements(i)
		dst = append(dst, '{')
		for e := lo; e < hi; e++ {
			if e > lo {
				dst = append(dst, ',')
			}
			dst = vector.AppendJSONString(dst, appendJavaText(nil, v.Kids[0], e))
			dst = appendJavaJSON(append(dst, ':'), v.Kids[1], e)
		}
		return append(dst, '}')
	case vector.Struct:
		dst = append(dst, '{')
		for k, kid := range v.Kids {
			if k > 0 {
				dst = append(dst, ',')
			}
			dst = vector.AppendJSONString(dst, []byte(v.Type.Fields[k].Name))
			dst = appendJavaJSON(append(dst, ':'), kid, i)
		}
		return append(dst, '}')
	case vector.Time, vector.Timestamp:
		return append(appendJavaText(append(dst, '"'), v, i), '"')
	case vector.Double:
		if f := v.F64[i]; !math.IsNaN(f) && !math.IsInf(f, 0) {
			return appendJavaDouble(dst, f)
		}
	default:
	}
	return vector.AppendJSON(dst, v, i)
}

var toJavaJSON = rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
	return appendJavaJSON(dst, f.Args[0], i), nil
})

func ksqlJSON(f *Func) { f.Resolve = anyOne(vector.TString, toJavaJSON) }
