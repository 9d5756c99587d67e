package stage_test

import (
	"bytes"
	"fmt"
	"strconv"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leatsql/leat/internal/spill"
	"github.com/leatsql/leat/internal/stage"
	"github.com/leatsql/leat/pkg/sql/arena"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// TestStateInFiles runs each query with all its flat state in files beside one in memory, and restores it there in the
// middle: outputs and snapshots are the same, and after Close nothing is left.
func TestStateInFiles(t *testing.T) {
	t.Parallel()
	for _, q := range queries {
		t.Run(q, func(t *testing.T) {
			t.Parallel()
			s := planOf(t, q)
			log := rapid.Custom(func(r *rapid.T) []message { return drawMessages(r, s) })
			for seed := range 5 {
				compareInFiles(t, s, log.Example(seed))
			}
		})
	}
}

func compareInFiles(t *testing.T, s *plan.Stage, log []message) {
	t.Helper()
	b := arena.NewBudget(0, 1, spill.NewFiles(t.TempDir()))
	whole, filed := newMachine(t, s), machineIn(t, s, b)
	for i, msg := range log {
		want, got := &record{}, &record{}
		whole.Step(msg.port, msg.writer, msg.batch, want)
		filed.Step(msg.port, msg.writer, msg.batch, got)
		if d := gocmp.Diff(want.lines, got.lines); d != "" {
			t.Fatalf("step %d: -in memory +in files\n%s", i, d)
		}
		saved := whole.Snapshot(nil)
		if !bytes.Equal(saved, filed.Snapshot(nil)) {
			t.Fatalf("step %d: snapshots differ", i)
		}
		if i == len(log)/2 {
			filed.Close()
			filed = machineIn(t, s, b)
			if err := filed.Restore(saved); err != nil {
				t.Fatal(err)
			}
		}
	}
	filed.Close()
	if memory, stored := b.Used(); memory != 0 || stored != 0 {
		t.Errorf("after Close %d bytes in memory, %d in files", memory, stored)
	}
}

func machineIn(t *testing.T, s *plan.Stage, b *arena.Budget) *stage.Machine {
	t.Helper()
	m, err := stage.New(s, stage.Config{Writers: [][]string{{"a", "b"}, {"a", "b"}}, Budget: b})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestNoPlaceForState lets the files' folder be missing: the machine says so by name, and its state is that of a
// machine in memory all the same.
func TestNoPlaceForState(t *testing.T) {
	t.Parallel()
	s := planOf(t, "SELECT k, COUNT(*) AS n, SUM(v) AS s FROM t GROUP BY k EMIT CHANGES")
	dir := t.TempDir() + "/none"
	whole, m := newMachine(t, s), machineIn(t, s, spill.NewBudget(1, dir))
	defer m.Close()
	in := manyKeys(s.Inputs[0].Schema, 20_000)
	whole.Step(0, "a", in, &record{})
	m.Step(0, "a", in, &record{})
	if err := m.Err(); err == nil || !bytes.Contains([]byte(err.Error()), []byte(dir)) {
		t.Errorf("error %v", err)
	}
	if !bytes.Equal(whole.Snapshot(nil), m.Snapshot(nil)) {
		t.Error("the state is not whole")
	}
}

// manyKeys is rows with a key each.
func manyKeys(schema *vector.Schema, n int) *vector.Batch {
	b := vector.NewBatch(schema, n)
	b.Watermark = vector.NoTime
	for i := range n {
		for _, v := range b.Cols {
			if v.Type.Phys() == vector.PhysStr {
				v.Data = append(append(v.Data, "key"...), strconv.Itoa(i)...)
				v.Offs = append(v.Offs, uint32(len(v.Data)))
			} else {
				v.I64 = append(v.I64, int64(i))
			}
			vector.SetLen(v, i+1)
		}
		b.Time = append(b.Time, int64(i))
	}
	b.Rows = n
	return b
}

// TestStateSize tells bytes and keys of a state that is partly in files.
func TestStateSize(t *testing.T) {
	t.Parallel()
	s := planOf(t, "SELECT k, COUNT(*) AS n FROM t GROUP BY k EMIT CHANGES")
	m := machineIn(t, s, spill.NewBudget(256<<10, t.TempDir()))
	defer m.Close()
	m.Step(0, "a", manyKeys(s.Inputs[0].Schema, 20_000), &record{})
	bytes, stored, keys := m.StateBytes(), m.StoredBytes(), m.StateKeys()
	if keys != 20_000 || stored == 0 || stored >= bytes || bytes-stored > 1<<20 || m.Err() != nil {
		t.Error(fmt.Sprint(bytes, " bytes, ", stored, " in files, keys ", keys, ": ", m.Err()))
	}
}
