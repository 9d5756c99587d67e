package stage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/plan"
)

// Replaceable tells whether a query may go on under a new text: the stages must be the same in number, partitions,
// inputs and placement, and each operator with state must find its like. kept says what keeps its state.
func Replaceable(old, now *plan.Plan) (kept string, err error) {
	if len(old.Stages) != len(now.Stages) {
		return "", fmt.Errorf("the new text makes %d stages, the old one %d", len(now.Stages), len(old.Stages))
	}
	var names []string
	for i, s := range now.Stages {
		was := old.Stages[i]
		if err := sameShape(was, s); err != nil {
			return "", err
		}
		a, err := New(was, Config{})
		if err != nil {
			return "", err
		}
		b, err := New(s, Config{})
		if err == nil {
			err = b.TakeOver(a)
			b.Close()
		}
		a.Close()
		if err != nil {
			return "", err
		}
		for _, spec := range s.Ops {
			if _, stateless := spec.(*operator.Project); stateless {
				continue
			}
			if name := reflect.TypeOf(spec).Elem().Name(); !slices.Contains(names, name) && name != "Filter" {
				names = append(names, name)
			}
		}
	}
	if len(names) == 0 {
		return "it has no state", nil
	}
	return fmt.Sprintf("its position and its state are kept (%v)", names), nil
}

func sameShape(old, now *plan.Stage) error {
	switch {
	case old.Partitions != now.Partitions || old.Output.Partitions != now.Output.Partitions:
		return fmt.Errorf("stage %s would have %d partitions, it has %d", now.ID, now.Partitions, old.Partitions)
	case !slices.Equal(old.Output.Keys, now.Output.Keys):
		return fmt.Errorf("the rows of stage %s would be placed by other columns", now.ID)
	case (old.Late == nil) != (now.Late == nil):
		return errors.New("its late rows would go elsewhere (late = 'topic')")
	case len(old.Inputs) != len(now.Inputs):
		return fmt.Errorf("stage %s would read %d inputs, it reads %d", now.ID, len(now.Inputs), len(old.Inputs))
	}
	if a, b := keysOf(old), keysOf(now); !slices.Equal(a, b) {
		return fmt.Errorf("the rows of stage %s would be grouped by %s, they are by %s", now.ID, strings.Join(b, ", "),
			strings.Join(a, ", "))
	}
	for i, in := range now.Inputs {
		if was := old.Inputs[i]; was.Topic != in.Topic || was.Port != in.Port {
			return fmt.Errorf("stage %s would read %s in the place of %s", now.ID, in.Topic, was.Topic)
		}
	}
	return nil
}

// keysOf lists what a stage groups and places its rows by, as expressions over its input.
func keysOf(s *plan.Stage) (out []string) {
	var last *operator.Project
	add := func(keys []int) {
		for _, k := range keys {
			switch {
			case last != nil && k < len(last.Exprs):
				out = append(out, last.Exprs[k].String())
			case last == nil && len(s.Inputs) > 0 && k < len(s.Inputs[0].Schema.Fields):
				out = append(out, s.Inputs[0].Schema.Fields[k].Name)
			}
		}
	}
	for _, spec := range s.Ops {
		switch spec := spec.(type) {
		case *operator.Project:
			last = spec
		case *operator.Filter:
		case *operator.Aggregate:
			add(spec.Keys)
			return out // what follows is made of the groups
		default:
			return out
		}
	}
	add(s.Output.Keys)
	return out
}

// Successor is the machine of a query whose text was replaced: a snapshot of an earlier text is taken over.
type Successor struct {
	*Machine
	Generation int
	// Before makes the machine of the generation before; it is nil where that is not known any more.
	Before func() (*Successor, error)
}

// generationMark begins the snapshot of a generation above 0; no snapshot of the first one can: it begins with a count.
var generationMark = []byte("\xff\xffleat\xff\xff")

var errForgotten = errors.New("the state is of an earlier text of the query, which is not known any more")

// Snapshot implements task.Machine.
func (s *Successor) Snapshot(dst []byte) []byte {
	if s.Generation > 0 {
		dst = binary.AppendUvarint(append(dst, generationMark...), uint64(s.Generation))
	}
	return s.Machine.Snapshot(dst)
}

// Restore implements task.Machine.
func (s *Successor) Restore(src []byte) error {
	generation := uint64(0)
	if rest, ok := bytes.CutPrefix(src, generationMark); ok {
		var n int
		if generation, n = binary.Uvarint(rest); n <= 0 {
			return errShort
		}
		src = rest[n:]
	}
	return s.restore(int(min(generation, 1<<30)), src)
}

func (s *Successor) restore(generation int, src []byte) error {
	if generation == s.Generation {
		return s.Machine.Restore(src)
	}
	if s.Before == nil {
		return errForgotten
	}
	old, err := s.Before()
	if err != nil {
		return fmt.Errorf("plan the text before: %w", err)
	}
	defer old.Close()
	if err := old.restore(generation, src); err != nil {
		return err
	}
	return s.TakeOver(old.Machine)
}
