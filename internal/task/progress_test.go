package task

import (
	"context"
	"testing"

	"github.com/leatsql/leat/internal/state"
	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// alone drives a core to rest: everything it asks for is done at once. mute holds the outputs back.
func alone(t *testing.T, c *core, store state.Store, in topic.Log, mute bool) {
	t.Helper()
	var reader *topic.Reader
	for moved := true; moved; {
		moved = false
		if o := c.nextOp(); o != nil {
			c.opDone(o.do(t.Context(), store))
			moved = true
		}
		for i, l := range c.lanes {
			if mute && c.phase == phaseLive || !c.laneWork(i) {
				continue
			}
			moved = true
			if p := l.writer.Step(context.Background()); p.Done {
				c.laneDone(i, p)
			}
		}
		if c.wants(0) {
			if reader == nil {
				reader = topic.NewReader(c.reader(0))
				defer reader.Close()
			}
			if m, _, err := reader.Poll(t.Context()); err != nil {
				t.Fatal(err)
			} else if m != nil {
				d, err := Decode(m, "S", toySchema)
				if err != nil {
					t.Fatal(err)
				}
				c.take(0, d)
				moved = true
			}
		}
		if c.err != nil {
			t.Fatal(c.err)
		}
	}
}

// silentEnd lets an owner take the end of its input, snapshot it and die before it says so; it returns what the subject
// says once the next owner has come to rest. Nothing but the progress message of a recovery can tell its readers.
func silentEnd(t *testing.T, rules Rules) int64 {
	t.Helper()
	in, out, store := topic.NewMemory(topic.MemoryConfig{}), topic.NewMemory(topic.MemoryConfig{}), state.NewMemory()
	w := &sourceWriter{subject: topic.Subject(topic.ClassSource, "S", 0, "i0")}
	w.add("i0", nil, vector.MaxTime, false)
	if _, err := in.Append(t.Context(), w.rest[0], 0); err != nil {
		t.Fatal(err)
	}
	for epoch := uint64(1); epoch <= 2; epoch++ {
		c, err := newCore(Config{
			Name: "x0", Epoch: epoch, Snapshots: store, Machine: newToy(toyExchange, 0, 1, []string{"i0"}),
			rules: rules,
			Inputs: []Input{{
				Topic: "S", Log: in, Schema: toySchema,
				Filters: []string{topic.PartitionFilter(topic.ClassSource, "S", 0)},
			}},
			Outputs: []OutputConfig{{Topic: "E", Schema: toySchema, Logs: []topic.Log{out}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		alone(t, c, store, in, epoch == 1)
		if epoch == 1 {
			c.snapshot()
			alone(t, c, store, in, true)
		}
	}
	m, err := out.Last(t.Context(), topic.Subject(topic.ClassResult, "E", 0, "x0"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := ProvenanceOf(m)
	if err != nil {
		t.Fatal(err)
	}
	return p.Watermark
}

func TestSilentSubjectHearsTheEnd(t *testing.T) {
	t.Parallel()
	if got := silentEnd(t, Rules{}); got != vector.MaxTime {
		t.Errorf("the subject stays at watermark %d", got)
	}
	if got := silentEnd(t, Rules{NoProgress: true}); got == vector.MaxTime {
		t.Error("the end came without the progress message: this test shows nothing")
	}
}
