package messages

import (
	"strconv"

	"github.com/zeebo/xxh3"
)

// SchemaID names a schema: the xxh3-64 of its canonical text, which has one line a column: the length of the name in
// bytes, a space, the name, a space, the type, a newline. It is frozen.
func SchemaID(specs []ColumnSpec) uint64 {
	return xxh3.Hash(appendSchema(nil, specs))
}

func appendSchema(dst []byte, specs []ColumnSpec) []byte {
	for i := range specs {
		dst = strconv.AppendInt(dst, int64(len(specs[i].Name)), 10)
		dst = append(append(dst, ' '), specs[i].Name...)
		dst = append(specs[i].Type.append(append(dst, ' ')), '\n')
	}
	return dst
}
