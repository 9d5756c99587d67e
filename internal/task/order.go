package task

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// run is how many steps in a row took the same input.
type run struct {
	input int
	steps uint64
}

// Order is which input each step after Base took, as run lengths. Only a task of several inputs keeps one: one
// partition has one order, several have none.
type Order struct {
	Inputs int // 0 or 1: no order is kept
	Base   uint64
	runs   []run
	steps  uint64 // sum of the runs
	size   int    // bytes of the runs on the wire
	raw    []byte // what a header held, until decode
}

// Bounds of an order in bytes of its runs. The broker takes no header above 64 KiB, in which the order is text, a third
// longer.
const (
	orderDue  = 24 << 10 // a snapshot is due, after which the order is shorter
	orderMost = 40 << 10 // no step is taken
)

// Last is the highest step of the order.
func (o *Order) Last() uint64 { return o.Base + o.steps }

// add says that the next step took input.
func (o *Order) add(input int) {
	if o.Inputs < 2 {
		return
	}
	o.steps++
	if n := len(o.runs) - 1; n >= 0 && o.runs[n].input == input {
		o.size -= o.runSize(o.runs[n])
		o.runs[n].steps++
		o.size += o.runSize(o.runs[n])
		return
	}
	r := run{input, 1}
	o.runs = append(o.runs, r)
	o.size += o.runSize(r)
}

func (o *Order) packed(r run) uint64 { return r.steps*uint64(o.Inputs) + uint64(r.input) }

func (o *Order) runSize(r run) int {
	n := 1
	for v := o.packed(r); v >= 0x80; v >>= 7 {
		n++
	}
	return n
}

// appendRuns appends each run as one number: steps times inputs plus input.
func (o *Order) appendRuns(dst []byte) []byte {
	for _, r := range o.runs {
		dst = binary.AppendUvarint(dst, o.packed(r))
	}
	return dst
}

var errOrder = errors.New("malformed order of steps")

// decode reads raw into runs.
func (o *Order) decode() error {
	if o.Inputs < 2 {
		return fmt.Errorf("%w: of %d inputs", errOrder, o.Inputs)
	}
	raw := o.raw
	o.raw = nil
	for len(raw) > 0 {
		v, n := binary.Uvarint(raw)
		if n <= 0 || v < uint64(o.Inputs) || v>>60 != 0 {
			return errOrder
		}
		r := run{int(v % uint64(o.Inputs)), v / uint64(o.Inputs)}
		o.runs, raw = append(o.runs, r), raw[n:]
		o.steps += r.steps
		o.size += n
	}
	return nil
}

// upTo returns the order cut behind step last, which is not before its base.
func (o *Order) upTo(last uint64) Order {
	out := Order{Inputs: o.Inputs, Base: o.Base}
	left := last - min(last, o.Base)
	for _, r := range o.runs {
		if left == 0 {
			break
		}
		r.steps = min(r.steps, left)
		left -= r.steps
		out.runs, out.steps, out.size = append(out.runs, r), out.steps+r.steps, out.size+out.runSize(r)
	}
	return out
}

// cut forgets the steps up to base.
func (o *Order) cut(base uint64) {
	if o.Inputs < 2 || base <= o.Base {
		return
	}
	gone := min(base-o.Base, o.steps)
	o.Base, o.steps = base, o.steps-gone
	i := 0
	for ; gone > 0; i++ {
		if o.runs[i].steps > gone {
			o.size -= o.runSize(o.runs[i])
			o.runs[i].steps -= gone
			o.size += o.runSize(o.runs[i])
			break
		}
		gone -= o.runs[i].steps
		o.size -= o.runSize(o.runs[i])
	}
	o.runs = slices.Delete(o.runs, 0, i)
}

// at returns the input that step took.
func (o *Order) at(step uint64) (int, bool) {
	if step <= o.Base || step > o.Last() {
		return 0, false
	}
	left := step - o.Base
	for _, r := range o.runs {
		if left <= r.steps {
			return r.input, true
		}
		left -= r.steps
	}
	return 0, false
}
