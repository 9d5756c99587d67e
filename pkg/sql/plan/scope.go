package plan

import (
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Canonical names of the window bounds.
const (
	windowStart = "window_start"
	windowEnd   = "window_end"
)

// relation is one source of columns in a scope: columns [from, to) of the node.
type relation struct {
	alias    ast.Ident
	from, to int
	object   *Object // nil for a subquery
	// meta are columns that hold the relation's own row metadata behind a join, by metaSlot; each is 1 + its number, 0:
	// the metadata of the row itself.
	meta [metaSlots]int
}

// metaSlots is the number of metadata columns that a join keeps of each side.
const metaSlots = 3

// metaSlot is the place of a pseudo column in relation.meta.
func metaSlot(pseudo int) int {
	switch pseudo {
	case expr.ColRowtime:
		return 0
	case expr.ColPartition:
		return 1
	default:
		return 2
	}
}

// scope is the names that an expression may use.
type scope struct {
	node      *Node
	relations []relation
	// outer is the scope around a subquery, over the same node; its names are looked up last.
	outer *scope
	// rowkey is 1 + the column ROWKEY that a join makes as its key, 0: none.
	rowkey int
	// subqueries are the values that stand for the subqueries of the clause being bound.
	subqueries map[ast.Expr]expr.Expr
}

// windowAlias maps every spelling of the window bounds to the canonical one.
var windowAlias = map[string]string{
	"window_start": windowStart, "windowstart": windowStart, "_window_start": windowStart,
	"window_end": windowEnd, "windowend": windowEnd, "_window_end": windowEnd,
}

// systemColumns are row metadata under all their aliases.
var systemColumns = map[string]expr.Column{
	"rowtime":      {Index: expr.ColRowtime, Name: "rowtime", T: vector.TBigInt},
	"_timestamp":   {Index: expr.ColRowtime, Name: "rowtime", T: vector.TBigInt},
	"_event_time":  {Index: expr.ColRowtime, Name: "rowtime", T: vector.TBigInt},
	"rowpartition": {Index: expr.ColPartition, Name: "rowpartition", T: vector.TInt},
	"_partition":   {Index: expr.ColPartition, Name: "rowpartition", T: vector.TInt},
	"rowoffset":    {Index: expr.ColOffset, Name: "rowoffset", T: vector.TBigInt},
	"_offset":      {Index: expr.ColOffset, Name: "rowoffset", T: vector.TBigInt},
}

func same(id ast.Ident, name string) bool {
	if id.Quoted || id.Exact {
		return id.Name == name
	}
	return strings.EqualFold(id.Name, name)
}

// find returns the columns that a name may mean.
func (s *scope) find(qualifier *ast.Ident, name ast.Ident) []int {
	var found []int
	for _, r := range s.relations {
		if qualifier != nil && !same(*qualifier, r.alias.Name) {
			continue
		}
		for i := r.from; i < r.to; i++ {
			if same(name, s.node.Schema.Fields[i].Name) {
				found = append(found, i)
			}
		}
	}
	if len(found) > 1 { // an exact match decides between names that differ in case only
		exact := slices.DeleteFunc(slices.Clone(found), func(i int) bool {
			return s.node.Schema.Fields[i].Name != name.Name
		})
		if len(exact) == 1 {
			return exact
		}
	}
	return found
}

// resolve binds a name of one or two parts, or fails with the nearest name.
func (s *scope) resolve(n *ast.Name) (expr.Expr, error) {
	var qualifier *ast.Ident
	name := n.Parts[len(n.Parts)-1]
	if len(n.Parts) == 2 {
		qualifier = &n.Parts[0]
	} else if len(n.Parts) > 2 {
		return nil, sqlerr.New(sqlerr.NotSupported, n.At, "names of more than two parts are not supported")
	}
	found := s.find(qualifier, name)
	switch {
	case len(found) == 1:
		c := column(s.node, found[0])
		c.At = n.At
		return c, nil
	case len(found) > 1:
		return nil, sqlerr.New(sqlerr.Ambiguous, n.At, "column %q is ambiguous: %s have it", name.Name,
			strings.Join(s.owners(found), " and ")).WithHint("write %s.%s", s.owners(found)[0], name.Name)
	}
	if e := s.metadata(qualifier, name); e != nil {
		e.At = n.At
		return e, nil
	}
	if s.outer != nil {
		x, err := s.outer.resolve(n)
		if err == nil || qualifier != nil && s.outer.names(*qualifier) {
			return x, err
		}
	}
	return nil, s.unknown(n, qualifier, name)
}

// names tells that a relation of the scope has an alias.
func (s *scope) names(alias ast.Ident) bool {
	return slices.ContainsFunc(s.relations, func(r relation) bool { return same(alias, r.alias.Name) })
}

// metadata returns the column of a name that no relation declares: window bounds, the key of a join, row metadata.
func (s *scope) metadata(qualifier *ast.Ident, name ast.Ident) *expr.Column {
	if name.Quoted {
		return nil
	}
	low := strings.ToLower(name.Name)
	if canon, ok := windowAlias[low]; ok {
		if c := s.bound(qualifier, canon); c != nil {
			return c
		}
	}
	if low == "rowkey" && qualifier == nil && s.rowkey > 0 {
		return column(s.node, s.rowkey-1)
	}
	c, ok := systemColumns[low]
	switch {
	case !ok:
		return nil
	case qualifier == nil:
		return &c
	}
	for _, r := range s.relations {
		if !same(*qualifier, r.alias.Name) {
			continue
		}
		if m := r.meta[metaSlot(c.Index)]; m > 0 {
			return column(s.node, m-1)
		}
		return &c
	}
	return nil
}

// bound returns the window bound of the row, or of one relation.
func (s *scope) bound(qualifier *ast.Ident, canon string) *expr.Column {
	if qualifier != nil && len(s.relations) > 1 {
		if found := s.find(qualifier, ast.Ident{Name: canon, Quoted: true}); len(found) == 1 {
			return column(s.node, found[0])
		}
		return nil
	}
	if i := map[string]int{windowStart: s.node.WindowStart, windowEnd: s.node.WindowEnd}[canon]; i >= 0 {
		return column(s.node, i)
	}
	return nil
}

func (s *scope) owners(cols []int) []string {
	var out []string
	for _, c := range cols {
		for _, r := range s.relations {
			if c >= r.from && c < r.to {
				out = append(out, r.alias.Name)
			}
		}
	}
	return out
}

func (s *scope) unknown(n *ast.Name, qualifier *ast.Ident, name ast.Ident) error {
	var all []string
	where := ""
	known := qualifier == nil
	for _, r := range s.relations {
		if qualifier != nil && !same(*qualifier, r.alias.Name) {
			continue
		}
		known = true
		where = r.describe()
		for i := r.from; i < r.to; i++ {
			all = append(all, s.node.Schema.Fields[i].Name)
		}
	}
	if !known {
		aliases := make([]string, len(s.relations))
		for i, r := range s.relations {
			aliases[i] = r.alias.Name
		}
		return sqlerr.New(sqlerr.UnknownObject, qualifier.At, "no relation %q in FROM", qualifier.Name).
			WithHint("there are: %s", strings.Join(aliases, ", "))
	}
	if len(all) == 0 {
		return sqlerr.New(sqlerr.UnknownColumn, n.At, "no column %q: there is no relation here to read it from",
			name.Name)
	}
	if len(s.relations) > 1 && qualifier == nil {
		where = "the relations of FROM"
	}
	e := sqlerr.New(sqlerr.UnknownColumn, n.At, "no column %q in %s", name.Name, where)
	list := strings.Join(all, ", ")
	if near := sqlerr.Nearest(name.Name, all); near != "" {
		return e.WithHint("did you mean %q?  columns: %s", near, list)
	}
	return e.WithHint("columns: %s", list)
}

func (r relation) describe() string {
	switch {
	case r.object == nil:
		return r.alias.Name
	case r.object.Kind == ast.Table:
		return "table " + r.object.Name
	default:
		return "stream " + r.object.Name
	}
}
