package operator

import (
	"errors"
	"math"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// addSat adds two times; beyond the range it stays at the end of it.
func addSat(a, b int64) int64 {
	c := a + b
	switch {
	case a > 0 && b > 0 && c < 0:
		return math.MaxInt64
	case a < 0 && b < 0 && c >= 0:
		return math.MinInt64
	}
	return c
}

// floorTo returns the largest multiple of step that is not above t.
func floorTo(t, step int64) int64 {
	r := t % step
	if r < 0 {
		r += step
	}
	if t < math.MinInt64+r {
		return t
	}
	return t - r
}

// validate lists what is wrong with the window, and gives the length of its panes (0 without panes).
func (w *Window) paneMs() (int64, error) {
	const most = 1 << 53
	if w.Kind == NoWindow {
		return 0, nil
	}
	if w.SizeMs <= 0 || w.SizeMs > most || w.GraceMs < 0 {
		return 0, errors.New("a window needs a size above 0 and a grace period of 0 or more")
	}
	switch w.Kind {
	case Tumbling:
		return w.SizeMs, nil
	case Hopping:
		if w.AdvanceMs <= 0 || w.AdvanceMs > w.SizeMs {
			return 0, errors.New("a hopping window needs an advance above 0 that is not above its size")
		}
		a, b := w.SizeMs, w.AdvanceMs
		for b != 0 {
			a, b = b, a%b
		}
		return a, nil
	case Cumulate:
		if w.AdvanceMs <= 0 || w.SizeMs%w.AdvanceMs != 0 {
			return 0, errors.New("a cumulating window needs a step that divides its size")
		}
		return w.AdvanceMs, nil
	default:
		return 0, nil
	}
}

// span is the bounds of one window.
type span struct{ start, end int64 }

// lastEnd is the end of the last window that holds a pane; after it the pane is not needed.
func (w *Window) lastEnd(pane int64) int64 {
	switch w.Kind {
	case Hopping:
		return addSat(floorTo(pane, w.AdvanceMs), w.SizeMs)
	default:
		return addSat(floorTo(pane, w.SizeMs), w.SizeMs)
	}
}

// windows calls f for the windows that hold a pane, by their end.
func (w *Window) windows(pane, paneMs int64, f func(span)) {
	switch w.Kind {
	case Hopping:
		for s := floorTo(pane+paneMs-w.SizeMs+w.AdvanceMs-1, w.AdvanceMs); s <= pane; s += w.AdvanceMs {
			if s >= 0 || !w.Ksql {
				f(span{s, addSat(s, w.SizeMs)})
			}
		}
	case Cumulate:
		start := floorTo(pane, w.SizeMs)
		for e := pane + paneMs; e <= start+w.SizeMs; e += paneMs {
			f(span{start, e})
		}
	default:
		f(span{pane, addSat(pane, w.SizeMs)})
	}
}

// cut is the end of the first window over a pane that is open at clock; noCut where that is the first of all.
func (w *Window) cut(pane, paneMs, clock int64) int64 {
	n, cut := 0, int64(noCut)
	w.windows(pane, paneMs, func(s span) {
		if cut == noCut && !w.closed(s.end, clock) {
			cut = s.end
		}
		if cut == noCut {
			n++
		}
	})
	if n == 0 {
		return noCut
	}
	return cut
}

// closed reports whether a window that ends at end is closed at watermark wm.
func (w *Window) closed(end, wm int64) bool {
	return wm == vector.MaxTime || addSat(end, w.GraceMs) <= wm
}
