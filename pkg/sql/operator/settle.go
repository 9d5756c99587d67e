package operator

import (
	"bytes"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// settle keeps for each key the rows that are not taken back, in the order of their arrival, and those that were taken
// back before they came. What readers see of a key is its last row; it is told at the end of a step.
type settle struct {
	in    *vector.Schema
	by    []int
	types []vector.Type
	keys  *keyTable
	sets  []settleKey // by key number
	dirty []uint32
	size  int64
	out   *vector.Batch
	buf   []byte
}

// settleKey is the rows of one key, as appendRaw writes them.
type settleKey struct {
	rows  []settleRow
	owed  [][]byte
	shown []byte // the row that readers have, nil: none
	time  int64  // of the last change
	dirty bool
}

type settleRow struct {
	row  []byte
	time int64
}

func newSettle(spec *Settle, in *vector.Schema) (*settle, error) {
	if err := checkColumns(in, spec.Keys); err != nil {
		return nil, err
	}
	types := typesOf(in, spec.Keys)
	s := &settle{in: in, by: spec.Keys, keys: newKeyTable(types), out: vector.NewBatch(in, 0)}
	for _, f := range in.Fields {
		s.types = append(s.types, f.Type)
	}
	return s, nil
}

// Process takes the changes.
func (s *settle) Process(_ *Context, _ int, b *vector.Batch, _ Emit) {
	s.out.AppendTime = b.AppendTime
	for k := range b.Live() {
		i := liveRow(b, k)
		id := s.keys.addRow(b, s.by, i)
		if int(id) == len(s.sets) {
			s.sets = append(s.sets, settleKey{})
			s.size += 112
		}
		e := &s.sets[id]
		e.time = b.Time[i]
		if !e.dirty {
			e.dirty, s.dirty = true, append(s.dirty, id)
		}
		s.buf = s.buf[:0]
		for _, v := range b.Cols {
			s.buf = appendRaw(s.buf, v, i)
		}
		switch b.Op(i) {
		case vector.Insert, vector.UpdateAfter:
			s.put(e, b.Time[i])
		default:
			s.take(e)
		}
	}
}

// put adds the row in buf, or pays what is owed.
func (s *settle) put(e *settleKey, t int64) {
	for k, o := range e.owed {
		if bytes.Equal(o, s.buf) {
			s.size -= int64(len(o)) + 24
			e.owed = append(e.owed[:k], e.owed[k+1:]...)
			return
		}
	}
	e.rows = append(e.rows, settleRow{bytes.Clone(s.buf), t})
	s.size += int64(len(s.buf)) + 32
}

// take removes the row in buf; one that is not there is owed.
func (s *settle) take(e *settleKey) {
	at := len(e.rows) - 1
	for at >= 0 && !bytes.Equal(e.rows[at].row, s.buf) {
		at--
	}
	if at < 0 {
		e.owed = append(e.owed, bytes.Clone(s.buf))
		s.size += int64(len(s.buf)) + 24
		return
	}
	s.size -= int64(len(e.rows[at].row)) + 32
	e.rows = append(e.rows[:at], e.rows[at+1:]...)
}

// Advance tells what changed and passes the watermark.
func (s *settle) Advance(ctx *Context, wm int64, emit Emit) int64 {
	s.Flush(ctx, emit)
	s.tidy()
	return wm
}

// Flush tells the last row of each key that changed.
func (s *settle) Flush(_ *Context, emit Emit) {
	for _, id := range s.dirty {
		e := &s.sets[id]
		e.dirty = false
		now := settleRow{time: e.time}
		if n := len(e.rows); n > 0 {
			now = e.rows[n-1]
		}
		switch {
		case e.shown == nil && now.row == nil:
		case now.row == nil:
			s.emit(e.shown, vector.Delete, e.time)
		case e.shown == nil:
			s.emit(now.row, vector.Insert, now.time)
		case !bytes.Equal(e.shown, now.row):
			s.emit(now.row, vector.UpdateAfter, now.time)
		}
		s.size += int64(len(now.row) - len(e.shown))
		e.shown = now.row
		if e.shown == nil && len(e.owed) == 0 && s.keys.kind != keyNone {
			s.keys.remove(id)
			*e = settleKey{}
		}
		if s.out.Rows >= outRows {
			sendChanges(s.out, emit)
		}
	}
	s.dirty = s.dirty[:0]
	sendChanges(s.out, emit)
}

func (s *settle) emit(row []byte, op vector.Op, t int64) {
	decodeRow(s.out, row)
	s.out.Time, s.out.Ops = append(s.out.Time, t), append(s.out.Ops, op)
}

// decodeRow appends to the front columns of b a row that appendRaw wrote.
func decodeRow(b *vector.Batch, row []byte) {
	for _, v := range b.Cols {
		if row = readValue(v, row); row == nil {
			break
		}
	}
	b.Rows++
}

// tidy numbers the keys anew once most of them have no row.
func (s *settle) tidy() {
	old := s.keys
	if old.gone < 1<<10 || 2*old.gone < old.n {
		return
	}
	s.keys = old.like()
	var sets []settleKey
	for _, id := range old.live() {
		s.keys.addFrom(old, id)
		sets = append(sets, s.sets[id])
	}
	old.free()
	s.size -= int64(112 * (len(s.sets) - len(sets)))
	s.sets = sets
}

// StateBytes is the memory of the rows.
func (s *settle) StateBytes() int64 { return s.keys.stateBytes() + s.size + int64(4*cap(s.dirty)) }

// Snapshot is the keys by first arrival with their rows. It is taken between steps.
func (s *settle) Snapshot(dst []byte) []byte {
	ids := s.keys.live()
	dst = putU64(dst, uint64(len(ids)))
	for _, id := range ids {
		e := &s.sets[id]
		dst = putI64(s.keys.putKey(dst, id), e.time)
		dst = putU64(dst, uint64(len(e.rows)))
		for _, r := range e.rows {
			dst = putBytes(putI64(dst, r.time), r.row)
		}
		dst = putU64(dst, uint64(len(e.owed)))
		for _, o := range e.owed {
			dst = putBytes(dst, o)
		}
		dst = putBytes(dst, e.shown)
	}
	return dst
}

// Restore takes them back.
func (s *settle) Restore(src []byte) error {
	r := &reader{src: src}
	s.keys.free()
	s.keys, s.sets, s.dirty, s.size = s.keys.like(), nil, nil, 0
	for range r.count(8) {
		s.keys.readKey(r)
		e := settleKey{time: r.i64()}
		for range r.count(12) {
			e.rows = append(e.rows, settleRow{time: r.i64(), row: s.readRow(r)})
		}
		for range r.count(4) {
			e.owed = append(e.owed, s.readRow(r))
		}
		if shown := r.bytes(); len(shown) > 0 {
			e.shown = bytes.Clone(shown)
			if !validValues(s.types, shown) {
				r.fail("row")
			}
		}
		if r.err != nil {
			break
		}
		s.size += e.bytes()
		s.sets = append(s.sets, e)
	}
	return r.done()
}

func (s *settle) readRow(r *reader) []byte {
	row := bytes.Clone(r.bytes())
	if r.err == nil && !validValues(s.types, row) {
		r.fail("row")
	}
	return row
}

func (e *settleKey) bytes() int64 {
	n := 112 + len(e.shown)
	for _, r := range e.rows {
		n += len(r.row) + 32
	}
	for _, o := range e.owed {
		n += len(o) + 24
	}
	return int64(n)
}
