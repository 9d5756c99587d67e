package task

import (
	"fmt"
	"runtime/debug"
)

// slowStep is a step that is taken with care, because owners died in it.
type slowStep struct {
	d *Delivery
}

// guarded runs f and turns a panic into an error.
func (c *core) guarded(f func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			d := c.current
			err = &PoisonError{
				Task: c.cfg.Name, Topic: d.Batch.Topic, Partition: d.Batch.Partition, Seq: d.Message.Seq, Step: c.running,
				Panic: p, Stack: string(debug.Stack()),
			}
		}
	}()
	f()
	return nil
}

func (c *core) machineStep(d *Delivery, bad []int, out Output) {
	c.cfg.Machine.Step(c.cfg.Inputs[d.input].Port, d.Writer, d.Batch, out)
}

func (c *core) crashed(d *Delivery, err error) { c.fail(fmt.Errorf("%w", err)) }

func (c *core) careful(*Delivery) bool { return false }
