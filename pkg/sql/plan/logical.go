package plan

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Node is a node of the logical plan: a scan of an object, or an operator over its inputs.
type Node struct {
	Scan   *Object       // a leaf, or
	Values [][]expr.Expr // a leaf of constant rows, or
	Spec   operator.Spec // an operator
	Inputs []*Node
	Props
}

// Props is what the planner knows about the rows that leave a node.
type Props struct {
	Schema *vector.Schema
	// Updating: rows may be updates and deletes of a table with Key.
	Updating bool
	Table    bool // the rows are a table's: the last row of a key counts
	Key      []int
	// Retracts: each row that a change replaces is taken back whole, with an UpdateBefore or Delete in front; then the
	// changelog can be read without its key, by value.
	Retracts bool
	// Bag: there is no key, equal rows count each; a change adds a row or takes an equal one back.
	Bag bool
	// KeyAlts lists for a column of Key (by its position) other columns of the same value: of the sides of a join.
	KeyAlts [][]int
	// KeyCols are the columns that hold a part of the key, also where the whole of it is not there.
	KeyCols []int
	// Rekeyed: PARTITION BY gave the rows another key, which places them from here on.
	Rekeyed bool
	// Hidden is the number of columns at the end that are there for the key only: no * shows them.
	Hidden int
	// Part lists columns whose hash places rows on partitions (nil: unknown); Partitions is their number.
	Part       []int
	Partitions int
	// EventTime is the column that holds the event time, or -1.
	EventTime int
	DelayMs   int64
	DelaySet  bool
	// Window columns, or -1.
	WindowStart, WindowEnd int
}

// bag tells that rows have no key and may be equal.
func (n *Node) bag() bool { return n.Updating && n.Bag }

func scanNode(o *Object) *Node {
	n := &Node{Scan: o, Props: Props{
		Schema: o.Schema(), Partitions: max(1, o.Partitions), Key: slices.Clone(o.Key),
		Updating: o.Updating, Table: o.Kind == ast.Table, EventTime: -1, DelayMs: o.DelayMs, DelaySet: o.DelaySet,
		WindowStart: -1, WindowEnd: -1,
	}}
	if p := o.Placement(); len(p) > 0 {
		n.Part = slices.Clone(p)
	}
	for i, c := range o.Columns {
		switch {
		case o.EventTime != "" && c.Name == o.EventTime:
			n.EventTime = i
		case o.Windowed && c.Name == windowStart:
			n.WindowStart = i
		case o.Windowed && c.Name == windowEnd:
			n.WindowEnd = i
		}
	}
	return n
}

// filter puts a Filter on n. Over the changes of a table it follows the keys, so that a row that stops passing is
// deleted; directly behind an Aggregate it is HAVING, which does so by itself.
func filter(n *Node, pred expr.Expr) *Node {
	spec := &operator.Filter{Pred: pred, Schema: n.Schema}
	if _, having := n.Spec.(*operator.Aggregate); n.Updating && !having && !n.Retracts {
		spec.Keys = n.Key
	}
	return &Node{Spec: spec, Inputs: []*Node{n}, Props: n.Props}
}

// project puts a Project on n and carries over what is known of columns that are only copied.
func project(n *Node, exprs []expr.Expr, names []string) *Node {
	s := &vector.Schema{Fields: make([]vector.Field, len(exprs))}
	at := map[int]int{} // input column -> first output column that copies it
	for i, e := range exprs {
		s.Fields[i] = vector.Field{Name: names[i], Type: e.Type()}
		if c, ok := e.(*expr.Column); ok && c.Index >= 0 {
			if _, seen := at[c.Index]; !seen {
				at[c.Index] = i
			}
		}
	}
	p := n.Props
	p.Schema, p.Key, p.Part = s, mapAll(n.Key, at), mapAll(n.Part, at)
	p.KeyCols, p.KeyAlts, p.Hidden, p.Rekeyed = keyCols(n, exprs), nil, 0, false
	for _, alts := range n.KeyAlts {
		p.KeyAlts = append(p.KeyAlts, mapSome(alts, at))
	}
	p.EventTime, p.WindowStart, p.WindowEnd = mapOne(n.EventTime, at), mapOne(n.WindowStart, at),
		mapOne(n.WindowEnd, at)
	return &Node{Spec: &operator.Project{Exprs: exprs, Schema: s, EventTime: -1}, Inputs: []*Node{n}, Props: p}
}

// keyColumns are the columns that hold a part of the key of n.
func keyColumns(n *Node) []int {
	if len(n.KeyCols) == 0 {
		return n.Key
	}
	return n.KeyCols
}

// keyCols are the outputs that copy a column of the key.
func keyCols(n *Node, exprs []expr.Expr) []int {
	from := keyColumns(n)
	var out []int
	for i, e := range exprs {
		if c, ok := e.(*expr.Column); ok && slices.Contains(from, c.Index) {
			out = append(out, i)
		}
	}
	return out
}

// mapAll maps columns; nil unless every one has a place.
func mapAll(cols []int, at map[int]int) []int {
	out := make([]int, 0, len(cols))
	for _, c := range cols {
		o, ok := at[c]
		if !ok {
			return nil
		}
		out = append(out, o)
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// mapSome maps the columns that have a place.
func mapSome(cols []int, at map[int]int) []int {
	var out []int
	for _, c := range cols {
		if o, ok := at[c]; ok {
			out = append(out, o)
		}
	}
	return out
}

func mapOne(col int, at map[int]int) int {
	if o, ok := at[col]; ok && col >= 0 {
		return o
	}
	return -1
}

// identity returns column references of all columns of n, with their names.
func identity(n *Node) ([]expr.Expr, []string) {
	exprs := make([]expr.Expr, len(n.Schema.Fields))
	names := make([]string, len(exprs))
	for i, f := range n.Schema.Fields {
		exprs[i], names[i] = column(n, i), f.Name
	}
	return exprs, names
}

func column(n *Node, i int) *expr.Column {
	return &expr.Column{Index: i, Name: n.Schema.Fields[i].Name, T: n.Schema.Fields[i].Type}
}
