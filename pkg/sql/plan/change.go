package plan

import (
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// CheckReplace decides whether CREATE OR REPLACE may put o in the place of old: same kind, key and time, the old
// columns unchanged and new ones last.
func CheckReplace(old, o *Object, c *ast.Create) error {
	refuse := func(format string, args ...any) error {
		return sqlerr.New(sqlerr.BadStatement, c.Name.At, format, args...).
			WithHint("DROP %s and create it anew", old.Name)
	}
	switch {
	case old.ReadOnly || o.ReadOnly:
		return refuse("%s is a SOURCE; it cannot be replaced", old.Name)
	case old.Kind != o.Kind:
		return refuse("%s is a %s; it cannot become a %s", old.Name, kindName(old.Kind), kindName(o.Kind))
	case (old.Query == "") != (o.Query == ""):
		return refuse("%s cannot change between declared and derived", old.Name)
	case old.External != o.External:
		return refuse("the topic of %s cannot change from %s to %s", old.Name, old.External, o.External)
	case old.Encoding != o.Encoding:
		return refuse("the formats of %s cannot change", old.Name)
	case old.Windowed != o.Windowed:
		return refuse("the windows of %s cannot change", old.Name)
	case len(o.Columns) < len(old.Columns):
		return refuse("the new text of %s lacks column %q", old.Name, missingColumn(old, o))
	case !slices.Equal(old.Key, o.Key):
		return refuse("the key of %s cannot change", old.Name)
	}
	for i, was := range old.Columns {
		is := o.Columns[i]
		if was.Name != is.Name || !was.Type.Equal(is.Type) {
			return refuse("column %d of %s is %s %s; it cannot become %s %s", i+1, old.Name, was.Name, was.Type,
				is.Name, is.Type)
		}
	}
	return nil
}

func missingColumn(old, o *Object) string {
	for _, c := range old.Columns {
		if !slices.ContainsFunc(o.Columns, func(n Column) bool { return n.Name == c.Name }) {
			return c.Name
		}
	}
	return ""
}

func kindName(k ast.ObjectKind) string {
	if k == ast.Table {
		return "table"
	}
	return "stream"
}

// CheckDrop refuses a DROP that names the wrong kind, or deletes the topic of a read-only source.
func CheckDrop(o *Object, d *ast.Drop) error {
	if kind := strings.ToUpper(kindName(o.Kind)); kind != d.What {
		return sqlerr.New(sqlerr.BadStatement, d.Name.At, "%s is a %s", o.Name, kindName(o.Kind)).
			WithHint("DROP %s %s", kind, o.Name)
	}
	if d.DeleteTopic && o.ReadOnly {
		return sqlerr.New(sqlerr.BadStatement, d.Name.At, "%s is read-only (SOURCE); its topic is not Leat's", o.Name).
			WithHint("DROP %s %s leaves the topic", d.What, o.Name)
	}
	return nil
}

// AlterObject adds the columns of ALTER .. ADD COLUMN behind those of o and returns the new object.
func AlterObject(o *Object, a *ast.Alter) (*Object, error) {
	switch kind := strings.ToUpper(kindName(o.Kind)); {
	case kind != a.What:
		return nil, sqlerr.New(sqlerr.BadStatement, a.Name.At, "%s is a %s", o.Name, kindName(o.Kind)).
			WithHint("ALTER %s %s", kind, o.Name)
	case o.ReadOnly:
		return nil, sqlerr.New(sqlerr.BadStatement, a.Name.At, "%s is read-only (SOURCE)", o.Name)
	case o.Query != "":
		return nil, sqlerr.New(sqlerr.BadStatement, a.Name.At, "%s is the result of query %s; its columns come from "+
			"there", o.Name, o.Query).WithHint("CREATE OR REPLACE changes the query")
	case len(a.Columns) == 0:
		return nil, unsupported(a.At, "ALTER without ADD COLUMN")
	}
	d := &definition{o: &Object{}}
	*d.o = *o
	d.o.Columns = slices.Clone(o.Columns)
	for _, c := range a.Columns {
		if err := refuseReserved(c.Name.Name, c.At); err != nil {
			return nil, err
		}
		if c.Key || c.Primary || c.Headers || c.Header != "" {
			return nil, sqlerr.New(sqlerr.BadStatement, c.At, "ALTER adds value columns only")
		}
		if d.column(c.Name.Name) >= 0 {
			return nil, sqlerr.New(sqlerr.Ambiguous, c.At, "%s has a column %q already", o.Name, c.Name.Name)
		}
		d.o.Columns = append(d.o.Columns, Column{Name: c.Name.Name, Type: c.Type})
	}
	if len(d.o.Columns) > maxColumns {
		return nil, sqlerr.New(sqlerr.TooLarge, a.Name.At, "%d columns; the limit is %d", len(d.o.Columns), maxColumns)
	}
	return d.o, nil
}
