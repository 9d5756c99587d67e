package topic

import (
	"fmt"
	"maps"
)

// Chain follows the fences of a partition's messages: each names the message of its subject that came before it.
type Chain struct {
	topic string
	floor uint64 // all messages from here on are owed to whoever reads
	last  map[string]uint64
}

// NewChain returns a chain for a reader to whom every message from floor on is owed (0: unknown, then the first message
// of each subject is believed). last, if known, holds the last sequence of each subject before it.
func NewChain(topicName string, floor uint64, last map[string]uint64) *Chain {
	c := &Chain{topic: topicName, floor: floor, last: maps.Clone(last)}
	if c.last == nil {
		c.last = map[string]uint64{}
	}
	return c
}

// Follow checks that m's fence names the message of its subject that came before it, if that one was owed. The error is
// a *GapError.
func (c *Chain) Follow(m *Message) error {
	if !m.HasFence { // appended by the broker itself: ticks
		return nil
	}
	before, seen := c.last[m.Subject]
	intact := seen && m.Fence == before ||
		!seen && c.floor == 0 ||
		m.Fence < c.floor && before < c.floor
	if !intact {
		text := fmt.Sprintf("message %d of %s is missing: message %d stands behind it", m.Fence, m.Subject, m.Seq)
		if seen {
			text += fmt.Sprintf(", and %d was the last one read", before)
		}
		return &GapError{Topic: c.topic, Missing: m.Fence, Found: m.Seq, Text: text}
	}
	c.last[m.Subject] = m.Seq
	return nil
}

// Last returns the last sequence of each subject so far.
func (c *Chain) Last() map[string]uint64 { return maps.Clone(c.last) }
