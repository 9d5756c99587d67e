package operator

import (
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leatsql/leat/pkg/sql/vector"
)

var (
	joinStream = fields("k:STRING n:BIGINT v:INT")
	joinTable  = fields("tk:STRING name:STRING tn:INT big:DECIMAL(30,2)")
)

func joinSpec(left, two bool) *LookupJoin {
	j := &LookupJoin{
		StreamKeys: []int{0}, TableKeys: []int{0}, Left: left,
		Schema: &vector.Schema{Fields: slices.Concat(joinStream.Fields, joinTable.Fields)},
	}
	if two {
		j.StreamKeys, j.TableKeys = []int{0, 1}, []int{0, 2}
	}
	return j
}

func drawJoin(t *rapid.T) []event {
	var out []event
	keys := rapid.SampledFrom([]string{"a", "b", "c", "null"})
	nums := rapid.SampledFrom([]string{"1", "2", "null"})
	for range rapid.IntRange(0, 80).Draw(t, "events") {
		e := event{time: int64(len(out)), values: []string{keys.Draw(t, "k"), nums.Draw(t, "n"), "5"}}
		switch rapid.IntRange(0, 3).Draw(t, "what") {
		case 0:
			e.port = 1
			e.op = rapid.SampledFrom([]vector.Op{
				vector.Insert, vector.UpdateAfter, vector.UpdateBefore,
				vector.Delete,
			}).Draw(t, "op")
			e.values = []string{
				e.values[0], rapid.SampledFrom([]string{"x", "long name", "null"}).Draw(t, "name"),
				e.values[1], "12.50",
			}
			e.values[1] = strings.ReplaceAll(e.values[1], " ", "_")
		case 1:
			out = append(out, event{flush: true})
		}
		out = append(out, e)
	}
	return out
}

func TestJoinAgainstModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		events := drawJoin(rt)
		left, two := rapid.Bool().Draw(rt, "left"), rapid.Bool().Draw(rt, "two")
		want, skipped, filtered := joinModel(events, left, two)
		for _, size := range []int{1, 7, 1024} {
			r := &recorder{}
			schemas := []*vector.Schema{joinStream, joinTable}
			c, err := BuildOn(schemas, []Spec{joinSpec(left, two)}, r, r.emit)
			if err != nil {
				rt.Fatal(err)
			}
			play(t, c, schemas, events, size)
			if d := gocmp.Diff(want, r.rows); d != "" || r.skipped != skipped || r.filtered != filtered {
				rt.Fatalf("batches of %d: skipped %d, want %d; filtered %d, want %d; -want +got\n%s", size, r.skipped,
					skipped, r.filtered, filtered, d)
			}
			snap := c.Snapshot(nil)
			d, err := BuildOn(schemas, []Spec{joinSpec(left, two)}, r, r.emit)
			if err != nil {
				rt.Fatal(err)
			}
			if err := inStore(t, d).Restore(snap); err != nil || !slices.Equal(snap, d.Snapshot(nil)) {
				rt.Fatalf("restore: %v", err)
			}
		}
	})
}

func joinModel(events []event, left, two bool) (want []string, skipped, filtered int) {
	table := map[string][]string{}
	for _, e := range events {
		if e.flush {
			continue
		}
		v := e.values
		key, null := v[0], v[0] == "null"
		if two {
			n := v[1]
			if e.port == 1 {
				n = v[2]
			}
			key, null = key+"/"+n, null || n == "null"
		}
		if e.port == 1 {
			switch {
			case null:
				skipped++
			case e.op == vector.Delete:
				delete(table, key)
			case e.op != vector.UpdateBefore:
				table[key] = v
			}
			continue
		}
		row, found := table[key]
		switch {
		case null && !left:
			skipped++
			continue
		case (null || !found) && !left:
			filtered++
			continue
		case null || !found:
			row = []string{"null", "null", "null", "null"}
		}
		want = append(want, "+ @"+rowTime(e)+" "+strings.Join(append(slices.Clone(v), row...), " "))
	}
	return want, skipped, filtered
}

// TestJoinDictionary: strings of a quiet table come as codes, and are right after the table changed again.
func TestJoinDictionary(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	schemas := []*vector.Schema{joinStream, joinTable}
	c, err := BuildOn(schemas, []Spec{joinSpec(true, false)}, r, r.emit)
	if err != nil {
		t.Fatal(err)
	}
	events, want := []event{}, []string{}
	for round := range 4 {
		name := strings.Repeat("n", round+1)
		events = append(events, event{port: 1, values: []string{"a", name, "1", "1.00"}},
			event{port: 1, values: []string{"b", "null", "1", "1.00"}})
		for i := range 9 {
			k := []string{"a", "b", "c"}[i%3]
			events = append(events, event{values: []string{k, "1", "1"}})
			want = append(want, "+ @0 "+k+" 1 1 "+map[string]string{
				"a": "a " + name + " 1 1.00", "b": "b null 1 1.00",
				"c": "null null null null",
			}[k])
		}
	}
	play(t, c, schemas, events, 2)
	if d := gocmp.Diff(want, r.rows); d != "" {
		t.Error(d)
	}
}
