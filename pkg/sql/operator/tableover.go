package operator

import (
	"bytes"
	"errors"
	"math"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// tableOver keeps the rows of each partition as topN does, and what readers have of the results of each row. A
// partition that changed is computed anew at the end of the step.
type tableOver struct {
	top   *topN
	spec  *TableOver
	calls []tableCall
	res   [][]byte // by number of the record: the results that readers have, nil: they do not know the row
	size  int64
	rows  *vector.Batch // the partition at hand
	outs  []*vector.Vector
	bad   [][]bool // by call: results that do not fit
	edges peerEdges
	buf   []byte
	rep   Report
}

// failedResult stands for the results of a row that readers do not have because one did not fit.
var failedResult = []byte{0xFF}

func newTableOver(spec *TableOver, in *vector.Schema) (*tableOver, error) {
	if len(spec.Schema.Fields) != len(in.Fields)+len(spec.Aggs) {
		return nil, errors.New("the schema is not the input's columns and one for each function")
	}
	top, err := newTopN(&TopN{
		Partition: spec.Partition, Order: spec.Order, N: math.MaxInt64, Key: spec.Key, Retracts: spec.Retracts,
		WindowEnd: spec.WindowEnd, Final: spec.Final, Schema: in,
	}, in)
	if err != nil {
		return nil, err
	}
	top.out = vector.NewBatch(spec.Schema, 0)
	o := &tableOver{top: top, spec: spec, rows: vector.NewBatch(in, 0)}
	for i, a := range spec.Aggs {
		c, err := newTableCall(a, spec.Order, in)
		if err != nil {
			return nil, err
		}
		if c.t.Kind == vector.Null {
			c.t = spec.Schema.Fields[len(in.Fields)+i].Type
		}
		o.calls = append(o.calls, c)
		o.outs = append(o.outs, vector.NewVector(c.t, 0))
	}
	o.bad = make([][]bool, len(o.calls))
	top.over = o
	return o, nil
}

// Process takes rows in and out.
func (o *tableOver) Process(ctx *Context, port int, b *vector.Batch, emit Emit) {
	o.rep = ctx.Derived
	o.top.Process(ctx, port, b, emit)
}

// Advance forgets the windows that end, and emits what is final.
func (o *tableOver) Advance(ctx *Context, wm int64, emit Emit) int64 {
	o.rep = ctx.Derived
	return o.top.Advance(ctx, wm, emit)
}

// Flush tells the rows whose results changed.
func (o *tableOver) Flush(ctx *Context, emit Emit) {
	o.rep = ctx.Derived
	o.top.Flush(ctx, emit)
}

// Scan emits all rows.
func (o *tableOver) Scan(emit Emit) {
	o.rep = noReport{}
	o.top.Scan(emit)
}

// compute fills o.outs with the results of the rows of a partition, which it decodes.
func (o *tableOver) compute(list []topShown) {
	resetBatch(o.rows)
	for _, s := range list {
		r := &o.top.recs[s.rec]
		decodeRow(o.rows, o.top.valuesOf(r))
		o.rows.Time = append(o.rows.Time, r.time)
	}
	o.edges.find(o.top, list)
	for i := range o.calls {
		vector.Reset(o.outs[i])
		if o.outs[i].Type.Phys() == vector.PhysNone {
			o.outs[i].Valid = nil
		}
		o.bad[i] = grow(o.bad[i], len(list))
		clear(o.bad[i])
		o.calls[i].run(o.rows, &o.edges, o.outs[i], o.bad[i])
	}
}

// result is the results of row k of the partition at hand, encoded; failedResult if one does not fit.
func (o *tableOver) result(k int) []byte {
	for i := range o.bad {
		if o.bad[i][k] {
			return failedResult
		}
	}
	o.buf = o.buf[:0]
	for _, v := range o.outs {
		o.buf = appendRaw(o.buf, v, k)
	}
	return o.buf
}

// tell emits the difference between what readers have of a partition and what is there: was is the rows they know.
func (o *tableOver) tell(was []topShown, cur []topShown) {
	o.compute(cur)
	for n := len(o.res); n < len(o.top.recs); n++ {
		o.res = append(o.res, nil)
	}
	here := make(map[uint32]bool, len(cur))
	for k, s := range cur {
		here[s.rec] = true
		if old := o.res[s.rec]; old != nil && !bytes.Equal(old, o.result(k)) {
			o.emit(s.rec, old, vector.Delete)
			o.keep(s.rec, nil)
		}
	}
	for _, s := range was {
		if old := o.res[s.rec]; !here[s.rec] && old != nil {
			o.emit(s.rec, old, vector.Delete)
			o.keep(s.rec, nil)
		}
	}
	for k, s := range cur {
		if o.res[s.rec] == nil {
			o.keep(s.rec, bytes.Clone(o.result(k)))
			o.report(k, o.res[s.rec])
			o.emit(s.rec, o.res[s.rec], vector.Insert)
		}
	}
}

func (o *tableOver) keep(rec uint32, res []byte) {
	o.size += int64(len(res) - len(o.res[rec]))
	o.res[rec] = res
}

// report reports row k if a result of it does not fit.
func (o *tableOver) report(k int, res []byte) {
	if bytes.Equal(res, failedResult) {
		o.rep.Failed(o.rows, uint32(k), CodeOverflow, "the result of a window function does not fit its type")
	}
}

// emit adds a row with its results, unless one does not fit.
func (o *tableOver) emit(rec uint32, res []byte, op vector.Op) {
	if bytes.Equal(res, failedResult) {
		return
	}
	out, r := o.top.out, &o.top.recs[rec]
	n := len(o.top.in.Fields)
	front, back := *out, *out
	front.Cols, back.Cols = out.Cols[:n], out.Cols[n:]
	decodeRow(&front, o.top.valuesOf(r))
	decodeRow(&back, res)
	out.Rows++
	out.Time, out.Ops = append(out.Time, r.time), append(out.Ops, op)
}

// final emits all rows of a partition.
func (o *tableOver) final(list []topShown, full func()) {
	o.compute(list)
	for k, s := range list {
		res := o.result(k)
		o.report(k, res)
		o.emit(s.rec, res, vector.Insert)
		full()
	}
}

// StateBytes is the memory of rows and results.
func (o *tableOver) StateBytes() int64 { return o.top.StateBytes() + o.size + int64(24*cap(o.res)) }

// Snapshot is the rows; results follow from them.
func (o *tableOver) Snapshot(dst []byte) []byte { return o.top.Snapshot(dst) }

// Restore takes them back.
func (o *tableOver) Restore(src []byte) error {
	out := o.top.out
	if err := o.top.Restore(src); err != nil {
		return err
	}
	o.top.over, o.top.out = o, out
	o.res, o.size = make([][]byte, len(o.top.recs)), 0
	if o.spec.Final {
		return nil
	}
	for _, p := range o.top.keys.live() {
		o.top.cur = o.top.shown(o.top.cur[:0], &o.top.parts[p])
		o.compute(o.top.cur)
		for k, s := range o.top.cur {
			o.keep(s.rec, bytes.Clone(o.result(k)))
		}
	}
	return nil
}

// peerEdges is the peers of a partition: rows that are equal under the order.
type peerEdges struct {
	n     int
	start []int // by row: the first of its peers
	end   []int // by row: behind the last of them
	dense []int // by row: number of the group from 1
}

func (p *peerEdges) find(t *topN, list []topShown) {
	p.n = len(list)
	p.start, p.end, p.dense = grow(p.start, p.n), grow(p.end, p.n), grow(p.dense, p.n)
	for i, group := 0, 0; i < p.n; {
		a := &t.recs[list[i].rec]
		k := i + 1
		for k < p.n {
			b := &t.recs[list[k].rec]
			if !bytes.Equal(t.sortKeyOf(a), t.sortKeyOf(b)) {
				break
			}
			k++
		}
		group++
		for j := i; j < k; j++ {
			p.start[j], p.end[j], p.dense[j] = i, k, group
		}
		i = k
	}
}
