package coordinator

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/direct"
	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

const foldedBytes = 512 << 20 // of rows that a pull query over a windowed table may hold

// folded is a direct.Source of the rows of a windowed table. Its tasks hold the windows that are open; what they said
// of closed ones is in the log, as far as the topic keeps it. The tasks are asked first and the log is read to where it
// ends after that, so that the log has the last word on whatever it still knows.
type folded struct {
	scan *scan
	o    *plan.Object
	// log opens the topic from its first message to its last.
	log   func(ctx context.Context) (direct.Source, error)
	begun bool
	rows  []*vector.Batch
}

// Next implements direct.Source.
func (f *folded) Next(ctx context.Context) (direct.Item, error) {
	if !f.begun {
		f.begun = true
		if err := f.fold(ctx); err != nil {
			return direct.Item{}, err
		}
	}
	if len(f.rows) == 0 {
		return direct.Item{}, io.EOF
	}
	b := f.rows[0]
	f.rows = f.rows[1:]
	return direct.Item{Batch: b, Writer: scanWriter, Partition: -1}, nil
}

// fold keeps the last row of each key.
func (f *folded) fold(ctx context.Context) error {
	schema := f.o.Schema()
	last := &operator.Materialize{Keys: f.o.Key, Final: true, Schema: schema}
	chain, err := operator.BuildOn([]*vector.Schema{schema}, []operator.Spec{last}, quiet{}, func(b *vector.Batch) {
		f.rows = append(f.rows, vector.CloneBatch(vector.Compact(b)))
	})
	if err != nil {
		return fmt.Errorf("fold the changes of %s: %w", f.o.Name, err)
	}
	if err := foldAll(ctx, chain, f.scan); err != nil {
		return err
	}
	log, err := f.log(ctx)
	if err != nil {
		return err
	}
	if err := foldAll(ctx, chain, log); err != nil {
		return err
	}
	chain.Advance(vector.MaxTime)
	chain.Flush()
	for _, b := range f.rows {
		b.Watermark = vector.NoTime
	}
	return nil
}

func foldAll(ctx context.Context, chain *operator.Chain, from direct.Source) error {
	for {
		item, err := from.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		chain.Process(0, item.Batch)
		if chain.StateBytes() > foldedBytes {
			return &api.Error{
				Code: "LEAT-5103", Message: fmt.Sprintf("the windows of the table take more than %d MiB",
					foldedBytes>>20),
				Hint: "read it with EMIT CHANGES, or WITH (retention = '...') makes the table keep less",
			}
		}
	}
}

// quiet is a Report of rows that cannot fail: they are folded, not computed.
type quiet struct{}

func (quiet) Filtered(int)                                 {}
func (quiet) Late(*vector.Batch, []uint32)                 {}
func (quiet) Skipped(int)                                  {}
func (quiet) Failed(*vector.Batch, uint32, string, string) {}
func (quiet) Noted(*vector.Batch, uint32, string, string)  {}
