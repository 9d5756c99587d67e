package format

import (
	"strconv"

	"github.com/leatsql/leat/pkg/sql/vector"
)

func appendInt(dst []byte, v int64) []byte { return strconv.AppendInt(dst, v, 10) }

// appendKey appends a name as it begins a field of a JSON object.
func appendKey(dst []byte, name string) []byte {
	return append(vector.AppendJSONString(dst, []byte(name)), ':')
}
