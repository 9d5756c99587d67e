package conform

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// isHeader tells that a column holds the headers of the record, or one of them.
func isHeader(o *plan.Object, i int) bool { return o.Columns[i].OfHeaders() }

// headerColumn makes the value of a header column; nil where column i is none.
func headerColumn(o *plan.Object, i int, r *Record) *vector.Vector {
	c := o.Columns[i]
	switch {
	case c.Headers:
		return headerList(c.Type, r.Headers)
	case c.Header == "":
		return nil
	}
	for _, h := range slices.Backward(r.Headers) {
		if h.Key == c.Header {
			return texts(c.Type, [][]byte{h.Value})
		}
	}
	return nullVector(c.Type)
}

func headerList(t vector.Type, headers []Header) *vector.Vector {
	var keys, values [][]byte
	for _, h := range headers {
		keys, values = append(keys, []byte(h.Key)), append(values, h.Value)
	}
	fields := t.Elem.Fields
	elements := &vector.Vector{
		Type: *t.Elem, Len: len(headers),
		Kids: []*vector.Vector{texts(fields[0].Type, keys), texts(fields[1].Type, values)},
	}
	return &vector.Vector{Type: t, Len: 1, Offs: []uint32{0, uint32(len(headers))}, Kids: []*vector.Vector{elements}}
}

// texts is a vector of strings or bytes; nil is null.
func texts(t vector.Type, list [][]byte) *vector.Vector {
	v := &vector.Vector{
		Type:  t,
		Len:   len(list),
		Offs:  []uint32{0},
		Valid: make([]uint64, vector.Words(max(1, len(list)))),
	}
	for i, s := range list {
		v.Data = append(v.Data, s...)
		v.Offs = append(v.Offs, uint32(len(v.Data)))
		if s != nil {
			v.Valid[i>>6] |= 1 << (uint(i) & 63)
		}
	}
	return v
}
