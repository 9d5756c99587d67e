package operator

import (
	"fmt"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// exampleSides: l and r rows of the examples are a key, a second key and a value.
var exampleSides = []*vector.Schema{fields("k:STRING f:STRING a:INT"), fields("k:STRING g:STRING b:INT")}

var joinExamples = []struct {
	name string
	spec Spec
	log  string
	want string
}{
	{
		"a row joins by the other row's time, then arrival, at the larger time",
		&WindowJoin{BeforeMs: 10, AfterMs: 10},
		"r 12 x - 1|r 5 x - 2|r 12 x - 3|r 30 x - 4|l 10 x - 9",
		"+ @10 x - 9 x - 2|+ @12 x - 9 x - 1|+ @12 x - 9 x - 3",
	},
	{
		"before and after are of the left row",
		&WindowJoin{BeforeMs: 0, AfterMs: 10},
		"l 10 x - 9|r 9 x - 1|r 10 x - 2|r 20 x - 3|r 21 x - 4",
		"+ @10 x - 9 x - 2|+ @20 x - 9 x - 3",
	},
	{
		"null keys and null values are ignored, on a preserved side too",
		&WindowJoin{Kind: FullJoin, BeforeMs: 10, AfterMs: 10},
		"l 1 null - 1|r 1 null - 1|lx 1 x - null|end",
		"skipped 3",
	},
	{
		"without grace an unmatched row leaves at once, a later match besides",
		&WindowJoin{Kind: LeftJoin, BeforeMs: 10, AfterMs: 10, GraceMs: 1000, Eager: true, StreamTime: true},
		"l 10 x - 1|r 11 x - 2|r 12 y - 3|l 12 y - 4",
		"+ @10 x - 1 null null null|+ @11 x - 1 x - 2|+ @12 y - 4 y - 3",
	},
	{
		"with grace it leaves once stream time is past time, window and grace, if it never matched",
		&WindowJoin{Kind: LeftJoin, BeforeMs: 10, AfterMs: 10, GraceMs: 5, StreamTime: true},
		"l 10 x - 1|l 10 y - 2|r 11 y - 3|r 25 z - 4|r 26 z - 5",
		"+ @11 y - 2 y - 3|+ @10 x - 1 null null null",
	},
	{
		"a row that late leaves with nulls at once on a preserved side, else it is dropped",
		&WindowJoin{Kind: LeftJoin, BeforeMs: 10, AfterMs: 10, GraceMs: 5, StreamTime: true},
		"r 100 x - 1|l 80 x - 2|r 80 x - 3|l 84 x - 4|l 85 x - 5",
		"+ @80 x - 2 null null null|+ @84 x - 4 null null null|late 1",
	},
	{
		"the watermark closes, in the order of time",
		&WindowJoin{Kind: FullJoin, BeforeMs: 10, AfterMs: 10},
		"r 12 y - 1|l 10 x - 2|wm 20|wm 21|wm 23",
		"+ @10 x - 2 null null null|+ @12 null null null y - 1",
	},
	{
		"the last row up to the time; of equal times the later one in the log",
		&AsofJoin{Kind: LeftJoin},
		"r 5 x - 1|r 7 x - 2|r 7 x - 3|r 9 x - 4|l 8 x - 1|l 7 x - 2|l 4 x - 3|wm 8|wm 9",
		"+ @4 x - 3 null null null|+ @7 x - 2 x - 3|+ @8 x - 1 x - 3",
	},
	{
		"each change emits the key's row again, even if equal; a tombstone when there is none any more",
		&TableJoin{},
		"l 1 x - 1|r 5 x - 2|l 3 x - 1|l 4 x - 1|rx 6 x - 2|lx 7 x - 1",
		"+ @5 x - 1 x - 2|^ @5 x - 1 x - 2|^ @5 x - 1 x - 2|x @6 x - 1 x - 2",
	},
	{
		"a left join keeps the row",
		&TableJoin{Kind: LeftJoin},
		"l 1 x - 1|r 5 x - 2|rx 6 x - 2|lx 7 x - 1",
		"+ @1 x - 1 null null null|^ @5 x - 1 x - 2|^ @6 x - 1 null null null|x @7 x - 1 null null null",
	},
	{
		"a change of the right side gives a row for each that refers to it, by first arrival",
		&ForeignJoin{LeftPK: []int{0}, LeftKeys: []int{1}},
		"l 1 p x 1|l 2 q x 2|r 3 x - 7|l 4 p x 3|r 5 x - 8|l 6 p y 4|rx 7 x - 8|lx 8 p y 4",
		"+ @3 p x 1 x - 7|+ @3 q x 2 x - 7|^ @4 p x 3 x - 7|^ @5 p x 3 x - 8|^ @5 q x 2 x - 8|" +
			"x @6 p x 3 x - 8|x @7 q x 2 x - 8|x @8 p y 4 null null null",
	},
	{
		"a left join by a foreign key gives nulls",
		&ForeignJoin{Kind: LeftJoin, LeftPK: []int{0}, LeftKeys: []int{1}},
		"l 1 p x 1|r 3 x - 7|rx 5 x - 7|lx 8 p x 1",
		"+ @1 p x 1 null null null|^ @3 p x 1 x - 7|^ @5 p x 1 null null null|x @8 p x 1 null null null",
	},
	{
		"the row of nulls goes with the first match and comes back with the last",
		&ChangeJoin{Kind: LeftJoin},
		"l 1 x - 1|r 2 x - 5|r 3 x - 6|rx 4 x - 5|rx 4 x - 6",
		"+ @1 x - 1 null null null|x @1 x - 1 null null null|+ @2 x - 1 x - 5|+ @3 x - 1 x - 6|" +
			"x @2 x - 1 x - 5|x @3 x - 1 x - 6|+ @1 x - 1 null null null",
	},
	{
		"a row that is taken back before it comes",
		&ChangeJoin{},
		"l 1 x - 1|r- 2 x - 5|r 3 x - 5|r 4 x - 5",
		"x @2 x - 1 x - 5|+ @2 x - 1 x - 5|+ @4 x - 1 x - 5",
	},
	{
		"a row of an upsert changelog replaces the one with its key",
		&ChangeJoin{RightPK: []int{1}},
		"l 1 x - 1|r 2 x p 5|r- 3 x p 5|r^ 3 x p 6|rx 4 null p null",
		"+ @2 x - 1 x p 5|x @2 x - 1 x p 5|+ @3 x - 1 x p 6|x @3 x - 1 x p 6",
	},
	{
		"EXISTS counts matches",
		&ChangeJoin{Kind: SemiJoin},
		"r 1 x - 1|r 1 x - 2|l 2 x - 7|rx 3 x - 1|rx 4 x - 2",
		"+ @2 x - 7|x @2 x - 7",
	},
	{
		"NOT IN: a null on the right side speaks for every row",
		&ChangeJoin{Kind: AntiJoin, NullAware: true},
		"l 1 x - 1|l 1 null - 2|r 2 y - 1|r 3 null - 1|rx 4 null - 1|rx 5 y - 1",
		"+ @1 x - 1|+ @1 null - 2|x @1 null - 2|x @1 x - 1|+ @1 x - 1|+ @1 null - 2",
	},
	{
		"only stream rows trigger, with the rows of that moment by first arrival",
		&LookupMany{Kind: LeftJoin, TablePK: []int{1}},
		"l 1 x - 1|r 9 x p 5|r 9 x q 6|r^ 9 x p 7|l 2 x - 2|l 3 null - 3|rx 9 x q 6|l 4 x - 4|lx 5 x - 5",
		"+ @1 x - 1 null null null|+ @2 x - 2 x p 7|+ @2 x - 2 x q 6|+ @3 null - 3 null null null|" +
			"+ @4 x - 4 x p 7|skipped 1",
	},
}

// exampleJoin fills in what all examples have in common: the first column is the key of either side.
func exampleJoin(s Spec) Spec {
	one, both, left := []int{0}, bothSides(exampleSides[0], exampleSides[1]), exampleSides[0]
	out := func(k JoinKind) *vector.Schema {
		if k == SemiJoin || k == AntiJoin {
			return left
		}
		return both
	}
	switch j := s.(type) {
	case *WindowJoin:
		c := *j
		c.LeftKeys, c.RightKeys, c.Schema = one, one, both
		return &c
	case *AsofJoin:
		c := *j
		c.LeftKeys, c.RightKeys, c.Schema = one, one, both
		return &c
	case *TableJoin:
		c := *j
		c.LeftKeys, c.RightKeys, c.Schema = one, one, both
		return &c
	case *ForeignJoin:
		c := *j
		c.RightKeys, c.Schema = one, both
		return &c
	case *ChangeJoin:
		c := *j
		c.LeftKeys, c.RightKeys, c.Schema = one, one, out(j.Kind)
		return &c
	case *LookupMany:
		c := *j
		c.StreamKeys, c.TableKeys, c.Schema = one, one, out(j.Kind)
		return &c
	default:
		return s
	}
}

func TestJoinExamples(t *testing.T) {
	t.Parallel()
	for _, c := range joinExamples {
		r := &recorder{}
		chain, err := BuildOn(exampleSides, []Spec{exampleJoin(c.spec)}, r, r.emit)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		var events []event
		for line := range strings.SplitSeq(c.log, "|") {
			line = strings.TrimPrefix(line, "l")
			line, right := strings.CutPrefix(line, "r")
			e := goldenEvent(t, strings.TrimSpace(line))
			if right {
				e.port = 1
			}
			events = append(events, e)
		}
		play(t, chain, exampleSides, events, 3)
		got := r.rows
		if r.skipped > 0 {
			got = append(got, fmt.Sprintf("skipped %d", r.skipped))
		}
		if r.late > 0 {
			got = append(got, fmt.Sprintf("late %d", r.late))
		}
		if d := gocmp.Diff(strings.Split(c.want, "|"), got); d != "" {
			t.Errorf("%s: -want +got\n%s", c.name, d)
		}
	}
}
