package plan

import (
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// header checks a column of headers: its type, that it is no key, and that there is one list of them at most.
func (d *definition) header(col *ast.ColumnDef) error {
	if !col.Headers && col.Header == "" {
		return nil
	}
	refuse := func(format string, args ...any) *sqlerr.Error {
		return sqlerr.New(sqlerr.BadStatement, col.At, format, args...)
	}
	if col.Key || col.Primary {
		return refuse("column %q is filled from headers; it cannot be a key", col.Name.Name)
	}
	if col.Headers {
		if !isHeaderList(col.Type) {
			return refuse("a HEADERS column is ARRAY<STRUCT<key STRING, value BYTES>>; %q is %s", col.Name.Name,
				col.Type)
		}
	} else if col.Type.Kind != vector.Bytes {
		return refuse("a HEADER('%s') column is BYTES; %q is %s", col.Header, col.Name.Name, col.Type)
	}
	for _, c := range d.o.Columns {
		switch {
		case !c.OfHeaders():
		case c.Headers || col.Headers:
			return refuse("%q and %q both hold headers; HEADERS stands alone", c.Name, col.Name.Name)
		case c.Header == col.Header:
			return refuse("%q and %q both hold the header '%s'", c.Name, col.Name.Name, c.Header)
		}
	}
	return nil
}

func isHeaderList(t vector.Type) bool {
	if t.Kind != vector.Array || t.Elem.Kind != vector.Struct || len(t.Elem.Fields) != 2 {
		return false
	}
	f := t.Elem.Fields
	return strings.EqualFold(f[0].Name, "key") && f[0].Type.Kind == vector.String &&
		strings.EqualFold(f[1].Name, "value") && f[1].Type.Kind == vector.Bytes
}
