package sink

import (
	"context"

	"github.com/leatsql/leat/internal/format"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// consoleTarget prints rows; what was printed before a crash may be printed again.
type consoleTarget struct {
	d *delivery
	w format.RowWriter
}

func newConsoleTarget(d *delivery) (target, error) {
	kind := d.sink.Props["format"]
	if kind == "" {
		kind = "jsonl"
	}
	w, err := format.NewWriter(kind, d.s.cfg.Console)
	if err != nil {
		return nil, &fatalError{err}
	}
	return &consoleTarget{d: d, w: w}, nil
}

func (t *consoleTarget) open(_ context.Context, recorded *record) (Position, error) {
	return recorded.Position, t.w.Begin(t.d.object.Schema())
}

func (t *consoleTarget) write(_ context.Context, b *vector.Batch, i int, _ Position) error {
	return t.w.Write(vector.Slice(b, i, i+1))
}

func (t *consoleTarget) flush(context.Context, *record) error { return nil }

func (t *consoleTarget) guarantee() string {
	return "at least once to the console (rows since the last second may be printed again after a crash)"
}

func (t *consoleTarget) close() error { return t.w.End() }
