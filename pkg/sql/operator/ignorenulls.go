package operator

import (
	"errors"
	"slices"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// passesNulls are the window functions that can pass over rows in which their first argument is null: each finds its
// row in the list of the others. at is the number of those before row i, lo and hi that of those before the frame and
// before its end.
var passesNulls = map[string]func(s nullSearch) int64{
	"LAG": func(s nullSearch) int64 { return addSat(s.at, -s.n) },
	"LEAD": func(s nullSearch) int64 {
		if s.here {
			return addSat(s.at, s.n)
		}
		return addSat(s.at, s.n-1)
	},
	"FIRST_VALUE": func(s nullSearch) int64 { return s.lo },
	"LAST_VALUE":  func(s nullSearch) int64 { return s.hi - 1 },
	"NTH_VALUE":   func(s nullSearch) int64 { return addSat(s.lo, s.n-1) },
}

// nullSearch is what a row is found by.
type nullSearch struct {
	at, lo, hi int64
	n          int64 // the second argument, or 1
	here       bool  // row i is in the list itself
}

var errIgnoreNulls = errors.New("IGNORE NULLS belongs to LAG, LEAD, FIRST_VALUE, LAST_VALUE and NTH_VALUE")

// passingNulls computes a function with IGNORE NULLS for the rows of a partition.
func (c *tableCall) passingNulls(b *vector.Batch, p *peerEdges, out *vector.Vector) {
	x, args := b.Cols[c.spec.Args[0]], c.spec.Args
	var list []int
	for i := range p.n {
		if !isNull(x, i) {
			list = append(list, i)
		}
	}
	before := func(i int) int64 {
		k, _ := slices.BinarySearch(list, i)
		return int64(k)
	}
	shifts := c.name == "LAG" || c.name == "LEAD"
	f := frameEdges{c: c, b: b, p: p}
	for i := range p.n {
		s := nullSearch{at: before(i), lo: 0, hi: int64(len(list)), n: 1, here: !isNull(x, i)}
		if len(args) > 1 {
			v := b.Cols[args[1]]
			if isNull(v, i) || !shifts && v.I64[i] < 1 {
				vector.AppendNull(out)
				continue
			}
			s.n = v.I64[i]
		}
		if !shifts {
			lo, hi := f.of(i)
			s.lo, s.hi = before(lo), before(hi)
		}
		switch k := passesNulls[c.name](s); {
		case shifts && s.n == 0:
			appendCell(out, x, i)
		case k >= s.lo && k < s.hi:
			appendCell(out, x, list[k])
		case shifts && len(args) > 2:
			appendCell(out, b.Cols[args[2]], i)
		default:
			vector.AppendNull(out)
		}
	}
}
