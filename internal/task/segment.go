package task

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// mark is the watermark and idle mark of an output.
type mark struct {
	wm   int64
	idle bool
}

// stamp is what holds after a complete step. It never changes once made; lanes share it.
type stamp struct {
	step      uint64
	positions []uint64
	source    string
	marks     []mark // per output
	counts    Counts
	timeMs    int64
}

// origin is what a message takes from the input that began it: it follows a record through the stages.
type origin struct {
	correlation, trace string
}

// segment is a message in the making: rows of some steps of one lane. Lanes cut rows into segments as they come, so
// that what is sent is always a whole segment.
type segment struct {
	rows   *vector.Batch // nil: no rows
	dead   []byte        // a dead letter, instead of rows
	size   int           // estimated bytes
	first  uint64        // step of its first row, 0: no rows
	end    Cursor
	stamp  *stamp // of step end.Step
	forced bool   // is sent though it says nothing new
	origin origin
	ns     int64 // processing time of its steps
}

func (s *segment) silent() bool { return s.first == 0 }

// rowSize is what a row of b takes at most, without its strings and elements.
func rowSize(b *vector.Batch) int {
	n := 8 // event time
	for _, v := range b.Cols {
		n += v.Type.FixedBytes()
	}
	return n
}

// batchSize estimates from above what the live rows of b take on the wire.
func batchSize(b *vector.Batch) int {
	n := rowSize(b) * b.Live()
	for _, v := range b.Cols {
		phys := v.Type.Phys()
		if phys != vector.PhysStr && phys != vector.PhysNested {
			continue
		}
		if phys == vector.PhysStr && b.Sel == nil && v.Codes == nil && len(v.Offs) > b.Rows {
			n += int(v.Offs[b.Rows] - v.Offs[0])
			continue
		}
		for k := range b.Live() {
			n += v.MoreBytes(rowAt(b, k))
		}
	}
	return n
}

func rowAt(b *vector.Batch, k int) int {
	if b.Sel != nil {
		return int(b.Sel[k])
	}
	return k
}

// fitting returns how many live rows of b from number k on fit into room bytes, at least one.
func fitting(b *vector.Batch, k, room int) int {
	fixed := rowSize(b)
	n := 0
	for ; k < b.Live(); k++ {
		size := fixed
		for _, v := range b.Cols {
			size += v.MoreBytes(rowAt(b, k))
		}
		if room -= size; room < 0 && n > 0 {
			break
		}
		n++
	}
	return n
}

// liveRows returns the live rows [from, to) of b, sharing its values.
func liveRows(b *vector.Batch, from, to int) *vector.Batch {
	if from == 0 && to == b.Live() {
		return b
	}
	if b.Sel == nil {
		return vector.Slice(b, from, to)
	}
	part := *b
	part.Sel = b.Sel[from:to]
	return &part
}

// add copies the rows of b, which are of step and take size bytes at most.
func (s *segment) add(b *vector.Batch, step uint64, size int) {
	vector.AppendBatch(s.rows, b)
	if s.first == 0 {
		s.first = step
	}
	s.size += size
}

// sameColumns tells whether rows of b can join those of the segment.
func (s *segment) sameColumns(b *vector.Batch) bool {
	if s.rows == nil || s.rows.Schema == b.Schema {
		return true
	}
	return slices.EqualFunc(s.rows.Schema.Fields, b.Schema.Fields, func(x, y vector.Field) bool {
		return x.Name == y.Name && x.Type.Equal(y.Type)
	})
}
