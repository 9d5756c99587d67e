package vector

// SetClock gives each row of b the watermark of its source: that of the rows before it, which is wm in front of the
// batch and the largest event time less delayMs after a row. Where no row is behind it, Clock stays nil.
func SetClock(b *Batch, wm, delayMs int64) {
	b.Clock = nil
	run := wm
	for i, t := range b.Time[:min(b.Rows, len(b.Time))] {
		if t < run && b.Clock == nil {
			b.Clock = make([]int64, b.Rows)
			again := wm
			for k, u := range b.Time[:i] {
				b.Clock[k], again = again, max(again, u-delayMs)
			}
		}
		if b.Clock != nil {
			b.Clock[i] = run
		}
		run = max(run, t-delayMs)
	}
}

// ClockAt is the watermark that row i is judged by: that of the reader, or the one of the row's source, if it was
// further on.
func (b *Batch) ClockAt(i int, wm int64) int64 {
	if b.Clock == nil {
		return wm
	}
	return max(wm, b.Clock[i])
}

// appendClocks appends the clocks of the rows that AppendBatch appends.
func appendClocks(dst, src *Batch) {
	if dst.Clock == nil && src.Clock == nil {
		return
	}
	for len(dst.Clock) < dst.Rows {
		dst.Clock = append(dst.Clock, NoTime)
	}
	if src.Clock != nil {
		dst.Clock = appendSel(dst.Clock, src.Clock[:src.Rows], src.Sel)
		return
	}
	for range src.Live() {
		dst.Clock = append(dst.Clock, NoTime)
	}
}
