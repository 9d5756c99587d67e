package coordinator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/catalog"
	"github.com/leatsql/leat/internal/wasm"
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// maxCatalogCode bounds the modules that the catalog keeps, which is one document.
const maxCatalogCode = 128 << 10

// createFunction reads a module and adds the function. Queries that run keep the one they were made with.
func (c *Coordinator) createFunction(ctx context.Context, st *ast.CreateFunction) (api.Result, error) {
	var done api.Result
	code, err := c.module(st)
	if err != nil {
		return done, err
	}
	f, err := wasm.Define(ctx, st, code)
	if err != nil {
		return done, err
	}
	err = c.change(ctx, func(cat *catalog.Catalog) error {
		_, exists := cat.Functions[f.Name]
		if exists && st.IfNotExists {
			done = message("function " + f.Name + " exists already")
			return nil
		}
		if exists && !st.OrReplace {
			return sqlerr.New(sqlerr.Exists, st.Name.At, "function %s exists already", f.Name).
				WithHint("CREATE OR REPLACE FUNCTION; queries that run keep the one they have")
		}
		total := len(f.Code)
		for name, other := range cat.Functions { // any order: a sum
			if name != f.Name {
				total += len(other.Code)
			}
		}
		if total > maxCatalogCode {
			return sqlerr.New(sqlerr.TooLarge, st.FileAt, "all functions together would have %d bytes, the limit is %d",
				total, maxCatalogCode).WithHint("strip the module (wasm-strip, opt-level z), or DROP FUNCTION others")
		}
		if cat.Functions == nil {
			cat.Functions = map[string]*plan.Function{}
		}
		cat.Functions[f.Name] = f
		done = message("created function " + f.Name)
		return nil
	})
	return done, err
}

// module reads the file, under the folder for files where there is one.
func (c *Coordinator) module(st *ast.CreateFunction) ([]byte, error) {
	var f fs.File
	var err error
	switch {
	case c.cfg.FileRoot != nil:
		f, err = c.cfg.FileRoot.Open(st.File)
	case c.cfg.Files:
		f, err = os.Open(st.File)
	default:
		return nil, sqlerr.New(sqlerr.BadStatement, st.FileAt, "this server reads no files").
			WithHint("leat serve --file-root DIR")
	}
	if err != nil {
		if p, ok := errors.AsType[*fs.PathError](err); ok {
			err = p.Err
		}
		return nil, sqlerr.New(sqlerr.NotFound, st.FileAt, "%s: %s", st.File, err.Error())
	}
	defer f.Close()
	code, err := io.ReadAll(io.LimitReader(f, wasm.MaxModuleBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", st.File, err)
	}
	return code, nil
}

var word = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)

// calledFunctions are the functions whose names stand in a statement: more than are called, at worst.
func calledFunctions(cat *catalog.Catalog, text string) map[string]*plan.Function {
	if len(cat.Functions) == 0 {
		return nil
	}
	out := map[string]*plan.Function{}
	for _, w := range word.FindAllString(text, -1) {
		if f, ok := cat.Functions[strings.ToUpper(w)]; ok {
			out[f.Name] = f
		}
	}
	return out
}
