package operator

import (
	"errors"
	"fmt"
	"math"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// lookupJoin joins rows of a stream (port 0) with the row that a table (port 1) has for their key at that moment.
// Rows of the stream keep their numbers and their time. No match or a null key: INNER drops the row (Filtered, for a
// null key Skipped), LEFT joins nulls. Table rows with a null key are Skipped.
type lookupJoin struct {
	spec    *LookupJoin
	stream  *vector.Schema
	rows    *rowTable
	dicts   []dictionary // per table column
	joined  int          // stream rows since the table changed
	ids     []uint32     // per stream row: row of the table + 1, 0 = none
	codes   codeMap
	sel     []uint32
	cols    []*vector.Vector
	scratch []*vector.Vector
}

// dictionary is the strings of a table column by row number, made when the table has been quiet; it is shared with the
// batches that were emitted, and never changed.
type dictionary struct {
	offs []uint32
	data []byte
}

func newLookupJoin(spec *LookupJoin, stream, table *vector.Schema) (*lookupJoin, error) {
	if len(stream.Fields) == 0 || len(stream.Fields) >= len(spec.Schema.Fields) {
		return nil, errors.New("the columns of the stream are not known")
	}
	if table == nil {
		table = &vector.Schema{Fields: spec.Schema.Fields[len(stream.Fields):]}
	}
	if len(stream.Fields)+len(table.Fields) != len(spec.Schema.Fields) || len(spec.StreamKeys) != len(spec.TableKeys) ||
		len(spec.TableKeys) == 0 {
		return nil, errors.New("columns or keys of the sides do not match")
	}
	for i, k := range spec.StreamKeys {
		t := spec.TableKeys[i]
		if k < 0 || k >= len(stream.Fields) || t < 0 || t >= len(table.Fields) {
			return nil, fmt.Errorf("no key columns %d and %d", k, t)
		}
		if a, b := stream.Fields[k].Type, table.Fields[t].Type; !joinable(a, b) {
			return nil, fmt.Errorf("a key of %s does not join with one of %s", a, b)
		}
	}
	j := &lookupJoin{spec: spec, stream: stream, rows: newRowTable(table, spec.TableKeys)}
	j.dicts = make([]dictionary, len(table.Fields))
	j.cols = make([]*vector.Vector, len(spec.Schema.Fields))
	for _, f := range table.Fields {
		j.scratch = append(j.scratch, &vector.Vector{Type: f.Type})
	}
	return j, nil
}

// joinable reports whether equal values of two types have equal bytes.
func joinable(a, b vector.Type) bool {
	whole := func(t vector.Type) bool { return t.Kind == vector.Int || t.Kind == vector.BigInt }
	if a.Kind == vector.Decimal && b.Kind == vector.Decimal {
		return a.Scale == b.Scale && a.Phys() == b.Phys()
	}
	if a.Phys() == vector.PhysNested && a.Kind == b.Kind && a.Kids() == b.Kids() {
		for k := range a.Kids() {
			if !joinable(a.Kid(k), b.Kid(k)) {
				return false
			}
		}
	}
	return a.Kind == b.Kind && a.Kids() == b.Kids() || whole(a) && whole(b)
}

// Process joins stream rows, or changes the table.
func (j *lookupJoin) Process(ctx *Context, port int, b *vector.Batch, emit Emit) {
	if port == 1 {
		j.change(ctx, b)
		return
	}
	j.match(ctx, b)
	if len(j.sel) == 0 {
		return
	}
	j.joined += len(j.sel)
	out := *b
	out.Schema = j.spec.Schema
	if len(j.sel) < b.Rows {
		out.Sel = j.sel
	}
	n := copy(j.cols, b.Cols)
	for k := range j.rows.cols {
		j.cols[n+k] = j.column(k, b.Rows)
	}
	out.Cols = j.cols
	emit(&out)
}

// change lets rows of the table's changelog take effect.
func (j *lookupJoin) change(ctx *Context, b *vector.Batch) {
	skipped := 0
	for k := range b.Live() {
		i := k
		if b.Sel != nil {
			i = int(b.Sel[k])
		}
		op := b.Op(i)
		switch {
		case anyNull(b, j.spec.TableKeys, i):
			skipped++
		case op == vector.Insert || op == vector.UpdateAfter:
			j.rows.set(b, i)
		case op == vector.Delete:
			j.rows.remove(b, i)
		}
	}
	if skipped > 0 {
		ctx.Report.Skipped(skipped)
	}
	j.rows.tidy()
	j.joined = 0
	clear(j.dicts)
}

func anyNull(b *vector.Batch, cols []int, i int) bool {
	for _, c := range cols {
		if b.Cols[c].Null(i) {
			return true
		}
	}
	return false
}

// match fills ids and sel.
func (j *lookupJoin) match(ctx *Context, b *vector.Batch) {
	j.ids = grow(j.ids, b.Rows)
	if b.Sel != nil {
		clear(j.ids)
	}
	j.sel = j.sel[:0]
	skipped, unmatched := 0, 0
	coded := j.rows.keys.kind == keyBytes && b.Cols[j.spec.StreamKeys[0]].Codes != nil
	if coded {
		j.codes.next(len(b.Cols[j.spec.StreamKeys[0]].Offs))
	}
	for k := range b.Live() {
		i := k
		if b.Sel != nil {
			i = int(b.Sel[k])
		}
		if op := b.Op(i); op == vector.Delete || op == vector.UpdateBefore { // a record without a value
			j.ids[i] = 0
			skipped++
			continue
		}
		null := anyNull(b, j.spec.StreamKeys, i)
		id := uint32(0)
		switch {
		case null:
		case coded:
			id = j.byCode(b, i)
		default:
			if row, found := j.rows.keys.findRow(b, j.spec.StreamKeys, i); found {
				id = row + 1
			}
		}
		j.ids[i] = id
		switch {
		case id != 0 || j.spec.Left:
			j.sel = append(j.sel, uint32(i))
		case null:
			skipped++
		default:
			unmatched++
		}
	}
	if skipped > 0 {
		ctx.Report.Skipped(skipped)
	}
	if unmatched > 0 {
		ctx.Report.Filtered(unmatched)
	}
}

// byCode finds the table row of a dictionary string, once a batch and string.
func (j *lookupJoin) byCode(b *vector.Batch, i int) uint32 {
	v := b.Cols[j.spec.StreamKeys[0]]
	c := v.Codes[i]
	e := j.codes.ids[c]
	if e>>32 == uint64(j.codes.stamp) {
		return uint32(e)
	}
	id := uint32(0)
	if row, found := j.rows.keys.find(v.Bytes(i), 0); found {
		id = row + 1
	}
	j.codes.ids[c] = uint64(j.codes.stamp)<<32 | uint64(id)
	return id
}

// column gathers column k of the table for n stream rows.
func (j *lookupJoin) column(k, n int) *vector.Vector {
	c, v := &j.rows.cols[k], j.scratch[k]
	if v.Type.Phys() == vector.PhysNone {
		return nulls(v.Type, n)
	}
	if v.Type.Phys() == vector.PhysNested {
		return j.nested(c, v, n)
	}
	valid := grow(v.Valid, vector.Words(n))
	for i := range valid {
		valid[i] = ^uint64(0)
	}
	v.Len, v.Valid = n, nil
	some := false
	for i, id := range j.ids[:n] {
		if id == 0 || c.null[id-1] {
			valid[i>>6] &^= 1 << (uint(i) & 63)
			some = true
		}
	}
	if some {
		v.Valid = valid
	}
	switch v.Type.Phys() {
	case vector.PhysStr:
		j.strings(k, v, n)
	case vector.PhysI128:
		v.I128 = grow(v.I128, n)
		for i, id := range j.ids[:n] {
			if id != 0 {
				v.I128[i] = vector.Int128{Lo: c.words[2*id-2], Hi: int64(c.words[2*id-1])}
			}
		}
	case vector.PhysI64:
		v.I64 = grow(v.I64, n)
		for i, id := range j.ids[:n] {
			if id != 0 {
				v.I64[i] = int64(c.words[id-1])
			}
		}
	case vector.PhysF64:
		v.F64 = grow(v.F64, n)
		for i, id := range j.ids[:n] {
			if id != 0 {
				v.F64[i] = math.Float64frombits(c.words[id-1])
			}
		}
	default:
		v.Bool = grow(v.Bool, n)
		for i, id := range j.ids[:n] {
			v.Bool[i] = id != 0 && c.words[id-1] != 0
		}
	}
	return v
}

// nested fills v with the values of a nested column.
func (j *lookupJoin) nested(c *cells, v *vector.Vector, n int) *vector.Vector {
	if v.Kids == nil {
		*v = *vector.NewVector(v.Type, n)
	}
	vector.Reset(v)
	for _, id := range j.ids[:n] {
		if id == 0 || c.null[id-1] {
			vector.AppendNull(v)
			continue
		}
		c.appendOne(v, int(id-1))
	}
	return v
}

func nulls(t vector.Type, n int) *vector.Vector {
	v := vector.NewVector(t, n)
	for range n {
		vector.AppendNull(v)
	}
	return v
}

// strings fills v with codes into the column's dictionary, or with bytes while the table changes more than it is read.
func (j *lookupJoin) strings(k int, v *vector.Vector, n int) {
	c, d := &j.rows.cols[k], &j.dicts[k]
	if d.offs == nil && len(c.null) > 0 && j.joined >= len(c.null) && len(c.heap) < 1<<30 {
		d.offs, d.data = append(make([]uint32, 0, len(c.null)+1), 0), make([]byte, 0, len(c.heap)-c.waste)
		for id, null := range c.null {
			if !null {
				d.data = append(d.data, c.str(id)...)
			}
			d.offs = append(d.offs, uint32(len(d.data)))
		}
	}
	if d.offs != nil {
		v.Offs, v.Data, v.Codes = d.offs, d.data, grow(v.Codes, n)
		for i, id := range j.ids[:n] {
			v.Codes[i] = max(id, 1) - 1
		}
		return
	}
	if v.Codes != nil { // the dictionary is shared: begin anew
		v.Codes, v.Offs, v.Data = nil, nil, nil
	}
	v.Offs, v.Data = append(v.Offs[:0], 0), v.Data[:0]
	for _, id := range j.ids[:n] {
		if id != 0 && !c.null[id-1] {
			v.Data = append(v.Data, c.str(int(id-1))...)
		}
		v.Offs = append(v.Offs, uint32(len(v.Data)))
	}
}

// Advance passes the watermark.
func (j *lookupJoin) Advance(_ *Context, wm int64, _ Emit) int64 { return wm }

// Flush does nothing.
func (j *lookupJoin) Flush(*Context, Emit) {}

// Snapshot is the rows of the table.
func (j *lookupJoin) Snapshot(dst []byte) []byte { return j.rows.snapshot(dst) }

// Restore takes them back.
func (j *lookupJoin) Restore(src []byte) error {
	r := reader{src: src}
	j.rows.restore(&r)
	clear(j.dicts)
	return r.done()
}

// StateBytes is the memory of the table.
func (j *lookupJoin) StateBytes() int64 { return j.rows.stateBytes() }
