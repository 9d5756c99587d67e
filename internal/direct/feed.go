package direct

import (
	"errors"
	"fmt"
)

// Feed hands an item of a topic to the stages that read it, without Run: the caller drives the graph item by item. What
// the stages emit has reached the sink when it returns.
func (r *Runner) Feed(topic string, item Item) error {
	for _, in := range r.cfg.Inputs {
		if in.Topic == topic {
			r.feed(in, item)
			return r.err
		}
	}
	return r.err
}

// Start runs the stages that have no input. Run does so by itself.
func (r *Runner) Start() error {
	r.values(true)
	r.values(false)
	return r.err
}

// TakeOver gives the machines of r the state of those of old, stage by stage, where a CREATE OR REPLACE changed the
// text of a query.
func (r *Runner) TakeOver(old *Runner) error {
	if len(r.nodes) != len(old.nodes) {
		return errShape
	}
	for i, n := range r.nodes {
		if len(n.machines) != len(old.nodes[i].machines) {
			return errShape
		}
		for p, m := range n.machines {
			if err := m.TakeOver(old.nodes[i].machines[p]); err != nil {
				return fmt.Errorf("take over stage %s: %w", n.stage.ID, err)
			}
		}
	}
	return nil
}

var errShape = errors.New("the new query has other stages; its state cannot be taken over")

// End says that no further item comes from any input.
func (r *Runner) End() error {
	for _, in := range r.cfg.Inputs {
		r.end(in)
	}
	return r.err
}
