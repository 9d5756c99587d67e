package conform

import (
	"encoding/base64"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// tree makes a value tree of row i of v: nil, bool, int64, float64, decimal, string, []any, map[string]any. BYTES are
// base64, dates and times are numbers.
func tree(v *vector.Vector, i int) any {
	if v.Type.Phys() == vector.PhysNone || v.Null(i) {
		return nil
	}
	switch v.Type.Kind {
	case vector.Boolean:
		return v.Bool[i]
	case vector.Double:
		return v.F64[i]
	case vector.Decimal:
		return decimal(vector.AppendDecimal(nil, v.Dec(i), int(v.Type.Scale)))
	case vector.String:
		return string(v.Bytes(i))
	case vector.Bytes:
		return base64.StdEncoding.EncodeToString(v.Bytes(i))
	case vector.Array:
		out := []any{}
		for k := v.Offs[i]; k < v.Offs[i+1]; k++ {
			out = append(out, tree(v.Kids[0], int(k)))
		}
		return out
	case vector.Map:
		out := map[string]any{}
		for k := v.Offs[i]; k < v.Offs[i+1]; k++ {
			out[string(vector.AppendText(nil, v.Kids[0], int(k)))] = tree(v.Kids[1], int(k))
		}
		return out
	case vector.Struct:
		out := map[string]any{}
		for k, f := range v.Type.Fields {
			out[f.Name] = tree(v.Kids[k], i)
		}
		return out
	default:
		return v.I64[i]
	}
}
