package operator

import (
	"errors"
	"slices"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// tableJoin joins two tables on their keys: each side has one row for a key at most.
type tableJoin struct {
	spec           *TableJoin
	rows           [2]*joinRows
	keys           *joinKeys
	out            *joinOut
	seq            uint64
	idx, ids, gids []uint32
	all, keyed     []uint32
}

func newTableJoin(spec *TableJoin, left, right *vector.Schema) (*tableJoin, error) {
	right, err := sides(left, right, spec.Schema, false)
	if err != nil {
		return nil, err
	}
	if spec.Kind > FullJoin {
		return nil, errors.New("a " + spec.Kind.String() + " join of tables on their keys is not supported")
	}
	j := &tableJoin{spec: spec}
	if j.keys, err = newJoinKeys(left, right, spec.LeftKeys, spec.RightKeys); err != nil {
		return nil, err
	}
	j.rows = [2]*joinRows{newJoinRows(left), newJoinRows(right)}
	j.out = newJoinOut(spec.Schema, len(left.Fields), j.rows)
	return j, nil
}

// Process lets changes take effect and emits the row of each key again.
func (j *tableJoin) Process(ctx *Context, port int, b *vector.Batch, emit Emit) {
	j.out.begin(ctx, port, b, emit)
	key := j.keys.cols[port]
	keep := j.spec.KeepNulls[port] && j.exists(port, 1, 0)
	if keep {
		key = nil
	}
	j.all, j.idx = changesOf(ctx, b, key, j.all, j.idx)
	j.keyed = j.all
	if keep {
		j.keyed = slices.DeleteFunc(slices.Clone(j.all), func(i uint32) bool { return j.lone(port, b, i) })
		j.idx = slices.DeleteFunc(j.idx, func(i uint32) bool { return j.lone(port, b, i) })
	}
	j.ids = j.rows[port].add(b, j.idx, j.seq, j.ids[:0])
	j.seq += uint64(len(j.idx))
	j.gids = grow(j.gids, len(j.keyed))
	j.keys.lookup(port, b, rows{j.keyed, j.gids})
	j.changes(port, b)
	j.out.flush()
	j.tidy()
}

// changes lets the rows of a batch take effect in their order.
func (j *tableJoin) changes(port int, b *vector.Batch) {
	put, key := 0, 0
	for _, i := range j.all {
		if key == len(j.keyed) || j.keyed[key] != i {
			j.out.add(port, inBatch|i, 0, b.Op(int(i)), b.Time[i])
			continue
		}
		id := uint32(0)
		if b.Op(int(i)) != vector.Delete {
			id = j.ids[put] + 1
			put++
		}
		j.change(port, i, b.Time[i], j.gids[key], id)
		key++
	}
}

// lone tells that row i of a side has a null in its key and leaves alone, since no row of the other side is equal to
// it.
func (j *tableJoin) lone(port int, b *vector.Batch, i uint32) bool {
	return j.spec.KeepNulls[port] && anyNull(b, j.keys.cols[port], int(i))
}

// changesOf lists the rows of an upsert changelog that change something, and those of them that are not deletions.
// Rows with a null key are skipped.
func changesOf(ctx *Context, b *vector.Batch, key []int, all, put []uint32) (changes, puts []uint32) {
	all, put = all[:0], put[:0]
	skipped := 0
	for k := range b.Live() {
		i := uint32(k)
		if b.Sel != nil {
			i = b.Sel[k]
		}
		op := b.Op(int(i))
		switch {
		case anyNull(b, key, int(i)):
			skipped++
		case op == vector.UpdateBefore:
		case op == vector.Delete:
			all = append(all, i)
		default:
			all, put = append(all, i), append(put, i)
		}
	}
	if skipped > 0 {
		ctx.Report.Skipped(skipped)
	}
	return all, put
}

// change makes row id - 1 the row of a key on a side; 0 deletes it.
func (j *tableJoin) change(port int, i uint32, t int64, key, id uint32) {
	end, other := &j.keys.ends[port][key], j.keys.ends[1-port][key].last
	old := end.last
	before, after := j.exists(port, old, other), j.exists(port, id, other)
	if other != 0 {
		t = max(t, j.rows[1-port].at(other-1).time)
	}
	own := uint32(0)
	if id != 0 {
		own = inBatch | i
		j.rows[port].at(id - 1).key = key
	}
	switch {
	case after && before:
		j.out.add(port, own, other, vector.UpdateAfter, t)
	case after:
		j.out.add(port, own, other, vector.Insert, t)
	case before:
		j.out.add(port, old, other, vector.Delete, t)
	}
	if old != 0 {
		j.rows[port].take(old - 1)
	}
	*end = chainEnds{id, id}
}

// exists reports whether rows of a side and of the other one make a result.
func (j *tableJoin) exists(port int, own, other uint32) bool {
	left, right := own != 0, other != 0
	if port == 1 {
		left, right = right, left
	}
	switch j.spec.Kind {
	case InnerJoin:
		return left && right
	case LeftJoin:
		return left
	case RightJoin:
		return right
	default:
		return left || right
	}
}

func (j *tableJoin) tidy() {
	some := false
	for side, r := range j.rows {
		if r.worthCompacting() {
			j.keys.moved(side, r.compact())
			some = true
		}
	}
	if some || j.keys.manyUnused(j.rows) {
		j.keys.tidy(j.rows, j.keys.used)
	}
}

// Advance passes the watermark.
func (j *tableJoin) Advance(_ *Context, wm int64, _ Emit) int64 { return wm }

// Flush does nothing.
func (j *tableJoin) Flush(*Context, Emit) {}

// Snapshot is the rows of both sides.
func (j *tableJoin) Snapshot(dst []byte) []byte {
	for _, r := range j.rows {
		dst = putU64(dst, uint64(r.live))
		r.each(func(id uint32, c *joinChunk, _ *rowMeta) { dst = c.putRow(dst, id&(rowsChunk-1)) })
	}
	return dst
}

// Restore takes them back.
func (j *tableJoin) Restore(src []byte) error {
	r := reader{src: src}
	fresh, err := newTableJoin(j.spec, j.rows[0].schema, j.rows[1].schema)
	if err != nil {
		return err
	}
	fresh.use(j.keys.keys.mem)
	*j = *fresh
	for side, kept := range j.rows {
		j.seq += restoreUnique(&r, j.keys, side, kept)
	}
	return r.done()
}

// StateBytes is the memory of the rows and keys.
func (j *tableJoin) StateBytes() int64 {
	return j.rows[0].stateBytes() + j.rows[1].stateBytes() + j.keys.stateBytes()
}
