package operator

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// sortedCalls are the aggregates whose result depends on the order in which rows come.
var sortedCalls = []string{"FIRST_VALUE", "LAST_VALUE", "COLLECT_LIST", "COLLECT_SET", "STRING_AGG", "HISTOGRAM"}

// OrderMatters reports whether ORDER BY inside of an aggregate changes its result.
func OrderMatters(name string) bool {
	f := findAgg(name)
	return f != nil && slices.Contains(sortedCalls, f.Name)
}

// sortedState keeps the rows of an aggregate in the order that ORDER BY inside of it asks for, equal ones as they came,
// and gives them to the aggregate in that order when its result is wanted.
type sortedState struct {
	rows  rankedState
	keys  []SortKey // columns are numbers of arguments
	args  int       // arguments of the aggregate; those that are sorted by alone follow
	most  int       // rows that matter; 0: rows may be taken back, and all are kept
	last  bool      // the last rows matter, not the first
	fresh func() aggState
	batch vector.Batch
	buf   []byte
}

// sortBy makes d sort the rows of c by keys, columns of in.
func (d *aggDef) sortBy(c *aggCall, keys []SortKey, in *vector.Schema) error {
	args, by := slices.Clone(d.args), make([]SortKey, len(keys))
	types := slices.Clone(c.in)
	for i, k := range keys {
		if k.Col < 0 || k.Col >= len(in.Fields) {
			return fmt.Errorf("%s: no sort column %d", d.name, k.Col)
		}
		if !ordered(in.Fields[k.Col].Type) {
			return fmt.Errorf("%s: %s has no order", d.name, in.Fields[k.Col].Type)
		}
		at := slices.Index(args, k.Col)
		if at < 0 {
			if d.distinct {
				return errors.New("with DISTINCT, ORDER BY inside of an aggregate sorts by its arguments only")
			}
			at = len(args)
			args, types = append(args, k.Col), append(types, in.Fields[k.Col].Type)
		}
		by[i] = k
		by[i].Col = at
	}
	most := 0
	if !c.retracts {
		most = c.limit
	}
	last := strings.EqualFold(c.name, "LAST_VALUE")
	if picks := last || strings.EqualFold(c.name, "FIRST_VALUE"); picks && most > 0 && len(c.in) == 1 {
		most = 1
	}
	n, fresh := len(c.in), c.fresh
	c.fresh = func() aggState {
		return &sortedState{
			rows: rankedState{all: true, keep: types}, keys: by, args: n, most: most, last: last, fresh: fresh,
		}
	}
	d.args, d.kind, c.in = args, kindState, types
	return nil
}

func (s *sortedState) add(x *aggRow, sign int64) {
	s.batch.Cols = x.args
	s.rows.key = sortKey(s.rows.key[:0], &s.batch, s.keys, x.i)
	s.buf = s.buf[:0]
	for _, v := range x.args {
		s.buf = appendRaw(s.buf, v, x.i)
	}
	s.batch.Cols = nil
	e := ranked{seq: x.seq}
	if s.full() && sign > 0 { // most rows are dropped again: do not make strings of them
		e.key = string(s.rows.key)
		if s.useless(&e) {
			return
		}
	}
	e.key, e.val = string(s.rows.key), string(s.buf)
	s.rows.change(e, sign, x.exact)
	s.trim()
}

func (s *sortedState) full() bool { return s.most > 0 && s.rows.list.n >= s.most }

// useless reports whether a row would be dropped at once.
func (s *sortedState) useless(e *ranked) bool {
	if s.last {
		return compareRanked(e, s.rows.list.get(place{})) < 0
	}
	return compareRanked(e, s.rows.list.get(s.rows.list.last())) > 0
}

// trim drops the rows that do not matter.
func (s *sortedState) trim() {
	for s.most > 0 && s.rows.list.n > s.most {
		at := s.rows.list.last()
		if s.last {
			at = place{}
		}
		e := s.rows.list.get(at)
		s.rows.size -= 48 + len(e.key) + len(e.val)
		s.rows.list.remove(at)
	}
}

func (s *sortedState) merge(o aggState) {
	if other, ok := o.(*sortedState); ok {
		s.rows.merge(&other.rows)
		s.trim()
	}
}

func (s *sortedState) result(out *vector.Vector) bool {
	st := s.fresh()
	cols := make([]*vector.Vector, len(s.rows.keep))
	for i, t := range s.rows.keep {
		cols[i] = vector.NewVector(t, s.rows.list.n)
	}
	s.rows.list.each(func(e *ranked) bool {
		val := []byte(e.val)
		for _, v := range cols {
			val = readValue(v, val)
		}
		return true
	})
	x := aggRow{args: cols[:s.args]}
	for x.i = range s.rows.list.n {
		x.seq = int64(x.i)
		st.add(&x, 1)
	}
	return st.result(out)
}

func (s *sortedState) snapshot(dst []byte) []byte { return s.rows.snapshot(dst) }
func (s *sortedState) restore(r *reader)          { s.rows.restore(r) }
func (s *sortedState) bytes() int                 { return 160 + cap(s.buf) + s.rows.bytes() }
