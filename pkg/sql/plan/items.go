package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// item is one column of the select list after stars are expanded.
type item struct {
	e    ast.Expr // to bind, or
	col  int      // a column of the input (star)
	name string   // result name, "" for a generated one
	at   ast.Span
	key  bool
	// soft names give way to others that are equal: those of the fields of a STRUCT.
	soft bool
	// short is the name without the prefix of a join's side; it is used where it is the only one (leat).
	short string
}

// expandItems expands stars and names the items.
func (b *Binder) expandItems(q *ast.Query, sc *scope) ([]item, error) {
	var items []item
	for _, it := range q.Items {
		if !it.Star {
			_, field := it.Expr.(*ast.Field)
			items = append(items, item{
				e: it.Expr, col: -1, name: b.itemName(it, sc), at: it.At, key: it.Key,
				soft: field && it.Alias == nil, short: b.shortName(it),
			})
			continue
		}
		cols, err := b.expandStar(q, it, sc)
		if err != nil {
			return nil, err
		}
		items = append(items, cols...)
	}
	return b.nameItems(items, sc)
}

// expandStar lists the columns that *, alias.* or expr->* stands for.
func (b *Binder) expandStar(q *ast.Query, it ast.SelectItem, sc *scope) ([]item, error) {
	if it.Fields {
		return b.expandFields(it, sc)
	}
	var of *ast.Ident
	if n, ok := it.Of.(*ast.Name); ok && len(n.Parts) == 1 {
		of = &n.Parts[0]
	}
	if len(sc.relations) == 0 {
		return nil, sqlerr.New(sqlerr.UnknownObject, it.At,
			"nothing to select: * needs a relation in FROM with columns")
	}
	var items []item
	if of == nil && b.wantsRowKey(sc) {
		items = append(items, item{col: sc.rowkey - 1, name: "ROWKEY", at: it.At})
	}
	known := false
	for _, r := range sc.relations {
		if of != nil && !same(*of, r.alias.Name) {
			continue
		}
		known = true
		for _, i := range b.starColumns(q, sc, r) {
			name := b.starName(sc, r, i)
			if len(sc.relations) > 1 {
				name = b.upper(r.alias) + "_" + name
			}
			items = append(items, item{col: i, name: name, at: it.At})
		}
	}
	if !known {
		return nil, sqlerr.New(sqlerr.UnknownObject, of.At, "no relation %q in FROM", of.Name).
			WithHint("there are: %s", strings.Join(sc.aliasNames(), ", "))
	}
	if len(items) == 0 {
		return nil, sqlerr.New(sqlerr.UnknownObject, it.At,
			"nothing to select: * needs a relation in FROM with columns")
	}
	return items, nil
}

func (s *scope) aliasNames() []string {
	names := make([]string, len(s.relations))
	for i, r := range s.relations {
		names[i] = r.alias.Name
	}
	return names
}

// isBound tells that a column of a relation is a bound of its window.
func (r relation) isBound(n *Node, i int) bool {
	if i == n.WindowStart || i == n.WindowEnd {
		return true
	}
	name := n.Schema.Fields[i].Name
	return r.object != nil && r.object.Windowed && (name == windowStart || name == windowEnd)
}

// starColumns are the columns of a relation that * shows, in order. In the ksql profile a persistent query leaves the
// bounds of a window out unless it joins, other queries show them behind the key, and PARTITION BY moves the old key to
// the end.
func (b *Binder) starColumns(q *ast.Query, sc *scope, r relation) []int {
	var keys, bounds, values []int
	for i := r.from; i < r.to; i++ {
		switch {
		case b.Profile == expr.Ksql && r.isBound(sc.node, i):
			bounds = append(bounds, i)
		case b.Profile == expr.Ksql && r.object != nil && slices.Contains(r.object.Key, i-r.from):
			keys = append(keys, i)
		default:
			values = append(values, i)
		}
	}
	if b.Profile == expr.Ksql && b.Mode == Persistent && len(sc.relations) == 1 {
		bounds = nil
	}
	if q.PartitionBy {
		return append(append(bounds, values...), keys...)
	}
	return append(append(keys, bounds...), values...)
}

// starName is the name under which * shows a column.
func (b *Binder) starName(sc *scope, r relation, i int) string {
	name := sc.node.Schema.Fields[i].Name
	if b.Profile == expr.Ksql && r.isBound(sc.node, i) {
		return map[bool]string{true: "WINDOWSTART", false: "WINDOWEND"}[name == windowStart]
	}
	return name
}

// expandFields lists the fields of a STRUCT: expr->*.
func (b *Binder) expandFields(it ast.SelectItem, sc *scope) ([]item, error) {
	x, err := b.binder(sc).bind(it.Of)
	if err != nil {
		return nil, err
	}
	if x.Type().Kind != vector.Struct {
		return nil, sqlerr.New(sqlerr.TypeMismatch, it.At, "->* wants a STRUCT, this is %s", x.Type())
	}
	var items []item
	for _, f := range x.Type().Fields {
		e := &ast.Field{E: ast.E{At: it.At}, X: it.Of, Name: ast.Ident{Name: f.Name, Quoted: true, At: it.At}}
		items = append(items, item{e: e, col: -1, name: f.Name, at: it.At, soft: true})
	}
	return items, nil
}

// upper is a name as a result carries it: the ksql profile writes unquoted ones in upper case.
func (b *Binder) upper(id ast.Ident) string {
	if b.Profile == expr.Ksql && !id.Quoted {
		return strings.ToUpper(id.Name)
	}
	return id.Name
}

// itemName is the alias, or the column's name, prefixed where a join makes it ambiguous; "" asks for a generated one.
func (b *Binder) itemName(it ast.SelectItem, sc *scope) string {
	if it.Alias != nil {
		return b.upper(*it.Alias)
	}
	switch n := it.Expr.(type) {
	case *ast.Field:
		return b.upper(n.Name)
	case *ast.Name:
		return b.columnName(n, sc)
	default:
		return ""
	}
}

func (b *Binder) columnName(n *ast.Name, sc *scope) string {
	last := n.Parts[len(n.Parts)-1]
	if len(n.Parts) == 2 && len(sc.find(nil, last)) > 1 {
		return b.upper(n.Parts[0]) + "_" + b.upper(last)
	}
	if found := sc.find(nil, last); len(found) > 0 { // the case of the declaration
		return sc.node.Schema.Fields[found[0]].Name
	}
	if _, system := systemColumns[lower(last.Name)]; system && len(n.Parts) == 2 && len(sc.relations) > 1 {
		return b.upper(n.Parts[0]) + "_" + b.upper(last)
	}
	if canon, ok := windowAlias[strings.ToLower(last.Name)]; ok && b.Profile != expr.Ksql {
		return canon
	}
	return b.upper(last)
}

// shortName is the name of t.col without the prefix, "" where the item is none; in ksql the prefix stays.
func (b *Binder) shortName(it ast.SelectItem) string {
	n, ok := it.Expr.(*ast.Name)
	if !ok || it.Alias != nil || len(n.Parts) != 2 || b.Profile == expr.Ksql {
		return ""
	}
	return n.Parts[1].Name
}

// shorten drops the prefix of a join's side where no other item has the name.
func shorten(items []item) {
	names := map[string]int{}
	for _, it := range items {
		name := it.name
		if it.short != "" {
			name = it.short
		}
		names[lower(name)]++
	}
	for i, it := range items {
		if it.short != "" && names[lower(it.short)] == 1 {
			items[i].name = it.short
		}
	}
}

const maxColumns = 200

// generate names the items without a name by their number; a name that a column of FROM or an item has is passed over.
func (b *Binder) generate(items []item, sc *scope) {
	taken := fieldNames(sc.node)
	for _, it := range items {
		taken = append(taken, it.name)
	}
	n := 0
	for i := range items {
		for items[i].name == "" {
			if name := fmt.Sprintf("KSQL_COL_%d", n); !slices.Contains(taken, name) {
				items[i].name = name
			}
			n++
		}
	}
}

// nameItems gives each item a name, and refuses two of the same.
func (b *Binder) nameItems(items []item, sc *scope) ([]item, error) {
	shorten(items)
	b.generate(items, sc)
	taken := map[string]int{}
	if b.Profile == expr.Ksql { // a field does not take the name of a column of the sources either
		for _, f := range sc.node.Schema.Fields {
			taken[f.Name]++
		}
	}
	for i := range items {
		if !items[i].soft {
			taken[items[i].name]++
		}
	}
	seen := map[string]bool{}
	for i := range items {
		it := &items[i]
		name := it.name
		for n := 1; (b.renames || it.soft) && (seen[it.name] || it.soft && taken[it.name] > 0); n++ {
			it.name = fmt.Sprintf("%s_%d", name, n)
		}
		if seen[it.name] {
			return nil, sqlerr.New(sqlerr.Ambiguous, it.at, "two columns of the result are named %q", it.name).
				WithHint("give one of them another name with AS")
		}
		seen[it.name] = true
	}
	if len(items) > maxColumns {
		return nil, sqlerr.New(sqlerr.TooLarge, items[maxColumns].at, "%d columns in the select list; the limit is %d",
			len(items), maxColumns)
	}
	return items, nil
}

// bindItems binds the select list in order; an item's alias is visible in the items behind it.
func (b *Binder) bindItems(eb *exprBinder, items []item) ([]expr.Expr, []string, error) {
	exprs := make([]expr.Expr, len(items))
	names := make([]string, len(items))
	for i, it := range items {
		x, err := bindItem(eb, it)
		if err != nil {
			return nil, nil, err
		}
		if x.Type().Kind == vector.Null {
			return nil, nil, sqlerr.New(sqlerr.TypeMismatch, it.at, "column %q is NULL without a type", it.name).
				WithHint("CAST(NULL AS STRING)")
		}
		if !smaller(x, maxNodes) {
			return nil, nil, sqlerr.New(sqlerr.TooLarge, it.at,
				"column %q has more than %d terms with its aliases put in", it.name, maxNodes)
		}
		x = expr.Settle(x)
		exprs[i], names[i] = x, it.name
		if eb.aliases != nil && it.e != nil {
			eb.aliases[strings.ToLower(it.name)] = x
		}
	}
	return exprs, names, nil
}

func bindItem(eb *exprBinder, it item) (expr.Expr, error) {
	switch {
	case it.col < 0:
		return eb.bind(it.e)
	case eb.star != nil:
		return eb.star(it.col, it.at)
	default:
		return column(eb.scope.node, it.col), nil
	}
}

// itemBinder binds a select list; ksql does not know the alias of an item in the items behind it.
func (b *Binder) itemBinder(sc *scope) *exprBinder {
	eb := b.binder(sc)
	if b.Profile != expr.Ksql {
		eb.aliases = map[string]expr.Expr{}
	}
	return eb
}
