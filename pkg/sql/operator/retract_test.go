package operator

import (
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// TestRetractOfDictionaries takes back rows whose strings come from a dictionary, among new ones that have one too.
func TestRetractOfDictionaries(t *testing.T) {
	t.Parallel()
	schema := fields("k:BIGINT s:STRING")
	r, err := newRetract(&Retract{Keys: []int{0}, Schema: schema}, schema)
	if err != nil {
		t.Fatal(err)
	}
	b := vector.NewBatch(schema, 3)
	for i, k := range []int64{1, 1, 2} {
		b.Cols[0].I64 = append(b.Cols[0].I64, k)
		b.Time = append(b.Time, int64(i))
	}
	vector.SetLen(b.Cols[0], 3)
	b.Cols[1].Codes, b.Cols[1].Offs, b.Cols[1].Data = []uint32{1, 0, 1}, []uint32{0, 1, 3}, []byte("abb")
	vector.SetLen(b.Cols[1], 3)
	b.Rows = 3
	rec := &recorder{}
	r.Process(&Context{Report: rec}, 0, b, rec.emit)
	want := []string{"+ @0 1 bb", "- @1 1 bb", "^ @1 1 a", "+ @2 2 bb"}
	if diff := gocmp.Diff(want, rec.rows); diff != "" {
		t.Error(diff)
	}
}
