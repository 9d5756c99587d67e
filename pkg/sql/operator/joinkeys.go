package operator

import (
	"errors"
	"fmt"

	"github.com/leatsql/leat/pkg/sql/arena"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// joinKeys numbers the keys of both sides of a join together and holds, per side and key, the chain of its rows.
type joinKeys struct {
	keys  *keyTable
	cols  [2][]int
	ends  [2][]chainEnds
	codes [2]codeMap
	least int // unused keys that are worth a tidy
	// wild: a null in the last key column may be any value (NOT IN).
	wild bool
}

// chainEnds is the first and the last row of a chain, numbers + 1, 0 is none.
type chainEnds struct{ first, last uint32 }

// newJoinKeys checks the keys of both sides.
func newJoinKeys(left, right *vector.Schema, leftKeys, rightKeys []int) (*joinKeys, error) {
	if len(leftKeys) != len(rightKeys) {
		return nil, errors.New("keys of the sides do not match")
	}
	types := make([]vector.Type, len(leftKeys))
	for i, k := range leftKeys {
		r := rightKeys[i]
		if k < 0 || k >= len(left.Fields) || r < 0 || r >= len(right.Fields) {
			return nil, fmt.Errorf("no key columns %d and %d", k, r)
		}
		types[i] = left.Fields[k].Type
		if t := right.Fields[r].Type; !joinable(types[i], t) {
			return nil, fmt.Errorf("a key of %s does not join with one of %s", types[i], t)
		}
	}
	return &joinKeys{keys: newKeyTable(types), cols: [2][]int{leftKeys, rightKeys}, least: 1 << 10}, nil
}

// lookup writes the key number of each row of a side to gids, adding keys that are new.
func (j *joinKeys) lookup(side int, b *vector.Batch, rs rows) {
	j.codes[side].lookup(j.keys, b, j.cols[side], rs)
	j.fit()
}

// fit makes the chains as many as the keys.
func (j *joinKeys) fit() {
	for s := range j.ends {
		for len(j.ends[s]) < j.keys.n {
			j.ends[s] = arena.Append(j.keys.mem, j.ends[s], chainEnds{})
		}
	}
}

// find returns the number of the key of row i, if a row of either side has it.
func (j *joinKeys) find(side int, b *vector.Batch, i int) (uint32, bool) {
	return j.keys.findRow(b, j.cols[side], i)
}

// null reports whether a key column of row i is null.
func (j *joinKeys) null(side int, b *vector.Batch, i int) bool { return anyNull(b, j.cols[side], i) }

// barren reports whether row i joins nothing because of a null in its key.
func (j *joinKeys) barren(side int, b *vector.Batch, i int) bool {
	cols := j.cols[side]
	if j.wild {
		cols = cols[:len(cols)-1]
	}
	return anyNull(b, cols, i)
}

// open reports whether row i has a null in its key that may be any value.
func (j *joinKeys) open(side int, b *vector.Batch, i int) bool {
	cols := j.cols[side]
	return j.wild && b.Cols[cols[len(cols)-1]].Null(i)
}

// openKey finds the key of the rows that are like row i but have such a null.
func (j *joinKeys) openKey(side int, b *vector.Batch, i int) (uint32, bool) {
	t, cols := j.keys, j.cols[side]
	if t.kind != keyMulti {
		return t.null - 1, t.null != 0
	}
	t.buf = append(appendRow(t.buf[:0], b, cols[:len(cols)-1], i), 0)
	return t.find(t.buf, 0)
}

// mindNulls makes a null in the last key column stand for any value.
func (j *joinKeys) mindNulls(kind JoinKind) error {
	if kind != AntiJoin || len(j.cols[0]) == 0 {
		return errors.New("only an anti join on a key can mind nulls")
	}
	j.wild = true
	return nil
}

// link puts row id into the chain of key, by its place among all rows that came.
func (j *joinKeys) link(side int, rows *joinRows, key, id uint32) {
	after, seq := j.ends[side][key].last, rows.at(id).seq
	for after != 0 && rows.at(after-1).seq > seq {
		after = rows.at(after - 1).prev
	}
	j.linkAfter(side, rows, key, id, after)
}

// linkByTime is link by time; of equal times the row that comes last is the last.
func (j *joinKeys) linkByTime(side int, rows *joinRows, key, id uint32) {
	after, t := j.ends[side][key].last, rows.at(id).time
	for after != 0 && rows.at(after-1).time > t {
		after = rows.at(after - 1).prev
	}
	j.linkAfter(side, rows, key, id, after)
}

// linkAfter puts row id behind row after - 1; 0: in front.
func (j *joinKeys) linkAfter(side int, rows *joinRows, key, id, after uint32) {
	m, e := rows.at(id), &j.ends[side][key]
	m.key = key
	m.prev = after
	if after == 0 {
		m.next = e.first
		e.first = id + 1
	} else {
		a := rows.at(after - 1)
		m.next = a.next
		a.next = id + 1
	}
	if m.next == 0 {
		e.last = id + 1
	} else {
		rows.at(m.next - 1).prev = id + 1
	}
}

// unlink takes row id out of its chain, if it is in one.
func (j *joinKeys) unlink(side int, rows *joinRows, id uint32) {
	m := rows.at(id)
	if m.key == noKey || m.key == goneKey {
		return
	}
	e := &j.ends[side][m.key]
	if m.prev == 0 {
		e.first = m.next
	} else {
		rows.at(m.prev - 1).next = m.next
	}
	if m.next == 0 {
		e.last = m.prev
	} else {
		rows.at(m.next - 1).prev = m.prev
	}
	m.key, m.next, m.prev = noKey, 0, 0
}

// moved renames the rows of a side after compact.
func (j *joinKeys) moved(side int, move func(uint32) uint32) {
	for i := range j.ends[side] {
		e := &j.ends[side][i]
		if e.first != 0 {
			e.first = move(e.first-1) + 1
		}
		if e.last != 0 {
			e.last = move(e.last-1) + 1
		}
	}
}

// tidy drops the keys without rows once they are the larger part; all rows of both sides are in rows.
func (j *joinKeys) tidy(rows [2]*joinRows, used func(key uint32) bool) {
	n := 0
	for id := range uint32(j.keys.n) {
		if used(id) {
			n++
		}
	}
	if j.keys.kind == keyNone || j.keys.n-n < j.least || 2*n > j.keys.n {
		return
	}
	keys := j.keys.like()
	moved := make([]uint32, j.keys.n)
	var ends [2][]chainEnds
	for id := range uint32(j.keys.n) {
		moved[id] = noKey
		if !used(id) {
			continue
		}
		moved[id] = keys.addFrom(j.keys, id)
		for s := range ends {
			ends[s] = arena.Append(keys.mem, ends[s], j.ends[s][id])
		}
	}
	j.keys.free()
	for s := range j.ends {
		arena.Free(keys.mem, j.ends[s])
	}
	j.keys, j.ends = keys, ends
	for _, r := range rows {
		r.each(func(_ uint32, _ *joinChunk, m *rowMeta) {
			if m.key != noKey {
				m.key = moved[m.key]
			}
		})
	}
}

// manyUnused reports whether there are far more keys than rows.
func (j *joinKeys) manyUnused(rows [2]*joinRows) bool {
	return j.keys.n > 4*j.least && j.keys.n > 4*(rows[0].live+rows[1].live)
}

// used reports whether a row of either side has the key.
func (j *joinKeys) used(key uint32) bool {
	return j.ends[0][key].first != 0 || j.ends[1][key].first != 0
}

func (j *joinKeys) stateBytes() int64 {
	return j.keys.stateBytes() + int64(8*cap(j.ends[0])+8*cap(j.ends[1]))
}

// sides checks the columns of a join: left, right and what it emits. A right side that is not known is the rest.
func sides(left, right, out *vector.Schema, leftOnly bool) (*vector.Schema, error) {
	if left == nil || len(left.Fields) == 0 {
		return nil, errors.New("the columns of the left side are not known")
	}
	if right == nil && !leftOnly && len(out.Fields) > len(left.Fields) {
		right = &vector.Schema{Fields: out.Fields[len(left.Fields):]}
	}
	if right == nil {
		return nil, errors.New("the columns of the right side are not known")
	}
	n := len(left.Fields) + len(right.Fields)
	if leftOnly {
		n = len(left.Fields)
	}
	if len(out.Fields) != n {
		return nil, errors.New("the schema is not the columns of the sides")
	}
	return right, nil
}
