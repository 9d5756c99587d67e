package plan

import (
	"path/filepath"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// Undeclared is what a declaration says before its columns are known.
type Undeclared struct {
	Source                     *Source
	EventTime, EventTimeFormat string
	Keys                       []string // as the property key names them
}

// Declared reads a declaration without columns.
func Declared(c *ast.Create, def Defaults) (*Undeclared, error) {
	d := newDefinition(c, def)
	if err := d.source(c, def); err != nil {
		return nil, err
	}
	return &Undeclared{
		Source: d.s, EventTime: d.o.EventTime, EventTimeFormat: d.o.EventTimeFormat, Keys: d.key,
	}, nil
}

// NoColumns is the error of a declaration without columns for which none can be found out.
func NoColumns(c *ast.Create, why string) *sqlerr.Error {
	kind, key := "STREAM", ""
	if c.Kind == ast.Table {
		kind, key = "TABLE", " PRIMARY KEY"
	}
	return sqlerr.New(sqlerr.BadStatement, c.Name.At, "%s has no columns: %s", c.Name.Name, why).
		WithHint("declare them: CREATE %s %s (id BIGINT%s, ...)", kind, c.Name, key)
}

// FileObject is the declaration of a file that a query names, without columns: its name is the path.
func FileObject(r *ast.TableRef) *ast.Create {
	path := r.Name.Name
	c := &ast.Create{
		Name: ast.Ident{Name: path, Quoted: true, At: r.At}, FromFile: path, FromAt: r.At,
		With: []ast.Property{
			{Name: "topic", Value: ksqlTopic("file " + path), At: r.At},
			{Name: "format", Value: FormatOfPath(path, "json"), At: r.At},
		},
	}
	if name, how := foreignFile(path); how != "" {
		c.With[1].Value = name // which is refused by its name
	}
	c.At = r.At
	return c
}

// bindFile binds a file that a query names. It is an object of the catalog under its path once it has been read.
func (b *Binder) bindFile(r *ast.TableRef) (*scope, error) {
	o, ok := b.Catalog.Object(ast.Ident{Name: r.Name.Name, Quoted: true})
	if !ok {
		if b.File == nil {
			return nil, unsupported(r.At, "FROM 'file' here").
				WithHint("CREATE STREAM name FROM '%s' declares it; leat run takes it as it is", r.Name.Name)
		}
		var err error
		if o, err = b.File(r); err != nil {
			return nil, err
		}
	}
	name, _, _ := strings.Cut(filepath.Base(r.Name.Name), ".")
	alias := ast.Ident{Name: name, At: r.At}
	if r.Alias != nil {
		alias = *r.Alias
	}
	n := scanNode(o)
	return &scope{node: n, relations: []relation{{alias: alias, from: 0, to: len(n.Schema.Fields), object: o}}}, nil
}
