package script

import (
	"context"
	"io"
	"os"

	"github.com/leatsql/leat/internal/infer"
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/plan"
)

// infer gives a declaration without columns those of a sample: of the file that stands in for the source, if there is
// one, else of the source itself.
func (c *compiler) infer(ctx context.Context, st *ast.Create, def plan.Defaults) error {
	sources := infer.Sources{Open: func(path string) (io.ReadCloser, error) { return os.Open(Locate(path, c.opt.Dir)) }}
	for name, path := range c.opt.Inputs { // any order: names are distinct
		if matches(ast.Ident{Name: name}, st.Name.Name) && path != "-" {
			sources.Instead = path
		}
	}
	note, err := sources.Complete(ctx, st, def)
	if note != "" {
		c.p.Notices = append(c.p.Notices, note)
	}
	return err
}

// file declares a file that a query names: an object whose name is the path.
func (c *compiler) file(ctx context.Context, r *ast.TableRef) (*plan.Object, error) {
	return c.declare(ctx, plan.FileObject(r))
}
