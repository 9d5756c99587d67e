package operator

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/expr"
)

// TakeOver gives the operators of a new chain the state of those of an old one, where the text of a query was replaced:
// filters and projections may differ, an operator with state must find one like it. Where the columns of a kept table
// have changed, the table begins anew.
func TakeOver(c, old *Chain) error {
	next := 0
	for i, spec := range c.specs {
		if holdsNothing(spec) {
			continue
		}
		j := next
		for j < len(old.specs) && reflect.TypeOf(old.specs[j]) != reflect.TypeOf(spec) {
			j++
		}
		if j == len(old.specs) {
			if tracks(spec) {
				continue
			}
			return fmt.Errorf("the new text has a %T that the old one has not; its state cannot be carried over", spec)
		}
		next = j + 1
		if err := like(spec, old.specs[j]); err != nil {
			return err
		}
		if a, b := arguments(c.specs, i), arguments(old.specs, j); !slices.Equal(a, b) {
			return fmt.Errorf("the new text aggregates %s, the old one %s; the state cannot be carried over",
				strings.Join(a, ", "), strings.Join(b, ", "))
		}
		if !sameTable(spec, old.specs[j]) {
			continue
		}
		if err := c.nodes[i].op.Restore(old.nodes[j].op.Snapshot(nil)); err != nil {
			return fmt.Errorf("carry over the state of %T: %w", spec, err)
		}
	}
	for j := next; j < len(old.specs); j++ {
		if !holdsNothing(old.specs[j]) && !tracks(old.specs[j]) {
			return fmt.Errorf("the old text has a %T that the new one has not", old.specs[j])
		}
	}
	c.wm, c.outWM = old.wm, old.outWM
	c.setAppendTime(old.appendTime)
	return nil
}

// holdsNothing tells of an operator that needs nothing of the one before it.
func holdsNothing(s Spec) bool {
	switch s := s.(type) {
	case *Filter:
		return len(s.Keys) == 0
	case *Project, *ToStream:
		return true
	}
	return false
}

// tracks tells of an operator that only remembers which keys it let through: it may begin anew.
func tracks(s Spec) bool {
	_, ok := s.(*Filter)
	return ok
}

// sameTable tells that the rows two specs keep have the same columns.
func sameTable(a, b Spec) bool {
	x, okX := a.(*Materialize)
	y, okY := b.(*Materialize)
	return !okX || !okY || reflect.DeepEqual(x.Schema, y.Schema) && reflect.DeepEqual(x.Keys, y.Keys)
}

// like wants the aggregates of two texts to be the same ones.
func like(a, b Spec) error {
	x, okX := a.(*Aggregate)
	y, okY := b.(*Aggregate)
	if !okX || !okY {
		return nil
	}
	same := len(x.Keys) == len(y.Keys) && len(x.Aggs) == len(y.Aggs) && x.Window == y.Window
	for i := 0; same && i < len(x.Aggs); i++ {
		same = x.Aggs[i].Func == y.Aggs[i].Func && x.Aggs[i].Distinct == y.Aggs[i].Distinct &&
			len(x.Aggs[i].Args) == len(y.Aggs[i].Args) && x.Aggs[i].T.Equal(y.Aggs[i].T) &&
			slices.EqualFunc(x.Aggs[i].Order, y.Aggs[i].Order, sameWay)
	}
	if !same {
		return fmt.Errorf("the new text groups or aggregates otherwise; the state cannot be carried over")
	}
	return nil
}

// arguments are the texts of what the Aggregate at place i computes over: of columns of the Project in front of it,
// their expressions.
func arguments(specs []Spec, i int) []string {
	a, ok := specs[i].(*Aggregate)
	if !ok {
		return nil
	}
	var exprs []expr.Expr
	for k := i - 1; k >= 0 && exprs == nil; k-- {
		switch s := specs[k].(type) {
		case *Project:
			exprs = s.Exprs
		case *Filter: // its columns are those of the Project
		default:
			return nil
		}
	}
	text := func(col int) string {
		if col < 0 || col >= len(exprs) {
			return "*"
		}
		return exprs[col].String()
	}
	out := make([]string, 0, len(a.Aggs))
	for _, g := range a.Aggs {
		parts := make([]string, len(g.Args))
		for k, col := range g.Args {
			parts[k] = text(col)
		}
		var one strings.Builder
		one.WriteString(g.Func + "(" + strings.Join(parts, ", ") + ")")
		if g.Filter >= 0 {
			one.WriteString(" FILTER (" + text(g.Filter) + ")")
		}
		for _, k := range g.Order {
			one.WriteString(" BY " + text(k.Col))
		}
		out = append(out, one.String())
	}
	return out
}

// sameWay compares two sort keys but for the number of the column.
func sameWay(x, y SortKey) bool { return x.Desc == y.Desc && x.NullsLast == y.NullsLast }
