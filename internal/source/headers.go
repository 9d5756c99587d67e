package source

import (
	"maps"
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// Limits of the headers of a message that rows see; what is beyond is left out.
const (
	maxHeaders     = 64
	maxHeaderName  = 256
	maxHeaderValue = 8192
)

// ValueSchema returns the columns of s that stand in the records: those that headers do not name. headers maps columns
// to the header they are filled from, "" to the list of all.
func ValueSchema(s *vector.Schema, headers map[int]string) *vector.Schema {
	if len(headers) == 0 {
		return s
	}
	out := &vector.Schema{}
	for i, f := range s.Fields {
		if _, ok := headers[i]; !ok {
			out.Fields = append(out.Fields, f)
		}
	}
	return out
}

// AddHeaders makes of rows of ValueSchema rows of s. Segments say which headers each row came with; without segments
// rows have none.
func AddHeaders(b *vector.Batch, s *vector.Schema, headers map[int]string, segments []Segment) {
	if len(headers) == 0 {
		return
	}
	values := b.Cols
	b.Schema, b.Cols = s, make([]*vector.Vector, len(s.Fields))
	for i, f := range s.Fields {
		name, ok := headers[i]
		if !ok {
			b.Cols[i], values = values[0], values[1:]
			continue
		}
		v := vector.NewVector(f.Type, b.Rows)
		for k := range max(1, len(segments)) {
			var seg Segment
			end := b.Rows
			if k < len(segments) {
				seg = segments[k]
			}
			if k+1 < len(segments) {
				end = min(end, segments[k+1].First)
			}
			appendHeaders(v, name, userHeaders(seg.headers), end-v.Len)
		}
		b.Cols[i] = v
	}
}

// pair is a header and its value.
type pair struct{ key, value string }

// userHeaders lists the headers of a message without Leat's and the broker's own, by name; the values of one name stay
// in their order.
func userHeaders(h map[string][]string) []pair {
	var out []pair
	for _, key := range slices.Sorted(maps.Keys(h)) {
		if strings.HasPrefix(key, "Leat-") || strings.HasPrefix(key, "Nats-") || len(key) > maxHeaderName {
			continue
		}
		for _, value := range h[key] {
			if len(value) <= maxHeaderValue && len(out) < maxHeaders {
				out = append(out, pair{key, value})
			}
		}
	}
	return out
}

// appendHeaders appends rows to v: the list of headers, or the last one of a name.
func appendHeaders(v *vector.Vector, name string, list []pair, rows int) {
	if v.Type.Phys() == vector.PhysNested {
		elem := v.Kids[0]
		for range rows {
			for _, p := range list {
				vector.AppendBytes(elem.Kids[0], []byte(p.key))
				vector.AppendBytes(elem.Kids[1], []byte(p.value))
				vector.Close(elem)
			}
			vector.Close(v)
		}
		return
	}
	k := len(list) - 1
	for k >= 0 && list[k].key != name {
		k--
	}
	for range rows {
		if k < 0 {
			vector.AppendNull(v)
			continue
		}
		vector.AppendBytes(v, []byte(list[k].value))
	}
}
