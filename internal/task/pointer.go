package task

import (
	"encoding/json"
	"fmt"
)

// slot names one kept snapshot.
type slot struct {
	Name      string   `json:"name"`
	Step      uint64   `json:"step"`
	Positions []uint64 `json:"pos"` // of the inputs: what is below the older slot's may be trimmed
}

// pointer is the value that names the two newest snapshots of a task. Its revision fences them as the subjects'
// sequences fence the outputs. No two writes of an owner are equal, so that one whose answer got lost can be told.
type pointer struct {
	Version int    `json:"v"`
	Epoch   uint64 `json:"epoch"`
	Serial  uint64 `json:"serial"`
	// Start is where the first owner began each input: rows before do not count, also when that owner died at once.
	Start  []uint64 `json:"start"`
	Newest *slot    `json:"newest,omitempty"`
	Older  *slot    `json:"older,omitempty"`
	// Clean: the owner stopped in good order. Starts counts the starts since the last snapshot that did not end so.
	Clean  bool `json:"clean,omitempty"`
	Starts int  `json:"starts,omitempty"`
	// Suspect is the step in which owners died; Poison are the steps that are taken without some of their rows.
	Suspect *suspect  `json:"suspect,omitempty"`
	Poison  []*poison `json:"poison,omitempty"`
}

const pointerVersion = 1

// maxPointer bounds the value before it is decoded.
const maxPointer = 1 << 20

func (p *pointer) encode() []byte {
	p.Version = pointerVersion
	b, err := json.Marshal(p)
	if err != nil { // plain numbers and strings
		panic(fmt.Sprintf("task: encode a pointer: %v", err))
	}
	return b
}

func decodePointer(data []byte) (*pointer, error) {
	if len(data) > maxPointer {
		return nil, fmt.Errorf("pointer of %d bytes, the limit is %d", len(data), maxPointer)
	}
	p := &pointer{}
	if err := json.Unmarshal(data, p); err != nil {
		return nil, fmt.Errorf("decode a pointer: %w", err)
	}
	if p.Version != pointerVersion {
		return nil, fmt.Errorf("pointer has version %d, this program reads version %d", p.Version, pointerVersion)
	}
	return p, nil
}

// held is the input positions that a recovery may need: below them nothing is read again.
func (p *pointer) held(rules *Rules) []uint64 {
	s := p.Older
	if rules.OneSnapshot {
		s = p.Newest
	}
	if s != nil {
		return s.Positions
	}
	return p.Start
}

// suspect is a step of which it is not known whether it can be taken.
type suspect struct {
	Step  uint64 `json:"step"`
	Tries int    `json:"tries"` // that did not end
}

// poison is a step with rows on which the machine dies. Replays leave out the same rows.
type poison struct {
	Step uint64   `json:"step"`
	Rows []int    `json:"rows"`           // counted among the live rows of the batch; they are dead letters
	Todo [][2]int `json:"todo,omitempty"` // ranges still to be tried, ascending; the first is being tried
	// Tries counts the owners that died without a word while they tried the first range.
	Tries int  `json:"tries,omitempty"`
	Done  bool `json:"done,omitempty"`
}
