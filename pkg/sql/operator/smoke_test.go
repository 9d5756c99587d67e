package operator

import (
	"strings"
	"testing"

	"github.com/leatsql/leat/pkg/sql/vector"
)

func TestSmoke(t *testing.T) {
	in := fields("k:STRING v:BIGINT d:DOUBLE p:DECIMAL(10,2)")
	spec := &Aggregate{Keys: []int{0}, Window: Window{Kind: Tumbling, SizeMs: 10}, Emit: EmitFinal, Schema: fields(
		"k:STRING ws:BIGINT we:BIGINT n:BIGINT s:BIGINT a:DOUBLE sd:DOUBLE lo:BIGINT pa:DECIMAL(38,16) c:BIGINT")}
	for _, a := range []Agg{{Func: "COUNT"}, {Func: "SUM", Args: []int{1}}, {Func: "AVG", Args: []int{2}}, {Func: "STDDEV", Args: []int{2}}, {Func: "MIN", Args: []int{1}}, {Func: "AVG", Args: []int{3}}, {Func: "COUNT", Args: []int{1}, Distinct: true}} {
		a.Filter = -1
		spec.Aggs = append(spec.Aggs, a)
	}
	r := &recorder{}
	c, err := BuildOn([]*vector.Schema{in}, []Spec{spec}, r, r.emit)
	if err != nil {
		t.Fatal(err)
	}
	row := func(ts int64, v string) event { return event{time: ts, values: strings.Fields(v)} }
	play(t, c, []*vector.Schema{in}, []event{
		row(1, "a 1 1.5 1.10"), row(2, "b 2 2.5 2.20"), row(5, "a 3 4 3.00"), row(11, "a 3 4 3.00"),
		{wm: true, time: 10}, row(12, "a 3 4 3.00"), row(3, "a 3 4 3.00"), {wm: true, time: vector.MaxTime}}, 7)
	t.Log(strings.Join(r.rows, "\n"), r.late)
}
