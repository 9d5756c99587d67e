package operator

import (
	"errors"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// lookupMany joins rows of a stream (port 0) with all the rows that a table (port 1) has for them at that moment.
type lookupMany struct {
	spec   *LookupMany
	stream *vector.Schema
	table  *joinSide
	keys   *joinKeys
	cond   *joinCond
	out    *joinOut

	block     []lookupRow
	cand      pairs
	walk      []uint32
	ids       []uint32
	filtered  int
	one       [1]uint32
	oneKey    [1]uint32
	leavesOne bool // a row without partner leaves
	pairs     bool // pairs leave, not the row alone
}

// lookupRow is a row of the stream with its candidates.
type lookupRow struct {
	row      uint32
	from, to int
}

func newLookupMany(spec *LookupMany, stream, table *vector.Schema) (*lookupMany, error) {
	leftOnly := spec.Kind == SemiJoin || spec.Kind == AntiJoin
	table, err := sides(stream, table, spec.Schema, leftOnly)
	switch {
	case err != nil:
		return nil, err
	case spec.Kind == RightJoin || spec.Kind == FullJoin:
		return nil, errors.New("a " + spec.Kind.String() + " join of a stream and a table is not supported")
	}
	j := &lookupMany{
		spec: spec, stream: stream, leavesOne: spec.Kind == LeftJoin || spec.Kind == AntiJoin, pairs: !leftOnly,
	}
	if j.keys, err = newJoinKeys(stream, table, spec.StreamKeys, spec.TableKeys); err != nil {
		return nil, err
	}
	if j.table, err = newJoinSide(table, 1, j.keys, spec.TablePK); err != nil {
		return nil, err
	}
	if spec.NullAware {
		if err := j.keys.mindNulls(spec.Kind); err != nil {
			return nil, err
		}
	}
	stores := [2]*joinRows{newJoinRows(stream), j.table.joinRows}
	j.out = newJoinOut(spec.Schema, len(stream.Fields), stores)
	j.cond, err = newJoinCond(spec.On, stream, table, stores)
	return j, err
}

// Process joins stream rows, or changes the table.
func (j *lookupMany) Process(ctx *Context, port int, b *vector.Batch, emit Emit) {
	if port == 1 {
		j.change(ctx, b)
		return
	}
	j.out.begin(ctx, 0, b, emit)
	skipped := 0
	for k := range b.Live() {
		i := uint32(k)
		if b.Sel != nil {
			i = b.Sel[k]
		}
		op := b.Op(int(i))
		null := j.keys.barren(0, b, int(i))
		if op == vector.Delete || op == vector.UpdateBefore || null && !j.leavesOne {
			skipped++
			continue
		}
		j.probe(b, i, null)
		if len(j.cand.own) >= outRows {
			j.finish(ctx, b)
		}
	}
	j.finish(ctx, b)
	if skipped > 0 {
		ctx.Report.Skipped(skipped)
	}
	if j.filtered > 0 {
		ctx.Report.Filtered(j.filtered)
		j.filtered = 0
	}
	j.out.flush()
}

// probe adds a row and its candidates to the block.
func (j *lookupMany) probe(b *vector.Batch, i uint32, null bool) {
	from := len(j.cand.own)
	if !null {
		key, found := j.keys.find(0, b, int(i))
		if !found {
			key = noKey
		}
		j.walk = j.table.matching(b.Cols, int(i), key, j.walk[:0])
		for _, o := range j.walk {
			if !j.table.at(o - 1).negative {
				j.cand.add(inBatch|i, o, b.Time[i])
			}
		}
	}
	j.block = append(j.block, lookupRow{i, from, len(j.cand.own)})
}

// finish emits the results of the block.
func (j *lookupMany) finish(ctx *Context, b *vector.Batch) {
	j.cond.judge(ctx, 0, b, &j.cand)
	for _, r := range j.block {
		if e := j.cand.failure(r.from, r.to); e != nil {
			ctx.Report.Failed(b, r.row, e.Code, e.Msg)
			continue
		}
		hits := 0
		for p := r.from; p < r.to; p++ {
			if !j.cand.pass[p] {
				continue
			}
			hits++
			if j.pairs {
				j.out.add(0, inBatch|r.row, j.cand.other[p], vector.Insert, b.Time[r.row])
			}
		}
		switch {
		case j.pairs && hits > 0:
		case j.leavesOne == (hits == 0):
			j.out.add(0, inBatch|r.row, 0, vector.Insert, b.Time[r.row])
		default:
			j.filtered++
		}
	}
	j.block = j.block[:0]
	j.cand.reset()
}

// change lets rows of the table's changelog take effect.
func (j *lookupMany) change(ctx *Context, b *vector.Batch) {
	skipped := 0
	for k := range b.Live() {
		i := uint32(k)
		if b.Sel != nil {
			i = b.Sel[k]
		}
		s, op := j.table, b.Op(int(i))
		null := j.keys.barren(1, b, int(i))
		put := op == vector.Insert || op == vector.UpdateAfter
		switch {
		case s.pk == nil && null:
			skipped++
		case s.pk == nil:
			j.changeBag(b, i, put)
		case op != vector.UpdateBefore:
			j.replace(b, i, put, null)
		}
	}
	if skipped > 0 {
		ctx.Report.Skipped(skipped)
	}
	if stores := j.out.rows; j.table.tidy() || j.keys.manyUnused(stores) {
		j.keys.tidy(stores, j.keys.used)
	}
}

// keep adds row i to the table's rows.
func (j *lookupMany) keep(b *vector.Batch, i uint32) uint32 {
	j.one[0] = i
	j.ids = j.table.add(b, j.one[:], j.table.seq, j.ids[:0])
	j.table.seq++
	return j.ids[0]
}

func (j *lookupMany) key(b *vector.Batch, i uint32) uint32 {
	j.one[0] = i
	j.keys.lookup(1, b, rows{j.one[:], j.oneKey[:]})
	return j.oneKey[0]
}

// replace makes row i the row of its primary key, or deletes that.
func (j *lookupMany) replace(b *vector.Batch, i uint32, put, null bool) {
	s := j.table
	seq, had := uint64(0), false
	if old := s.current(b, int(i)); old != 0 {
		seq, had = s.at(old-1).seq, true
		s.forget(old - 1)
	}
	if !put {
		return
	}
	id, key := j.keep(b, i), noKey
	if had {
		s.at(id).seq = seq
	}
	if !null {
		key = j.key(b, i)
	}
	s.put(b, int(i), id, key)
}

// changeBag adds a row, or takes an equal one back.
func (j *lookupMany) changeBag(b *vector.Batch, i uint32, put bool) {
	s, key := j.table, j.key(b, i)
	if !put || s.negative > 0 {
		if at := s.equal(b, int(i), key, put); at != 0 {
			s.forget(at - 1)
			return
		}
	}
	if put {
		s.put(b, int(i), j.keep(b, i), key)
		return
	}
	s.addNegative(b, i, key, s.seq)
	s.seq++
}

// Advance passes the watermark.
func (j *lookupMany) Advance(_ *Context, wm int64, _ Emit) int64 { return wm }

// Flush does nothing.
func (j *lookupMany) Flush(*Context, Emit) {}

// Snapshot is the rows of the table.
func (j *lookupMany) Snapshot(dst []byte) []byte { return j.table.snapshot(dst) }

// Restore takes them back.
func (j *lookupMany) Restore(src []byte) error {
	r := reader{src: src}
	fresh, err := newLookupMany(j.spec, j.stream, j.table.schema)
	if err != nil {
		return err
	}
	fresh.use(j.keys.keys.mem)
	*j = *fresh
	j.table.restore(&r)
	return r.done()
}

// StateBytes is the memory of the table.
func (j *lookupMany) StateBytes() int64 { return j.table.stateBytes() + j.keys.stateBytes() }
