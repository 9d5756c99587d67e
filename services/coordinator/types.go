package coordinator

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/catalog"
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// createType adds a name for a type. Statements that use it keep the type itself.
func (c *Coordinator) createType(ctx context.Context, st *ast.CreateType) (api.Result, error) {
	var done api.Result
	name := strings.ToUpper(st.Name.Name)
	err := c.change(ctx, func(cat *catalog.Catalog) error {
		if _, exists := cat.Types[name]; exists {
			if st.IfNotExists {
				done = message("type " + name + " exists already")
				return nil
			}
			return sqlerr.New(sqlerr.Exists, st.Name.At, "type %s exists already", name).
				WithHint("CREATE TYPE IF NOT EXISTS, or DROP TYPE %s first", name)
		}
		if cat.Types == nil {
			cat.Types = map[string]vector.Type{}
		}
		cat.Types[name] = st.Type
		done = message("created type " + name)
		return nil
	})
	return done, err
}

// showTypes lists the types of CREATE TYPE.
func showTypes(cat *catalog.Catalog) api.Result {
	r := table("name", "type")
	for _, n := range slices.Sorted(maps.Keys(cat.Types)) {
		r.Rows = append(r.Rows, []string{n, cat.Types[n].String()})
	}
	return r
}
