package stage

import "github.com/leatsql/leat/pkg/sql/operator"

// TakeOver gives m the state and the watermarks of old, whose query's text was replaced.
func (m *Machine) TakeOver(old *Machine) error {
	if err := operator.TakeOver(m.chain, old.chain); err != nil {
		return err
	}
	m.counts, m.wm, m.idle, m.noted = old.counts, old.wm, old.idle, old.noted
	for port := range old.ports {
		for _, w := range old.ports[port] {
			*m.writer(port, w.name) = w
		}
	}
	return nil
}
