package stage

import "github.com/leatsql/leat/pkg/sql/vector"

// border processes a batch of a declared source as if a batch ended before each row that is late within it: its event
// time lies behind the largest one in front of it by more than the watermark delay. Where batches end depends on timing
// and on the number of rows that were read at once; which rows are late must not. Rows in order cost one comparison.
func (m *Machine) border(port int, name string, in *vector.Batch) {
	first := firstLate(in, m.writer(port, name).wm, m.delayMs)
	if first < 0 {
		m.chain.Process(port, in)
		return
	}
	part := *in
	next := 0 // place in the selection
	run := m.writer(port, name).wm
	m.cut = m.cut[:0]
	for i := range in.Rows {
		t := in.Time[i]
		if in.Clock != nil { // other partitions of the source count too
			run = max(run, in.Clock[i])
		}
		if i >= first && t != vector.NoTime && t < run && run > m.wm {
			if len(m.cut) > 0 {
				part.Sel = m.cut
				m.chain.Process(port, &part)
			}
			m.advance(port, name, run)
			m.cut = m.cut[:0]
		}
		if t != vector.NoTime {
			run = max(run, t-m.delayMs)
		}
		switch {
		case in.Sel == nil:
			m.cut = append(m.cut, uint32(i))
		case next < len(in.Sel) && int(in.Sel[next]) == i:
			m.cut = append(m.cut, uint32(i))
			next++
		}
	}
	if len(m.cut) > 0 {
		part.Sel = m.cut
		m.chain.Process(port, &part)
	}
}

// firstLate returns the first row whose time lies behind the watermark that the rows before it make, or -1.
func firstLate(in *vector.Batch, run, delayMs int64) int {
	for i, t := range in.Time[:min(in.Rows, len(in.Time))] {
		if in.Clock != nil {
			run = max(run, in.Clock[i])
		}
		if t < run && t != vector.NoTime {
			return i
		}
		if t != vector.NoTime {
			run = max(run, t-delayMs)
		}
	}
	return -1
}

// advance raises the watermark of a writer, and with it that of the chain.
func (m *Machine) advance(port int, name string, wm int64) {
	w := m.writer(port, name)
	w.wm = max(w.wm, wm)
	if !m.timed[port] {
		return
	}
	combined, idle := m.combine()
	m.idle = idle
	if combined > m.wm {
		m.wm = combined
		m.chain.Advance(combined)
	}
}
