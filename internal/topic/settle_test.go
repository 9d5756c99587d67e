package topic

import (
	"errors"
	"fmt"
	"testing"
)

// TestSettle walks the protocol of one append, expecting 5 on subject s, through the answers it can get.
func TestSettle(t *testing.T) {
	t.Parallel()
	mine := &Message{Subject: "s", Seq: 7, Header: map[string]string{"id": "me"}}
	other := &Message{Subject: "s", Seq: 7, Header: map[string]string{"id": "you"}}
	foreign := &Message{Subject: "t", Seq: 7, Header: map[string]string{"id": "me"}}
	wrong := func(n uint64) answer { return answer{err: fmt.Errorf("wrapped: %w", &WrongLastError{Last: n})} }
	failed := func(err error) answer { return answer{err: fmt.Errorf("wrapped: %w", err)} }
	ok := answer{seq: 6}
	for _, c := range []struct {
		name    string
		answers []answer
		want    string // an action for each answer: s sends again, r reads, d done, f failed
		seq     uint64
		err     error
		doubt   bool
	}{
		{"accepted", []answer{ok}, "d", 6, nil, false},
		{"no answer, accepted: the first is dead", []answer{failed(ErrNoAnswer), ok}, "sd", 6, nil, true},
		{"no answer, mine", []answer{failed(ErrNoAnswer), wrong(7), {m: mine}}, "srd", 7, nil, true},
		{"no answer, another's", []answer{failed(ErrNoAnswer), wrong(7), {m: other}}, "srf", 0, ErrFenced, true},
		{"the same identity on another subject", []answer{wrong(7), {m: foreign}}, "rf", 0, ErrFenced, false},
		{"no answer, cut", []answer{failed(ErrNoAnswer), wrong(4)}, "sf", 0, ErrCut, true},
		{"emptied", []answer{wrong(0)}, "f", 0, ErrCut, false},
		{"fenced at once", []answer{wrong(9), {m: other}}, "rf", 0, ErrFenced, false},
		{
			"a read that does not find it ends no doubt",
			[]answer{failed(ErrNoAnswer), wrong(7), failed(ErrNotFound), wrong(7), {m: mine}},
			"srsrd", 7, nil, true,
		},
		{
			"a read without answer ends no doubt",
			[]answer{failed(ErrNoAnswer), wrong(7), failed(ErrNoAnswer), wrong(7), {m: mine}},
			"srsrd", 7, nil, true,
		},
		{"undecided ends no doubt", []answer{failed(ErrNoAnswer), failed(ErrUndecided), ok}, "ssd", 6, nil, true},
		{
			"full ends no doubt",
			[]answer{failed(ErrNoAnswer), failed(ErrFull), failed(ErrFull), wrong(7), {m: mine}},
			"sssrd", 7, nil, true,
		},
		{"full, then room", []answer{failed(ErrFull), ok}, "sd", 6, nil, false},
		{"server full, then room", []answer{failed(ErrServerFull), ok}, "sd", 6, nil, false},
		{"refused with its own number", []answer{wrong(5), ok}, "sd", 6, nil, false},
		{"too large", []answer{failed(ErrTooLarge)}, "f", 0, ErrTooLarge, false},
		{"what the log never names", []answer{failed(errors.ErrUnsupported)}, "f", 0, errors.ErrUnsupported, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := settle{subject: "s", expect: 5, mine: func(m *Message) bool { return m.Header["id"] == "me" }}
			got := ""
			for _, a := range c.answers {
				got += string("srdf"[s.next(a)])
			}
			if got != c.want || s.seq != c.seq || !errors.Is(s.err, c.err) || s.doubt != c.doubt {
				t.Errorf("got %s seq %d err %v doubt %v, want %s seq %d err %v doubt %v",
					got, s.seq, s.err, s.doubt, c.want, c.seq, c.err, c.doubt)
			}
		})
	}
}
