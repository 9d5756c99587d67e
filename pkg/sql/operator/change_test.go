package operator

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// changeIn are the columns of random changelogs: a key, a partition and a value.
var changeIn = fields("id:INT p:STRING v:BIGINT")

// changeLog is a random changelog in three forms: the rows that are taken back by value, those by key, and after each
// step the rows that are there, in the order in which they came.
type changeLog struct {
	retracting, upserts []event
	after               [][]event
}

func drawChanges(t *rapid.T) *changeLog {
	l := &changeLog{}
	var rows []event
	for range rapid.IntRange(1, 12).Draw(t, "steps") {
		for range rapid.IntRange(1, 4).Draw(t, "changes") {
			e := event{time: int64(rapid.IntRange(0, 30).Draw(t, "t")), values: []string{
				strconv.Itoa(rapid.IntRange(1, 6).Draw(t, "id")),
				rapid.SampledFrom([]string{"a", "b", "null"}).Draw(t, "p"),
				rapid.SampledFrom([]string{"1", "2", "3", "-4", "null"}).Draw(t, "v"),
			}}
			at := slices.IndexFunc(rows, func(r event) bool { return r.values[0] == e.values[0] })
			out := rapid.IntRange(0, 3).Draw(t, "out") == 0
			switch {
			case at < 0 && out:
				e.op = vector.Delete // of a key that is not there
				l.upserts = append(l.upserts, e)
			case at < 0:
				l.upserts, l.retracting = append(l.upserts, e), append(l.retracting, e)
				rows = append(rows, e)
			case out:
				old := rows[at]
				old.op, e.op = vector.Delete, vector.Delete
				e.values = []string{e.values[0], "null", "null"}
				l.upserts, l.retracting = append(l.upserts, e), append(l.retracting, old)
				rows = slices.Delete(rows, at, at+1)
			default:
				old := rows[at]
				old.op = vector.UpdateBefore
				l.retracting = append(l.retracting, old)
				e.op = vector.UpdateAfter
				l.upserts, l.retracting = append(l.upserts, e), append(l.retracting, e)
				e.op = vector.Insert
				if slices.Equal(old.values, e.values) {
					continue // it keeps its place
				}
				rows = append(slices.Delete(rows, at, at+1), e)
			}
		}
		l.upserts, l.retracting = append(l.upserts, event{flush: true}), append(l.retracting, event{flush: true})
		l.after = append(l.after, slices.Clone(rows))
	}
	return l
}

// fold is the rows that a changelog of whole rows leaves, sorted; times do not matter. It fails where a row is taken
// back that is not there.
func fold(t *rapid.T, rows []string) []string {
	n := map[string]int{}
	for _, r := range rows {
		f := strings.Fields(r)
		row := strings.Join(f[2:], " ")
		if f[0] == "+" || f[0] == "^" {
			n[row]++
		} else if n[row]--; n[row] < 0 {
			t.Fatalf("%s is taken back and is not there", row)
		}
	}
	out := []string{}
	for r, k := range n { // sorted below
		out = append(out, slices.Repeat([]string{r}, k)...)
	}
	slices.Sort(out)
	return out
}

// check plays events step by step and compares what the output folds to with what want makes of the rows; in
// the end it does the same with restored operators.
func (l *changeLog) check(t *testing.T, rt *rapid.T, events []event, spec Spec, want func(rows []event) []string) {
	t.Helper()
	r := &recorder{}
	c := build(t, changeIn, r, spec)
	step := 0
	var part []event
	for _, e := range events {
		part = append(part, e)
		if !e.flush {
			continue
		}
		play(t, c, []*vector.Schema{changeIn}, part, 3)
		part = nil
		expect := want(l.after[step])
		slices.Sort(expect)
		if expect == nil {
			expect = []string{}
		}
		if d := gocmp.Diff(expect, fold(rt, r.rows)); d != "" {
			rt.Fatalf("step %d: -want +got\n%s\n%v", step, d, r.rows)
		}
		step++
	}
	checkRestore(t, rt, changeIn, events, spec)
}

func rowOf(e event) string { return strings.Join(e.values, " ") }

func changeRows(rows []event) []string {
	var out []string
	for _, e := range rows {
		out = append(out, rowOf(e))
	}
	return out
}

// TestRetractOperator: an upsert changelog becomes one that says what it replaces.
func TestRetractOperator(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		l := drawChanges(rt)
		l.check(t, rt, l.upserts, &Retract{Keys: []int{0}, Schema: changeIn}, changeRows)
	})
}

// TestSettle: the changes of a key in any order end with the row that is left.
func TestSettle(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		l := drawChanges(rt)
		rows := slices.DeleteFunc(slices.Clone(l.retracting), func(e event) bool { return e.flush })
		mixed := rapid.Permutation(rows).Draw(rt, "order")
		var events []event
		for _, e := range mixed {
			if events = append(events, e); rapid.Bool().Draw(rt, "step") {
				events = append(events, event{flush: true})
			}
		}
		r := &recorder{}
		s := &Settle{Keys: []int{0}, Schema: changeIn}
		play(t, build(t, changeIn, r, s), []*vector.Schema{changeIn}, append(events, event{flush: true}), 4)
		want := changeRows(l.after[len(l.after)-1])
		slices.Sort(want)
		table := map[string]string{}
		for _, row := range r.rows {
			f := strings.Fields(row)
			_, there := table[f[2]]
			if (f[0] == "+") == there || f[0] == "-" {
				rt.Fatalf("%s while there = %v", row, there)
			}
			table[f[2]] = strings.Join(f[2:], " ")
			if f[0] == "x" {
				delete(table, f[2])
			}
		}
		var got []string
		for _, v := range table { // sorted below
			got = append(got, v)
		}
		slices.Sort(got)
		if d := gocmp.Diff(want, got); d != "" {
			rt.Fatalf("-want +got\n%s", d)
		}
		checkRestore(t, rt, changeIn, events, s)
	})
}

func cellOrder(a, b string) int {
	x, err1 := strconv.Atoi(a)
	y, err2 := strconv.Atoi(b)
	switch {
	case err1 != nil || err2 != nil:
		return cmp.Compare(b, a) // "null" is before the digits
	default:
		return cmp.Compare(x, y)
	}
}

// partitionsOf splits rows by their partition, each in order of v.
func partitionsOf(rows []event, desc bool) [][]event {
	var out [][]event
	for _, p := range []string{"a", "b", "null"} {
		part := slices.DeleteFunc(slices.Clone(rows), func(e event) bool { return e.values[1] != p })
		slices.SortStableFunc(part, func(a, b event) int {
			switch x, y := a.values[2], b.values[2]; {
			case x == y:
				return 0
			case x == "null":
				return -1
			case y == "null":
				return 1
			case desc:
				return cellOrder(y, x)
			default:
				return cellOrder(x, y)
			}
		})
		out = append(out, part)
	}
	return out
}

func TestTopNAgainstModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		l := drawChanges(rt)
		spec := &TopN{
			Partition: []int{1}, N: int64(rapid.IntRange(0, 3).Draw(rt, "n")), WindowEnd: -1,
			Order:  []SortKey{{Col: 2, Desc: rapid.Bool().Draw(rt, "desc")}},
			Rank:   rapid.SampledFrom([]Rank{RowNumber, RankWithGaps, DenseRank}).Draw(rt, "rank"),
			Number: rapid.Bool().Draw(rt, "number"), Schema: changeIn,
		}
		if spec.Number {
			spec.Schema = fields("id:INT p:STRING v:BIGINT n:BIGINT")
		}
		want := func(rows []event) []string {
			var out []string
			for _, part := range partitionsOf(rows, spec.Order[0].Desc) {
				rank, dense := 0, 0
				for i, e := range part {
					if i == 0 || part[i-1].values[2] != e.values[2] {
						rank, dense = i+1, dense+1
					}
					n := map[Rank]int{RowNumber: i + 1, RankWithGaps: rank, DenseRank: dense}[spec.Rank]
					if int64(n) > spec.N {
						break
					}
					row := rowOf(e)
					if spec.Number {
						row += " " + strconv.Itoa(n)
					}
					out = append(out, row)
				}
			}
			return out
		}
		switch rapid.IntRange(0, 2).Draw(rt, "input") {
		case 0:
			spec.Key = []int{0}
			l.check(t, rt, l.upserts, spec, want)
		case 1:
			spec.Retracts = true
			l.byValue().check(t, rt, l.retracting, spec, want)
		default: // a stream: only what comes in
			var rows []event
			s := &changeLog{}
			for _, e := range l.retracting {
				if e.op != vector.Insert {
					continue
				}
				s.retracting = append(s.retracting, e)
				if e.flush {
					s.after = append(s.after, slices.Clone(rows))
				} else {
					rows = append(rows, e)
				}
			}
			s.check(t, rt, s.retracting, spec, want)
		}
	})
}

// byValue is the log as readers by value see it: a row that is replaced by an equal one moves to the end.
func (l *changeLog) byValue() *changeLog {
	out := &changeLog{retracting: l.retracting}
	var rows []event
	for _, e := range l.retracting {
		switch {
		case e.flush:
			out.after = append(out.after, slices.Clone(rows))
		case e.op == vector.Insert || e.op == vector.UpdateAfter:
			rows = append(rows, e)
		default:
			at := -1
			for i, r := range rows {
				if slices.Equal(r.values, e.values) {
					at = i
				}
			}
			rows = slices.Delete(rows, at, at+1)
		}
	}
	return out
}

// windowCase is a window function with the frame of a TableOverAgg, and its value for row i of a partition.
type windowCase struct {
	agg  TableOverAgg
	want func(part []event, i int) string
}

func peersOf(part []event, i int) (int, int) {
	lo, hi := i, i+1
	for lo > 0 && part[lo-1].values[2] == part[i].values[2] {
		lo--
	}
	for hi < len(part) && part[hi].values[2] == part[i].values[2] {
		hi++
	}
	return lo, hi
}

func frameOf(a TableOverAgg, desc bool, part []event, i int) []event {
	lo, hi := 0, len(part)
	start, end := peersOf(part, i)
	v, err := strconv.Atoi(part[i].values[2])
	inRange := func(e event, off int64, from bool) bool {
		x, bad := strconv.Atoi(e.values[2])
		if bad != nil {
			return false
		}
		d := int64(x - v)
		if desc {
			d = -d
		}
		return from && d >= off || !from && d <= off
	}
	if a.Rows {
		if !a.From.Unbounded {
			lo = max(0, min(len(part), i+int(a.From.Offset)))
		}
		if !a.To.Unbounded {
			hi = max(0, min(len(part), i+int(a.To.Offset)+1))
		}
		return part[lo:max(lo, hi)]
	}
	var out []event
	for k, e := range part {
		after, before := a.From.Unbounded, a.To.Unbounded
		if !after {
			after = k >= start && (a.From.Offset == 0 || err != nil) ||
				a.From.Offset != 0 && err == nil && inRange(e, a.From.Offset, true)
		}
		if !before {
			before = k < end && (a.To.Offset == 0 || err != nil) ||
				a.To.Offset != 0 && err == nil && (inRange(e, a.To.Offset, false) || e.values[2] == "null")
		}
		if after && before {
			out = append(out, e)
		}
	}
	return out
}

func windowCases(desc bool) []windowCase {
	num := func(f func(part []event, i int) int) func([]event, int) string {
		return func(part []event, i int) string { return strconv.Itoa(f(part, i)) }
	}
	cases := []windowCase{
		{TableOverAgg{Func: "ROW_NUMBER"}, num(func(_ []event, i int) int { return i + 1 })},
		{TableOverAgg{Func: "RANK"}, num(func(p []event, i int) int { lo, _ := peersOf(p, i); return lo + 1 })},
		{TableOverAgg{Func: "DENSE_RANK"}, num(func(p []event, i int) int {
			n := 1
			for k := 1; k <= i; k++ {
				if p[k].values[2] != p[k-1].values[2] {
					n++
				}
			}
			return n
		})},
		{TableOverAgg{Func: "PERCENT_RANK"}, func(p []event, i int) string {
			lo, _ := peersOf(p, i)
			return text(float64(lo) / float64(max(1, len(p)-1)))
		}},
		{TableOverAgg{Func: "CUME_DIST"}, func(p []event, i int) string {
			_, hi := peersOf(p, i)
			return text(float64(hi) / float64(len(p)))
		}},
		{TableOverAgg{Func: "LAG", Args: []int{0}}, func(p []event, i int) string {
			if i == 0 {
				return "null"
			}
			return p[i-1].values[0]
		}},
		{TableOverAgg{Func: "LEAD", Args: []int{2, 0, 0}}, func(p []event, i int) string {
			n, _ := strconv.Atoi(p[i].values[0])
			if i+n >= len(p) {
				return p[i].values[0]
			}
			return p[i+n].values[2]
		}},
		{TableOverAgg{Func: "NTILE", Args: []int{0}}, num(func(p []event, i int) int {
			k, _ := strconv.Atoi(p[i].values[0])
			var sizes []int
			for t := range k {
				n := len(p) / k
				if t < len(p)%k {
					n++
				}
				sizes = append(sizes, n)
			}
			for t, n := range sizes {
				if i -= n; i < 0 {
					return t + 1
				}
			}
			return 0
		})},
	}
	for _, b := range []TableOverAgg{
		{From: FrameBound{Unbounded: true}},
		{From: FrameBound{Unbounded: true}, To: FrameBound{Unbounded: true}},
		{Rows: true, From: FrameBound{Offset: -1}, To: FrameBound{Offset: 1}},
		{Rows: true, From: FrameBound{Offset: 1}, To: FrameBound{Offset: 2}},
		{Rows: true, From: FrameBound{Offset: -2}, To: FrameBound{Offset: -1}},
		{From: FrameBound{Offset: -1}, To: FrameBound{Offset: 2}},
		{From: FrameBound{Offset: 1}, To: FrameBound{Unbounded: true}},
	} {
		for _, fn := range []string{"COUNT", "SUM", "MAX", "FIRST_VALUE", "LAST_VALUE", "NTH_VALUE"} {
			a := b
			a.Func, a.Args = fn, []int{2}
			if fn == "NTH_VALUE" {
				a.Args = []int{2, 0}
			}
			cases = append(cases, windowCase{a, func(p []event, i int) string {
				return frameValue(fn, frameOf(a, desc, p, i), p[i])
			}})
		}
	}
	return cases
}

func frameValue(fn string, f []event, cur event) string {
	n, sum, best := 0, 0, "null"
	for _, e := range f {
		x, err := strconv.Atoi(e.values[2])
		if err != nil {
			continue
		}
		n, sum = n+1, sum+x
		if b, err := strconv.Atoi(best); err != nil || x > b {
			best = e.values[2]
		}
	}
	k, _ := strconv.Atoi(cur.values[0])
	switch {
	case fn == "COUNT":
		return strconv.Itoa(n)
	case fn == "SUM" && n > 0:
		return strconv.Itoa(sum)
	case fn == "MAX":
		return best
	case fn == "FIRST_VALUE" && len(f) > 0:
		return f[0].values[2]
	case fn == "LAST_VALUE" && len(f) > 0:
		return f[len(f)-1].values[2]
	case fn == "NTH_VALUE" && k <= len(f):
		return f[k-1].values[2]
	}
	return "null"
}

func TestTableOverAgainstModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		l := drawChanges(rt)
		desc := rapid.Bool().Draw(rt, "desc")
		cases := windowCases(desc)
		spec := &TableOver{
			Partition: []int{1}, Order: []SortKey{{Col: 2, Desc: desc}}, WindowEnd: -1,
			Schema: &vector.Schema{Fields: slices.Clone(changeIn.Fields)},
		}
		for i := range cases {
			a := &cases[i].agg
			a.Filter = -1
			typ, err := tableOverType(a.Func, typesOf(changeIn, a.Args))
			if err != nil {
				rt.Fatal(err)
			}
			a.T = typ
			spec.Aggs = append(spec.Aggs, *a)
			spec.Schema.Fields = append(spec.Schema.Fields, vector.Field{Name: fmt.Sprint("c", i), Type: typ})
		}
		want := func(rows []event) []string {
			var out []string
			for _, part := range partitionsOf(rows, desc) {
				for i, e := range part {
					row := rowOf(e)
					for _, c := range cases {
						row += " " + c.want(part, i)
					}
					out = append(out, row)
				}
			}
			return out
		}
		if rapid.Bool().Draw(rt, "key") {
			spec.Key = []int{0}
			l.check(t, rt, l.upserts, spec, want)
			return
		}
		spec.Retracts = true
		l.byValue().check(t, rt, l.retracting, spec, want)
	})
}

// tableOverType returns the result type of a window function of a TableOver over arguments of the given types.
func tableOverType(name string, args []vector.Type) (vector.Type, error) {
	switch name = strings.ToUpper(name); {
	case windowFuncs[name] == nil:
		return ResolveAggIn(expr.Leat, name, args)
	case name == "PERCENT_RANK" || name == "CUME_DIST":
		return vector.TDouble, nil
	case name == "ROW_NUMBER" || name == "RANK" || name == "DENSE_RANK" || name == "NTILE":
		return vector.TBigInt, nil
	case len(args) == 0:
		return vector.TNull, fmt.Errorf("%s needs an argument", name)
	default:
		return args[0], nil
	}
}
