package topic

import (
	"context"
	"errors"
	"fmt"
)

// EpochMessage makes the epoch message that stands behind last (nil: the subject is empty). It repeats last's
// provenance, watermark and idle mark. It returns an error, ErrFenced by custom, when last bears a higher epoch than
// its own: then this owner is the stale one. It may be called several times.
type EpochMessage func(last *Message) (header map[string]string, data []byte, err error)

// Fence makes this writer the owner of its subject (rule 6c). It reads the last message, appends the epoch message
// behind it, and does so again while others come first, until its own is in. It returns the message that the epoch
// message stands behind, nil when the subject was empty.
//
// A read alone proves nothing, it may come from the past; the accepted append does.
func (w *Writer) Fence(ctx context.Context, epochMessage EpochMessage) (*Message, error) {
	if err := w.StartFence(epochMessage); err != nil {
		return nil, err
	}
	if _, err := w.Resume(ctx); err != nil {
		return nil, err
	}
	return w.followed, nil
}

// StartFence begins a Fence without a call to the log; Step or Resume go on.
func (w *Writer) StartFence(epochMessage EpochMessage) error {
	if w.InFlight() {
		return fmt.Errorf("fence %s: %w", w.cfg.Subject, ErrInDoubt)
	}
	w.fencing, w.fenced, w.followed = epochMessage, false, nil
	w.beginWait()
	return nil
}

// stepRead reads the subject's last message and prepares the epoch message behind it.
func (w *Writer) stepRead(ctx context.Context) Progress {
	m, err := w.cfg.Log.Last(ctx, w.cfg.Subject)
	switch {
	case err == nil || errors.Is(err, ErrNotFound):
		return w.fenceBehind(m)
	case errors.Is(err, ErrNoAnswer):
		w.state = settle{why: reasonNoAnswer, expect: w.last}
		return w.again(ctx, err)
	}
	return w.stop(fmt.Errorf("fence %s: %w", w.cfg.Subject, err))
}

func (w *Writer) fenceBehind(last *Message) Progress {
	header, data, err := w.fencing(last)
	if err != nil {
		return w.stop(fmt.Errorf("fence %s: %w", w.cfg.Subject, err))
	}
	w.followed, w.last = last, 0
	if last != nil {
		w.last = last.Seq
	}
	if err = w.start(header, data); err != nil {
		return w.stop(err)
	}
	return Progress{}
}

// fenceRefused goes on after the epoch message was refused: behind the message in its way, unless that one's epoch is
// higher, or from the start when the read it was based on was no longer true.
func (w *Writer) fenceRefused() Progress {
	err := w.state.err
	switch {
	case errors.Is(err, ErrFenced):
		return w.fenceBehind(w.state.other)
	case errors.Is(err, ErrCut) && !w.state.doubt:
		w.inFlight = nil
		return Progress{Wait: w.backoff.next(reasonUndecided, w.cfg.Jitter())}
	}
	return w.stop(err)
}
