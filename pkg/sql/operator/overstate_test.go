package operator

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// stateCalls are window functions of over that keep more than words; stateWant computes the same.
var stateCalls = []OverAgg{
	{Func: "RANK"},
	{Func: "DENSE_RANK"},
	{Func: "LAG", Args: []int{1}},
	{Func: "LAG", Args: []int{3, 1, 3}},
	{Func: "LEAD", Args: []int{1}},
	{Func: "MEDIAN", Args: []int{1}},
	{Func: "COLLECT_LIST", Args: []int{1}},
	{Func: "ARG_MAX", Args: []int{3, 1}},
}

func stateSpec(frame OverAgg) *Over {
	o := &Over{Partition: []int{0}, Schema: &vector.Schema{Fields: slices.Clone(overIn.Fields)}}
	for i, a := range stateCalls {
		a.RangeMs, a.Rows, a.ByRows = frame.RangeMs, frame.Rows, frame.ByRows
		t, err := ResolveOver(a.Func, typesOf(overIn, a.Args))
		if err != nil {
			panic(err)
		}
		o.Aggs = append(o.Aggs, a)
		o.Schema.Fields = append(o.Schema.Fields, vector.Field{Name: fmt.Sprint("c", i), Type: t})
	}
	return o
}

// stateWant is the results for row i of a partition in order.
func stateWant(part []event, i int, frame OverAgg) []string {
	e := part[i]
	rank, dense := 1, 1
	for k := 1; k <= i; k++ {
		if part[k].time != part[k-1].time {
			rank, dense = k+1, dense+1
		}
	}
	lag := "null"
	if i > 0 {
		lag = part[i-1].values[1]
	}
	far := "null"
	if n, err := strconv.Atoi(e.values[1]); err == nil && n >= 0 {
		if far = e.values[3]; i >= n {
			far = part[i-n].values[3]
		}
	}
	f := inFrame(part, i, frame)
	var nums []float64
	best, arg := -1<<60, "null"
	list := []string{}
	for _, r := range f {
		list = append(list, r.values[1])
		n, err := strconv.Atoi(r.values[1])
		if err != nil {
			continue
		}
		nums = append(nums, float64(n))
		if r.values[3] != "null" && n > best {
			best, arg = n, r.values[3]
		}
	}
	slices.Sort(nums)
	median := "null"
	if n := len(nums); n > 0 {
		median = text((nums[(n-1)/2] + nums[n/2]) / 2)
	}
	return []string{
		strconv.Itoa(rank), strconv.Itoa(dense), lag, far, "null", median, "[" + strings.Join(list, ",") + "]", arg,
	}
}

func TestOverStatesAgainstModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		frame := drawFrame(rt)
		events := slices.DeleteFunc(drawOver(rt), func(e event) bool { return e.wm && e.time != vector.MaxTime })
		distance := rapid.SampledFrom([]string{"2", "0", "null"}).Draw(rt, "distance")
		for i := range events { // the distance of LAG is a constant
			if !events[i].wm {
				events[i].values[1] = distance
			}
		}
		all := slices.DeleteFunc(slices.Clone(events), func(e event) bool { return e.wm })
		slices.SortStableFunc(all, func(a, b event) int { return cmp.Compare(a.time, b.time) })
		parts := map[string][]event{}
		for _, e := range all {
			parts[e.values[0]] = append(parts[e.values[0]], e)
		}
		next := map[string]int{}
		var want []string
		for _, e := range all {
			k := e.values[0]
			row := append(slices.Clone(e.values), stateWant(parts[k], next[k], frame)...)
			next[k]++
			want = append(want, "+ @"+strconv.FormatInt(e.time, 10)+" "+strings.Join(row, " "))
		}
		r := &recorder{}
		play(t, build(t, overIn, r, stateSpec(frame)), []*vector.Schema{overIn}, events, 7)
		if d := closeRows(want, r.rows); d != "" {
			rt.Fatalf("%+v: -want +got\n%s", frame, d)
		}
	})
}

func TestOverStatesRestore(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		events, frame := drawOver(rt), drawFrame(rt)
		checkRestore(t, rt, overIn, events, stateSpec(frame))
	})
}
