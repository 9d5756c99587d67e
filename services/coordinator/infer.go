package coordinator

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/internal/infer"
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/plan"
)

// infer gives a declaration without columns those of a sample of its rows. The catalog keeps the statement with them,
// so that what its source holds later changes nothing.
func (c *Coordinator) infer(ctx context.Context, st *ast.Create, def plan.Defaults) (note string, err error) {
	if len(st.Columns) > 0 {
		return "", nil
	}
	var from infer.Sources
	switch {
	case c.cfg.FileRoot != nil:
		from.Open = func(path string) (io.ReadCloser, error) { return c.cfg.FileRoot.Open(path) }
	case c.cfg.Files:
		from.Open = func(path string) (io.ReadCloser, error) { return os.Open(path) }
	}
	if c.cfg.App != nil {
		if from.NATS, err = jetstream.New(c.cfg.App); err != nil {
			return "", fmt.Errorf("open the users' JetStream: %w", err)
		}
	}
	return from.Complete(ctx, st, def)
}
