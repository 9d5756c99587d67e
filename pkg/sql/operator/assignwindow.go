package operator

import (
	"errors"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// assignWindow emits each row once for each window that holds its time.
type assignWindow struct {
	stateless
	spec   *AssignWindow
	paneMs int64
	rows   []uint32
	wins   []span
	bounds [3]*vector.Vector // of the rows at hand: start, end, last millisecond
}

func newAssignWindow(spec *AssignWindow, in *vector.Schema) (*assignWindow, error) {
	if len(spec.Schema.Fields) != len(in.Fields)+3 {
		return nil, errors.New("the schema is not the input's columns and three of the window")
	}
	pane, err := spec.Window.paneMs()
	if err != nil {
		return nil, err
	}
	if pane == 0 {
		return nil, errors.New("a table function of session windows is not supported here")
	}
	a := &assignWindow{spec: spec, paneMs: pane}
	for n := range a.bounds {
		a.bounds[n] = vector.NewVector(spec.Schema.Fields[len(in.Fields)+n].Type, 0)
	}
	return a, nil
}

// Process emits the rows, by the end of the windows.
func (a *assignWindow) Process(ctx *Context, _ int, b *vector.Batch, emit Emit) {
	if a.spec.Window.Kind == Tumbling {
		a.tumble(ctx, b, emit)
		return
	}
	a.rows, a.wins = a.rows[:0], a.wins[:0]
	for k := range b.Live() {
		i := liveRow(b, k)
		t, ok := a.time(ctx, b, i)
		if !ok {
			continue
		}
		a.spec.Window.windows(floorTo(t, a.paneMs), a.paneMs, func(s span) {
			a.rows, a.wins = append(a.rows, uint32(i)), append(a.wins, s)
		})
	}
	if len(a.rows) == 0 {
		return
	}
	out := gatherBatch(b, a.spec.Schema, a.rows)
	a.begin(len(a.rows))
	for k, s := range a.wins {
		a.bound(k, s)
	}
	out.Cols = append(out.Cols, a.bounds[:]...)
	emit(out)
}

// tumble emits the rows as they are, each of which is in one window.
func (a *assignWindow) tumble(ctx *Context, b *vector.Batch, emit Emit) {
	a.rows = a.rows[:0]
	a.begin(b.Rows)
	last := span{0, 0}
	for k := range b.Live() {
		i := liveRow(b, k)
		t, ok := a.time(ctx, b, i)
		if !ok {
			continue
		}
		if t < last.start || t >= last.end {
			start := floorTo(t, a.paneMs)
			last = span{start, addSat(start, a.spec.Window.SizeMs)}
		}
		a.rows = append(a.rows, uint32(i))
		a.bound(i, last)
	}
	if len(a.rows) == 0 {
		return
	}
	out := *b
	out.Schema = a.spec.Schema
	out.Cols = append(append(make([]*vector.Vector, 0, len(b.Cols)+len(a.bounds)), b.Cols...), a.bounds[:]...)
	if len(a.rows) < b.Live() {
		out.Sel = a.rows
	}
	emit(&out)
}

// time is the time of row i, by which it is in windows; false where no window can hold it, which is reported.
func (a *assignWindow) time(ctx *Context, b *vector.Batch, i int) (int64, bool) {
	t := b.Time[i]
	if a.spec.Window.ProcessingTime {
		t = b.AppendTime
	}
	if t > maxEventTime || t < -maxEventTime {
		ctx.Report.Failed(b, uint32(i), CodeOutOfRange, "the event time is outside what a window can hold")
		return 0, false
	}
	return t, true
}

// begin makes room for the bounds of n rows.
func (a *assignWindow) begin(n int) {
	for _, v := range a.bounds {
		v.I64 = grow(v.I64, n)
		v.Len = n
	}
}

func (a *assignWindow) bound(row int, s span) {
	a.bounds[0].I64[row], a.bounds[1].I64[row], a.bounds[2].I64[row] = s.start, s.end, s.end-1
}
