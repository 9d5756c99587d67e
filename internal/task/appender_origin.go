package task

import (
	"context"
	"fmt"

	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Origin says which headers the messages carry that the rows written next begin: the correlation id and the W3C
// traceparent of the record that they come from. Both may be empty.
func (a *Appender) Origin(correlation, traceparent string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, l := range a.lanes {
		*l.cur = origin{correlation: correlation, trace: traceparent}
	}
}

// WriteDead appends encoded dead letters, each as a message of its own, to a partition of a topic of the class
// topic.ClassDead. source is the position in the source behind them, as for Write: a letter counts as a row.
func (a *Appender) WriteDead(ctx context.Context, partition int, letters [][]byte, source string) error {
	l := a.lanes[partition]
	if l.class != topic.ClassDead {
		panic(fmt.Sprintf("task: dead letters for topic %s of class %s", a.cfg.Topic, l.class))
	}
	if err := a.room(ctx, l); err != nil {
		return fmt.Errorf("write to the dead letters of %s: %w", a.cfg.Topic, err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	there := int(min(l.ahead, uint64(len(letters))))
	if l.ahead -= uint64(there); l.ahead > 0 {
		return nil // as in Write
	}
	l.steps++
	for _, d := range letters[there:] {
		l.deadLetter(l.steps, d)
	}
	counts := l.tail.counts
	counts.In += uint64(len(letters))
	counts.DeadLettered += uint64(len(letters))
	l.endStep(&stamp{step: l.steps, source: source, counts: counts, marks: []mark{{vector.NoTime, false}}}, 0)
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return nil
}
