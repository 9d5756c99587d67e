package topic

import (
	"errors"
	"fmt"
)

// The errors that end a writer.
var (
	// ErrFenced: another owner has appended to the subject; this one must stop.
	ErrFenced = errors.New("fenced by another owner")
	// ErrCut: the log ends before what the writer knows to be in it.
	ErrCut = errors.New("the log was cut")
	// ErrInDoubt: the call ended while the append may or may not be in the log. Writer.Resume settles it.
	ErrInDoubt = errors.New("an append is in doubt")
)

// answer is what the log said to the last action.
type answer struct {
	seq uint64
	m   *Message
	err error
}

// action is what to do next about an append.
type action uint8

const (
	actSend action = iota // the very same bytes, the very same fence
	actRead               // the message at settle.read
	actDone               // it is at settle.seq
	actFail               // settle.err
)

// reason is why an append is not done yet; it decides how long to wait.
type reason uint8

const (
	reasonNone reason = iota
	reasonFull
	reasonServerFull
	reasonUndecided
	reasonNoAnswer
)

// settle is the protocol of one append, without a clock and without I/O: the blocking Writer and a simulator run the
// same. From its first attempt on an append stays the same bytes behind the same fence until it is accepted or refused
// with another last sequence. No other answer ends a doubt, and no read does.
type settle struct {
	subject string
	expect  uint64
	mine    func(*Message) bool // whether a stored message is this very append
	read    uint64
	doubt   bool // an attempt went out of which nothing was heard
	why     reason
	seq     uint64
	other   *Message // the message that stands in the way
	err     error
}

// next takes the answer to the last action and says what to do.
func (s *settle) next(a answer) action {
	if s.read > 0 {
		return s.looked(a)
	}
	var wrong *WrongLastError
	switch {
	case a.err == nil:
		s.why, s.seq = reasonNone, a.seq
		return actDone
	case errors.As(a.err, &wrong):
		s.why = reasonNone
		switch {
		case wrong.Last < s.expect:
			return s.fail(fmt.Errorf("append to %s: %w: it ends at %d, the message before was %d",
				s.subject, ErrCut, wrong.Last, s.expect))
		case wrong.Last == s.expect: // refused for a reason it does not name
			s.why = reasonUndecided
			return actSend
		}
		s.read = wrong.Last
		return actRead
	case errors.Is(a.err, ErrUndecided):
		s.why = reasonUndecided
		return actSend
	case errors.Is(a.err, ErrFull):
		s.why = reasonFull
		return actSend
	case errors.Is(a.err, ErrServerFull):
		s.why = reasonServerFull
		return actSend
	case errors.Is(a.err, ErrNoAnswer):
		s.why, s.doubt = reasonNoAnswer, true
		return actSend
	}
	return s.fail(fmt.Errorf("append to %s after %d: %w", s.subject, s.expect, a.err))
}

// looked takes the message that is last instead. One that is not found proves nothing: the one asked may be behind.
func (s *settle) looked(a answer) action {
	seq := s.read
	s.read = 0
	switch {
	case errors.Is(a.err, ErrNotFound):
		s.why = reasonUndecided
		return actSend
	case a.err != nil:
		s.why = reasonNoAnswer
		return actSend
	case a.m.Subject == s.subject && s.mine(a.m):
		s.why, s.seq = reasonNone, seq
		return actDone
	}
	s.other = a.m
	return s.fail(fmt.Errorf("append to %s after %d: message %d is there: %w", s.subject, s.expect, seq, ErrFenced))
}

func (s *settle) fail(err error) action {
	s.why, s.err = reasonNone, err
	return actFail
}
