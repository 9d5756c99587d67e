package format

import (
	"strconv"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// intText returns v in decimal.
func intText(v int64) []byte { return strconv.AppendInt(nil, v, 10) }

// appendKey appends a name as it begins a field of a JSON object.
func appendKey(dst []byte, name string) []byte {
	return append(vector.AppendJSONString(dst, []byte(name)), ':')
}
