package operator

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// funcIn are the columns of the rows of the oracle: values, then the constants 2, true, false, 0.3 and ';'.
var funcIn = fields("g:STRING v:BIGINT d:DOUBLE s:STRING b:BOOLEAN p:DECIMAL(30,2) two:INT yes:BOOLEAN no:BOOLEAN" +
	" share:DOUBLE sep:STRING")

// funcRow is the arguments of a call in one row.
type funcRow struct {
	args []string
	time int64
	seq  int
}

func (r funcRow) num(i int) float64 {
	x, err := strconv.ParseFloat(r.args[i], 64)
	if err != nil {
		return math.NaN()
	}
	return x
}

// funcCase is one call and its value over rows in the order of the log.
type funcCase struct {
	fn       string
	args     []int
	distinct bool
	order    []SortKey
	want     func(rows []funcRow) string
}

func text(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

func notNullRows(rows []funcRow, args ...int) []funcRow {
	return slices.DeleteFunc(slices.Clone(rows), func(r funcRow) bool {
		return slices.ContainsFunc(args, func(a int) bool { return r.args[a] == "null" })
	})
}

func ofSome(f func(rows []funcRow) string, args ...int) func([]funcRow) string {
	return func(rows []funcRow) string {
		if rows = notNullRows(rows, args...); len(rows) == 0 {
			return "null"
		}
		return f(rows)
	}
}

// powers are the number, the means and the sums of squares about them.
type powers struct{ n, mx, my, sxx, syy, sxy float64 }

func sums(rows []funcRow) powers {
	n, mx, my := float64(len(rows)), 0.0, 0.0
	for _, r := range rows {
		mx += r.num(0) / n
		if len(r.args) > 1 {
			my += r.num(1) / n
		}
	}
	p := powers{n: n, mx: mx, my: my}
	for _, r := range rows {
		dx, dy := r.num(0)-mx, 0.0
		if len(r.args) > 1 {
			dy = r.num(1) - my
		}
		if sameArg(rows, 0) {
			dx = 0
		}
		if len(r.args) > 1 && sameArg(rows, 1) {
			dy = 0
		}
		p.sxx, p.syy, p.sxy = p.sxx+dx*dx, p.syy+dy*dy, p.sxy+dx*dy
	}
	return p
}

// total is the sum of the first argument.
func (p powers) total() float64 { return p.n * p.mx }

func sameArg(rows []funcRow, i int) bool {
	return !slices.ContainsFunc(rows, func(r funcRow) bool { return r.args[i] != rows[0].args[i] })
}

func spreadCase(fn string, least int, f func(n, sxx float64) float64) funcCase {
	return funcCase{fn: fn, args: []int{2}, want: ofSome(func(rows []funcRow) string {
		if len(rows) < least {
			return "null"
		}
		p := sums(rows)
		return text(f(p.n, p.sxx))
	}, 0)}
}

// pairCase is called with (d, v): d is the dependent column.
func pairCase(fn string, least int, f func(n, mx, my, sxx, syy, sxy float64) float64) funcCase {
	return funcCase{fn: fn, args: []int{2, 1}, want: func(rows []funcRow) string {
		rows = notNullRows(rows, 0, 1)
		p := sums(rows)
		if x := f(p.n, p.mx, p.my, p.sxx, p.syy, p.sxy); len(rows) >= least && x == x {
			return text(x)
		}
		return "null"
	}}
}

func nanIf(bad bool, x float64) float64 {
	if bad {
		return math.NaN()
	}
	return x
}

func list(quote bool, rows []funcRow) string {
	parts := make([]string, len(rows))
	for i, r := range rows {
		parts[i] = r.args[0]
		if quote && parts[i] != "null" {
			parts[i] = strconv.Quote(parts[i])
		}
	}
	return "[" + strings.Join(parts, ",") + "]"
}

func byNumber(rows []funcRow, sign int) []funcRow {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b funcRow) int { return sign * cmp.Compare(a.num(0), b.num(0)) })
	return rows
}

func differentRows(rows []funcRow) []funcRow {
	seen := map[string]bool{}
	return slices.DeleteFunc(slices.Clone(rows), func(r funcRow) bool {
		k := strings.Join(r.args, "|")
		old := seen[k]
		seen[k] = true
		return old
	})
}

func byTime(rows []funcRow) []funcRow {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b funcRow) int { return cmp.Compare(a.time, b.time) })
	return rows
}

func firstText(rows []funcRow) string { return rows[0].args[0] }
func lastText(rows []funcRow) string  { return rows[len(rows)-1].args[0] }

func head(rows []funcRow, n int) []funcRow { return rows[:min(n, len(rows))] }
func tail(rows []funcRow, n int) []funcRow { return rows[max(0, len(rows)-n):] }

var funcCases = []funcCase{
	{fn: "COUNT", args: []int{1}, want: func(r []funcRow) string { return strconv.Itoa(len(notNullRows(r, 0))) }},
	{fn: "COUNT", args: []int{3}, distinct: true, want: func(r []funcRow) string {
		return strconv.Itoa(len(differentRows(notNullRows(r, 0))))
	}},
	{fn: "APPROX_COUNT_DISTINCT", args: []int{3}, want: func(r []funcRow) string {
		return strconv.Itoa(len(differentRows(notNullRows(r, 0))))
	}},
	{fn: "SUM", args: []int{2}, want: ofSome(func(r []funcRow) string { return text(sums(r).total()) }, 0)},
	{fn: "SUM", args: []int{1}, want: ofSome(func(r []funcRow) string { return text(math.Round(sums(r).total())) }, 0)},
	{fn: "SUM", args: []int{1}, distinct: true, want: ofSome(func(r []funcRow) string {
		return text(math.Round(sums(differentRows(r)).total()))
	}, 0)},
	{fn: "SUM", args: []int{5}, distinct: true, want: ofSome(func(r []funcRow) string {
		return fmt.Sprintf("%.2f", sums(differentRows(r)).total())
	}, 0)},
	{fn: "AVG", args: []int{2}, want: ofSome(func(r []funcRow) string { return text(sums(r).mx) }, 0)},
	{fn: "MIN", args: []int{1}, want: ofSome(func(r []funcRow) string { return firstText(byNumber(r, 1)) }, 0)},
	{fn: "MAX", args: []int{5}, want: ofSome(func(r []funcRow) string { return firstText(byNumber(r, -1)) }, 0)},
	{fn: "MAX", args: []int{3}, want: ofSome(func(r []funcRow) string {
		return slices.MaxFunc(r, func(a, b funcRow) int { return cmp.Compare(a.args[0], b.args[0]) }).args[0]
	}, 0)},
	{fn: "BOOL_AND", args: []int{4}, want: ofSome(func(r []funcRow) string {
		return strconv.FormatBool(!slices.ContainsFunc(r, func(r funcRow) bool { return r.args[0] == "false" }))
	}, 0)},
	{fn: "BOOL_OR", args: []int{4}, want: ofSome(func(r []funcRow) string {
		return strconv.FormatBool(slices.ContainsFunc(r, func(r funcRow) bool { return r.args[0] == "true" }))
	}, 0)},
	{fn: "FIRST_VALUE", args: []int{3}, want: ofSome(firstText, 0)},
	{fn: "LAST_VALUE", args: []int{1}, want: ofSome(lastText, 0)},
	{fn: "EARLIEST", args: []int{3}, want: ofSome(func(r []funcRow) string { return firstText(byTime(r)) }, 0)},
	{fn: "LATEST", args: []int{3}, want: ofSome(func(r []funcRow) string { return lastText(byTime(r)) }, 0)},
	{
		fn:   "EARLIEST_BY_OFFSET",
		args: []int{1, 6},
		want: func(r []funcRow) string { return list(false, head(notNullRows(r, 0), 2)) },
	},
	{fn: "LATEST_BY_OFFSET", args: []int{1, 6, 8}, want: func(r []funcRow) string { return list(false, tail(r, 2)) }},
	{fn: "LATEST_BY_OFFSET", args: []int{3, 8}, want: func(r []funcRow) string {
		if len(r) == 0 {
			return "null"
		}
		return lastText(r)
	}},
	{fn: "EARLIEST_BY_OFFSET", args: []int{3, 7}, want: ofSome(firstText, 0)},
	{fn: "ARG_MIN", args: []int{3, 1}, want: ofSome(func(r []funcRow) string {
		return slices.MinFunc(r, func(a, b funcRow) int { return cmp.Compare(a.num(1), b.num(1)) }).args[0]
	}, 0, 1)},
	{fn: "ARG_MAX", args: []int{3, 2}, want: ofSome(func(r []funcRow) string {
		best := r[0]
		for _, x := range r {
			if x.num(1) > best.num(1) {
				best = x
			}
		}
		return best.args[0]
	}, 0, 1)},
	{fn: "ATTR", args: []int{3}, want: func(r []funcRow) string {
		if d := differentRows(r); len(d) == 1 {
			return d[0].args[0]
		}
		return "null"
	}},
	{fn: "MODE", args: []int{1}, want: ofSome(func(r []funcRow) string {
		n := map[string]int{}
		best := ""
		for _, x := range byNumber(r, 1) {
			n[x.args[0]]++
		}
		for _, x := range byNumber(r, 1) {
			if best == "" || n[x.args[0]] > n[best] {
				best = x.args[0]
			}
		}
		return best
	}, 0)},
	{fn: "COLLECT_LIST", args: []int{1}, want: func(r []funcRow) string { return list(false, r) }},
	{fn: "COLLECT_SET", args: []int{3}, want: func(r []funcRow) string { return list(true, differentRows(r)) }},
	{fn: "HISTOGRAM", args: []int{3}, want: func(r []funcRow) string {
		n := map[string]int{}
		for _, x := range notNullRows(r, 0) {
			n[x.args[0]]++
		}
		var parts []string
		for k, c := range n { // sorted below
			parts = append(parts, fmt.Sprintf("%q:%d", k, c))
		}
		slices.Sort(parts)
		return "{" + strings.Join(parts, ",") + "}"
	}},
	{fn: "STRING_AGG", args: []int{3, 10}, want: ofSome(func(r []funcRow) string {
		var parts []string
		for _, x := range r {
			parts = append(parts, x.args[0])
		}
		return strings.Join(parts, ";")
	}, 0)},
	{fn: "COLLECT_LIST", args: []int{1}, order: []SortKey{{Col: 2, Desc: true}, {Col: 1, NullsLast: true}}, want: func(
		r []funcRow,
	) string {
		return list(false, r)
	}},
	{fn: "COLLECT_LIST", args: []int{3}, order: []SortKey{{Col: 1, Desc: true, NullsLast: true}}, want: func(
		r []funcRow,
	) string {
		return list(true, r)
	}},
	{fn: "STRING_AGG", args: []int{3, 10}, order: []SortKey{{Col: 1}}, want: ofSome(func(r []funcRow) string {
		var parts []string
		for _, x := range r {
			parts = append(parts, x.args[0])
		}
		return strings.Join(parts, ";")
	}, 0)},
	{fn: "FIRST_VALUE", args: []int{3}, order: []SortKey{{Col: 1, NullsLast: true}}, want: ofSome(firstText, 0)},
	{fn: "LAST_VALUE", args: []int{3}, order: []SortKey{{Col: 1, Desc: true}}, want: ofSome(lastText, 0)},
	{fn: "TOPK", args: []int{1, 6}, want: func(r []funcRow) string {
		return list(false, head(byNumber(notNullRows(r, 0), -1), 2))
	}},
	{fn: "TOPKDISTINCT", args: []int{1, 6}, want: func(r []funcRow) string {
		return list(false, head(byNumber(differentRows(notNullRows(r, 0)), -1), 2))
	}},
	{fn: "TOPK", args: []int{1, 3, 6}, want: func(r []funcRow) string {
		var parts []string
		for _, x := range head(byNumber(notNullRows(r, 0), -1), 2) {
			s := x.args[1]
			if s != "null" {
				s = strconv.Quote(s)
			}
			parts = append(parts, fmt.Sprintf(`{"sort_col":%s,"col0":%s}`, x.args[0], s))
		}
		return "[" + strings.Join(parts, ",") + "]"
	}},
	{fn: "MEDIAN", args: []int{2}, want: ofSome(func(r []funcRow) string {
		r = byNumber(r, 1)
		return text((r[(len(r)-1)/2].num(0) + r[len(r)/2].num(0)) / 2)
	}, 0)},
	{fn: "PERCENTILE_CONT", args: []int{1, 9}, want: ofSome(func(r []funcRow) string {
		r = byNumber(r, 1)
		at := 0.3 * float64(len(r)-1)
		lo, hi := int(math.Floor(at)), int(math.Ceil(at))
		return text(r[lo].num(0) + (r[hi].num(0)-r[lo].num(0))*(at-float64(lo)))
	}, 0)},
	{fn: "PERCENTILE_DISC", args: []int{1, 9}, want: ofSome(func(r []funcRow) string {
		r = byNumber(r, 1)
		for i, x := range r {
			if float64(i+1)/float64(len(r)) >= 0.3 {
				return x.args[0]
			}
		}
		return "none"
	}, 0)},
	spreadCase("STDDEV", 2, func(n, s float64) float64 { return math.Sqrt(s / (n - 1)) }),
	spreadCase("STDDEV_POP", 1, func(n, s float64) float64 { return math.Sqrt(s / n) }),
	spreadCase("VAR_SAMP", 2, func(n, s float64) float64 { return s / (n - 1) }),
	spreadCase("VAR_POP", 1, func(n, s float64) float64 { return s / n }),
	pairCase("COVAR_POP", 1, func(n, _, _, _, _, xy float64) float64 { return xy / n }),
	pairCase("COVAR_SAMP", 2, func(n, _, _, _, _, xy float64) float64 { return xy / (n - 1) }),
	pairCase("CORR", 2, func(_, _, _, xx, yy, xy float64) float64 {
		return nanIf(xx == 0 || yy == 0, xy/math.Sqrt(xx*yy))
	}),
	pairCase("REGR_SLOPE", 2, func(_, _, _, _, yy, xy float64) float64 { return nanIf(yy == 0, xy/yy) }),
	pairCase("REGR_INTERCEPT", 2, func(_, mx, my, _, yy, xy float64) float64 { return nanIf(yy == 0, mx-xy/yy*my) }),
	pairCase("REGR_SXX", 1, func(_, _, _, _, yy, _ float64) float64 { return yy }),
	pairCase("REGR_SYY", 1, func(_, _, _, xx, _, _ float64) float64 { return xx }),
	pairCase("REGR_AVGX", 1, func(_, _, my, _, _, _ float64) float64 { return my }),
	pairCase("REGR_AVGY", 1, func(_, mx, _, _, _, _ float64) float64 { return mx }),
	pairCase("REGR_COUNT", 0, func(n, _, _, _, _, _ float64) float64 { return n }),
}

// funcSpec is an Aggregate of all cases.
func funcSpec(w Window, emit Emission, retracts bool) *Aggregate {
	s := &Aggregate{
		Keys:      []int{0},
		Window:    w,
		Emit:      emit,
		Retracts:  retracts,
		KeepEmpty: true,
		Schema:    fields("g:STRING"),
	}
	if w.Kind != NoWindow {
		s.Schema.Fields = append(s.Schema.Fields, fields("s:BIGINT e:BIGINT").Fields...)
	}
	for i, c := range funcCases {
		t, err := ResolveAggIn(expr.Leat, c.fn, typesOf(funcIn, c.args))
		if err != nil {
			panic(err)
		}
		s.Aggs = append(s.Aggs, Agg{Func: c.fn, Args: c.args, Distinct: c.distinct, Filter: -1, Order: c.order})
		s.Schema.Fields = append(s.Schema.Fields, vector.Field{Name: "c" + strconv.Itoa(i), Type: t})
	}
	return s
}

func drawFuncRow(t *rapid.T) []string {
	return []string{
		"a", rapid.SampledFrom([]string{"1", "2", "-3", "7", "null"}).Draw(t, "v"),
		rapid.SampledFrom([]string{"0.5", "2.25", "-8", "1000000.1", "null"}).Draw(t, "d"),
		rapid.SampledFrom([]string{"x", "yy", "z", "null"}).Draw(t, "s"),
		rapid.SampledFrom([]string{"true", "false", "null"}).Draw(t, "b"),
		rapid.SampledFrom([]string{"1.50", "-20.25", "3.00", "null"}).Draw(t, "p"), "2", "true", "false", "0.3", ";",
	}
}

// funcWant is the row that the oracle gives for changes: a row is taken back as the last equal list of arguments.
func funcWant(changes []event, c funcCase) string {
	var rows []funcRow
	for n, e := range changes {
		r := funcRow{time: e.time, seq: n}
		for _, a := range c.args {
			r.args = append(r.args, e.values[a])
		}
		for _, k := range c.order {
			r.args = append(r.args, e.values[k.Col])
		}
		if e.op == vector.Insert {
			rows = append(rows, r)
			continue
		}
		same := -1
		for i, x := range rows {
			if slices.Equal(x.args, r.args) && (same < 0 || c.fn != "EARLIEST" && c.fn != "LATEST" ||
				x.time == r.time || rows[same].time != r.time) {
				same = i
			}
		}
		rows = slices.Delete(rows, same, same+1)
	}
	for k, key := range slices.Backward(c.order) {
		slices.SortStableFunc(rows, func(a, b funcRow) int { return byKey(a, b, len(c.args)+k, key) })
	}
	return c.want(rows)
}

// byKey compares two rows by a number that may be null.
func byKey(a, b funcRow, at int, key SortKey) int {
	x, y := a.args[at] == "null", b.args[at] == "null"
	switch {
	case x && y:
		return 0
	case x || y:
		if x == key.NullsLast {
			return 1
		}
		return -1
	case key.Desc:
		return cmp.Compare(b.num(at), a.num(at))
	}
	return cmp.Compare(a.num(at), b.num(at))
}

func TestFunctionsAgainstOracle(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		retracts := rapid.Bool().Draw(rt, "retracts")
		var live, all []event
		for range rapid.IntRange(1, 30).Draw(rt, "n") {
			if len(live) > 0 && retracts && rapid.IntRange(0, 2).Draw(rt, "out") == 0 {
				i := rapid.IntRange(0, len(live)-1).Draw(rt, "which")
				e := live[i]
				e.op = vector.Delete
				all, live = append(all, e), slices.Delete(live, i, i+1)
				continue
			}
			e := event{time: int64(rapid.IntRange(0, 9).Draw(rt, "t")), values: drawFuncRow(rt)}
			all, live = append(all, e), append(live, e)
		}
		r := &recorder{}
		c := build(t, funcIn, r, funcSpec(Window{}, EmitFinal, retracts))
		play(t, c, []*vector.Schema{funcIn}, append(slices.Clone(all), event{wm: true, time: vector.MaxTime}), 7)
		if len(r.rows) != 1 {
			rt.Fatalf("%d rows", len(r.rows))
		}
		got := strings.Fields(r.rows[0])[3:]
		for i, f := range funcCases {
			if d := closeRows([]string{funcWant(all, f)}, []string{got[i]}); d != "" {
				rt.Errorf("%s%v distinct=%v: %s", f.fn, f.args, f.distinct, d)
			}
		}
	})
}

// TestFunctionsOverPanes: states that are merged over the panes of a window give what its rows give.
func TestFunctionsOverPanes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var all []event
		for range rapid.IntRange(1, 30).Draw(rt, "n") {
			all = append(all, event{time: int64(rapid.IntRange(0, 11).Draw(rt, "t")), values: drawFuncRow(rt)})
		}
		w := Window{Kind: Cumulate, SizeMs: 12, AdvanceMs: 4}
		if rapid.Bool().Draw(rt, "session") {
			w = Window{Kind: Session, SizeMs: 100}
		}
		r := &recorder{}
		c := build(t, funcIn, r, funcSpec(w, EmitFinal, false))
		play(t, c, []*vector.Schema{funcIn}, append(slices.Clone(all), event{wm: true, time: vector.MaxTime}), 7)
		got := strings.Fields(r.rows[len(r.rows)-1])[5:]
		for i, f := range funcCases {
			if d := closeRows([]string{funcWant(all, f)}, []string{got[i]}); d != "" {
				rt.Errorf("%s%v distinct=%v: %s", f.fn, f.args, f.distinct, d)
			}
		}
	})
}

func TestFunctionsRestore(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var all []event
		for range rapid.IntRange(1, 30).Draw(rt, "n") {
			e := event{time: int64(rapid.IntRange(0, 9).Draw(rt, "t")), values: drawFuncRow(rt)}
			if rapid.Bool().Draw(rt, "out") {
				e.op = vector.Delete // of a row that may not be there yet
			}
			all = append(all, e)
			if rapid.IntRange(0, 3).Draw(rt, "flush") == 0 {
				all = append(all, event{flush: true})
			}
		}
		checkRestore(t, rt, funcIn, all, funcSpec(Window{}, EmitBatch, true))
		for i := range all {
			all[i].op = vector.Insert
		}
		checkRestore(t, rt, funcIn, all, funcSpec(Window{Kind: Hopping, SizeMs: 6, AdvanceMs: 2}, EmitBatch, false))
	})
}

// TestTakenBackFirst: what comes in any order adds up to what is left.
func TestTakenBackFirst(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var all []event
		for range rapid.IntRange(1, 12).Draw(rt, "n") {
			e := event{values: drawFuncRow(rt)}
			all = append(all, e)
			if rapid.Bool().Draw(rt, "out") {
				e.op = vector.Delete
				all = append(all, e)
			}
		}
		mixed := rapid.Permutation(all).Draw(rt, "order")
		run := func(events []event) []string {
			r := &recorder{}
			spec := funcSpec(Window{}, EmitFinal, true)
			spec.KeepEmpty = false
			play(t, build(t, funcIn, r, spec), []*vector.Schema{funcIn},
				append(slices.Clone(events), event{wm: true, time: vector.MaxTime}), 5)
			for i, row := range r.rows {
				parts := strings.Fields(row)
				for k, f := range funcCases {
					if slices.Contains([]string{
						"FIRST_VALUE", "LAST_VALUE", "EARLIEST", "LATEST", "EARLIEST_BY_OFFSET",
						"LATEST_BY_OFFSET", "ARG_MIN", "ARG_MAX", "COLLECT_LIST", "COLLECT_SET", "STRING_AGG", "TOPK",
					}, f.fn) {
						parts[3+k] = "order"
					}
				}
				r.rows[i] = strings.Join(parts, " ")
			}
			return r.rows
		}
		if d := closeRows(run(all), run(mixed)); d != "" {
			rt.Fatal(gocmp.Diff(run(all), run(mixed)))
		}
	})
}
