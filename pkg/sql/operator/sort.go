package operator

import (
	"bytes"
	"cmp"
	"container/heap"
	"fmt"
	"slices"

	"github.com/leatsql/leat/pkg/sql/arena"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// sorter keeps rows until the end of the input, or of their window, and emits them in order. Rows are kept as encoded
// bytes in one arena. With a limit no more than Offset+Limit rows of a window are kept, in a heap.
type sorter struct {
	spec   *Sort
	schema *vector.Schema
	seq    uint64
	groups []*sortGroup // by window end; one without windows
	wm     int64
	row    []byte // the row at hand
	mem    *arena.Space
}

// sortGroup is the rows that are sorted together.
type sortGroup struct {
	end   int64
	rows  []sortRow
	arena []byte
	waste int
	s     *sorter
}

// sortRow is a row at arena[at : at+size].
type sortRow struct {
	at   uint64
	size uint32
	key  uint32 // length of the sort key, which comes first and orders as bytes
	seq  uint64
	time int64
}

func newSorter(spec *Sort, in *vector.Schema) (*sorter, error) {
	for _, k := range spec.Keys {
		if k.Col < 0 || k.Col >= len(in.Fields) {
			return nil, fmt.Errorf("ORDER BY: no column %d to sort by", k.Col)
		}
		if t := in.Fields[k.Col].Type; t.Phys() == vector.PhysNested {
			return nil, fmt.Errorf("ORDER BY %s: %s has no order", in.Fields[k.Col].Name, t)
		}
	}
	if spec.ByWindow && (spec.WindowEnd < 0 || spec.WindowEnd >= len(in.Fields) ||
		in.Fields[spec.WindowEnd].Type.Phys() != vector.PhysI64) {
		return nil, fmt.Errorf("ORDER BY: no window end in column %d", spec.WindowEnd)
	}
	return &sorter{spec: spec, schema: in, wm: vector.NoTime}, nil
}

// Process keeps the rows.
func (s *sorter) Process(ctx *Context, _ int, b *vector.Batch, _ Emit) {
	for k := range b.Live() {
		i := k
		if b.Sel != nil {
			i = int(b.Sel[k])
		}
		if b.Ops != nil && b.Ops[i] != vector.Insert {
			ctx.Report.Failed(b, uint32(i), CodeNotSupported, "ORDER BY cannot follow changes of rows")
			continue
		}
		end := vector.MaxTime
		if s.spec.ByWindow {
			end = b.Cols[s.spec.WindowEnd].I64[i]
			if end <= s.wm {
				ctx.Report.Late(b, []uint32{uint32(i)})
				continue
			}
		}
		s.group(end).add(b, i)
	}
}

// group returns the group of a window end.
func (s *sorter) group(end int64) *sortGroup {
	i, found := slices.BinarySearchFunc(s.groups, end, func(g *sortGroup, e int64) int { return cmp.Compare(g.end, e) })
	if !found {
		s.groups = slices.Insert(s.groups, i, &sortGroup{end: end, s: s})
	}
	return s.groups[i]
}

// keep is how many rows of a group can matter, -1: all.
func (s *sorter) keep() int64 {
	if s.spec.Limit < 0 {
		return -1
	}
	return addSat(s.spec.Limit, max(0, s.spec.Offset))
}

// add keeps row i of b.
func (g *sortGroup) add(b *vector.Batch, i int) {
	at := len(g.arena)
	row := sortKey(g.s.row[:0], b, g.s.spec.Keys, i)
	key := len(row)
	for _, v := range b.Cols {
		row = appendRaw(row, v, i)
	}
	g.s.row, g.arena = row, arena.AppendAll(g.s.mem, g.arena, row)
	g.put(sortRow{uint64(at), uint32(len(g.arena) - at), uint32(key), g.s.seq, b.Time[i]})
	g.s.seq++
}

// put keeps a row that lies at the end of the arena.
func (g *sortGroup) put(r sortRow) {
	keep := g.s.keep()
	switch {
	case keep < 0 || int64(len(g.rows)) < keep:
		g.rows = arena.Append(g.s.mem, g.rows, r)
		if int64(len(g.rows)) == keep {
			heap.Init(g)
		}
	case keep == 0 || g.compare(r, g.rows[0]) > 0:
		g.arena = g.arena[:r.at]
	default:
		g.waste += int(g.rows[0].size)
		g.rows[0] = r
		heap.Fix(g, 0)
		g.tidy()
	}
}

func (g *sortGroup) tidy() {
	if g.waste < 1<<16 || 2*g.waste < len(g.arena) {
		return
	}
	kept := arena.Make[byte](g.s.mem, len(g.arena)-g.waste)[:0]
	for k := range g.rows {
		r := &g.rows[k]
		v := g.bytes(*r)
		r.at = uint64(len(kept))
		kept = append(kept, v...)
	}
	arena.Free(g.s.mem, g.arena)
	g.arena, g.waste = kept, 0
}

func (g *sortGroup) bytes(r sortRow) []byte { return g.arena[r.at : r.at+uint64(r.size)] }

func (g *sortGroup) compare(a, b sortRow) int {
	return cmp.Or(bytes.Compare(g.bytes(a)[:a.key], g.bytes(b)[:b.key]), cmp.Compare(a.seq, b.seq))
}

// Len, Less, Swap, Push and Pop make the rows a heap with the last in order on top.
func (g *sortGroup) Len() int           { return len(g.rows) }
func (g *sortGroup) Less(i, j int) bool { return g.compare(g.rows[i], g.rows[j]) > 0 }
func (g *sortGroup) Swap(i, j int)      { g.rows[i], g.rows[j] = g.rows[j], g.rows[i] }

// Push is not used: the heap is full when it is made.
func (g *sortGroup) Push(any) {}

// Pop is not used either.
func (g *sortGroup) Pop() any { return nil }

// Advance emits the groups whose window has ended.
func (s *sorter) Advance(_ *Context, wm int64, emit Emit) int64 {
	n := 0
	for n < len(s.groups) && s.groups[n].end <= wm {
		s.groups[n].emit(emit)
		s.groups[n].free()
		n++
	}
	s.groups = slices.Delete(s.groups, 0, n)
	s.wm = max(s.wm, wm)
	if wm != vector.MaxTime && !s.spec.ByWindow {
		return vector.NoTime
	}
	return wm
}

// emit sends the rows in order, without those before the offset and behind the limit.
func (g *sortGroup) emit(emit Emit) {
	slices.SortFunc(g.rows, g.compare)
	rows := g.rows
	rows = rows[min(int64(len(rows)), max(0, g.s.spec.Offset)):]
	if n := g.s.spec.Limit; n >= 0 && n < int64(len(rows)) {
		rows = rows[:n]
	}
	for len(rows) > 0 {
		n := min(len(rows), outRows)
		b := vector.NewBatch(g.s.schema, n)
		for _, r := range rows[:n] {
			src := g.bytes(r)[r.key:]
			for _, v := range b.Cols {
				src = readValue(v, src)
			}
			b.Time = append(b.Time, r.time)
		}
		b.Rows = n
		emit(b)
		rows = rows[n:]
	}
}

// free gives the memory of the rows back.
func (g *sortGroup) free() {
	g.rows, g.arena = arena.Free(g.s.mem, g.rows), arena.Free(g.s.mem, g.arena)
}

// Flush does nothing.
func (s *sorter) Flush(*Context, Emit) {}

// StateBytes is the memory of the kept rows.
func (s *sorter) StateBytes() int64 {
	n := int64(0)
	for _, g := range s.groups {
		n += int64(cap(g.arena) + 32*cap(g.rows) + 64)
	}
	return n
}

// Snapshot is the kept rows, by arrival.
func (s *sorter) Snapshot(dst []byte) []byte {
	dst = putU64(putU64(putI64(dst, s.wm), s.seq), uint64(len(s.groups)))
	for _, g := range s.groups {
		rows := slices.Clone(g.rows)
		slices.SortFunc(rows, func(a, b sortRow) int { return cmp.Compare(a.seq, b.seq) })
		dst = putU64(putI64(dst, g.end), uint64(len(rows)))
		for _, r := range rows {
			dst = putBytes(putI64(putU64(dst, r.seq), r.time), g.bytes(r)[r.key:])
		}
	}
	return dst
}

// Restore takes the rows back; their sort keys are made again.
func (s *sorter) Restore(src []byte) error {
	r := reader{src: src}
	s.wm, s.seq, s.groups = r.i64(), r.u64(), nil
	types := make([]vector.Type, len(s.schema.Fields))
	for i, f := range s.schema.Fields {
		types[i] = f.Type
	}
	b := vector.NewBatch(s.schema, 1)
	for range r.count(16) {
		end := r.i64()
		if len(s.groups) > 0 && s.groups[len(s.groups)-1].end >= end {
			r.fail("window order")
		}
		g := s.group(end)
		for range r.count(20) {
			seq, time, row := r.u64(), r.i64(), r.bytes()
			if r.err == nil && !validValues(types, row) {
				r.fail("row")
			}
			if r.err != nil {
				return r.err
			}
			g.restore(b, seq, time, row)
		}
	}
	return r.done()
}

// restore keeps an encoded row.
func (g *sortGroup) restore(b *vector.Batch, seq uint64, time int64, row []byte) {
	for _, v := range b.Cols {
		vector.Reset(v)
	}
	rest := row
	for _, v := range b.Cols {
		rest = readValue(v, rest)
	}
	at := len(g.arena)
	key := sortKey(g.s.row[:0], b, g.s.spec.Keys, 0)
	g.s.row, g.arena = key, arena.AppendAll(g.s.mem, arena.AppendAll(g.s.mem, g.arena, key), row)
	g.put(sortRow{uint64(at), uint32(len(g.arena) - at), uint32(len(key)), seq, time})
}
