package topic

import (
	"fmt"
	"time"
)

// StatusKind names what a writer waits for.
type StatusKind uint8

// The states of a writer.
const (
	StatusRunning    StatusKind = iota
	StatusFull                  // backpressure: the topic is full, its readers are slow
	StatusServerFull            // the server has no storage left
	StatusNoAnswer              // the broker does not answer
	StatusUndecided             // the broker cannot decide: no quorum
	StatusStopped               // the writer has ended; its error says why
)

// Status is what a writer waits for, in words for the user.
type Status struct {
	Kind    StatusKind
	Subject string
	Waited  time.Duration
	Text    string
}

// statuses gives each reason to wait its name, the time after which it is worth saying, and its words.
var statuses = [...]struct {
	kind  StatusKind
	after time.Duration
	text  string
}{
	reasonNone:       {StatusRunning, 0, ""},
	reasonFull:       {StatusFull, 100 * time.Millisecond, "%s is full; waiting for its readers"},
	reasonServerFull: {StatusServerFull, 0, "the server's store is full; %s waits until there is room"},
	reasonUndecided:  {StatusUndecided, 5 * time.Second, "the brokers of %s have no majority; waiting"},
	reasonNoAnswer:   {StatusNoAnswer, 5 * time.Second, "the broker does not answer for %s; disk full?"},
}

// say reports a change of status.
func (w *Writer) say(kind StatusKind) {
	if kind == w.status {
		return
	}
	w.status = kind
	if w.cfg.OnStatus != nil {
		w.cfg.OnStatus(Status{Kind: kind, Subject: w.cfg.Subject})
	}
}

func (w *Writer) sayWaiting(why reason, waited time.Duration, cause error) {
	s := statuses[why]
	if waited < s.after || s.kind == w.status {
		return
	}
	w.status = s.kind
	if w.cfg.OnStatus != nil {
		text := fmt.Sprintf(s.text, w.cfg.Subject)
		if why == reasonNoAnswer || why == reasonServerFull {
			text += fmt.Sprintf(" (%v)", cause)
		}
		w.cfg.OnStatus(Status{Kind: s.kind, Subject: w.cfg.Subject, Waited: waited, Text: text})
	}
}
