package sink

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/leatsql/leat/internal/format"
	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/messages"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// DeadTopic is the dead-letter topic of a sink; the capital letter keeps it apart from users' names.
func DeadTopic(sink string) string { return "S-" + strings.ToLower(sink) }

const headerPosition = "Leat-Position"

// letters writes the rows that a target refuses, fenced, each once: the last message's position tells which are there.
type letters struct {
	d     *delivery
	w     *topic.Writer
	keys  []string
	epoch uint64
	upTo  Position
	n     uint64
}

func openLetters(ctx context.Context, d *delivery, epoch uint64) (*letters, error) {
	name := DeadTopic(d.sink.Name)
	log := topic.NewJetStream(d.s.js, "LEAT_DLQ_"+name, topic.JetStreamConfig{})
	l := &letters{d: d, keys: format.JSONKeys(d.object.Schema()), epoch: epoch}
	part := max(0, d.part)
	l.w = topic.NewWriter(topic.WriterConfig{Log: log, Subject: topic.Subject(topic.ClassDead, name, part, "sink")})
	last, err := l.w.Fence(ctx, l.epochMessage)
	if err != nil {
		return nil, fmt.Errorf("fence the dead letters of sink %s: %w", d.sink.Name, err)
	}
	if last != nil {
		l.upTo, _ = parseTagged(last.Header[headerPosition], d.tag())
	}
	return l, nil
}

// epochMessage repeats the position of the message it follows.
func (l *letters) epochMessage(last *topic.Message) (map[string]string, []byte, error) {
	h := map[string]string{topic.HeaderKind: "epoch", topic.HeaderProvenance: l.provenance()}
	if last != nil {
		if e, err := strconv.ParseUint(strings.Split(last.Header[topic.HeaderProvenance], "/")[0], 10,
			64); err == nil && e > l.epoch {
			return nil, nil, topic.ErrFenced
		}
		h[headerPosition] = last.Header[headerPosition]
	}
	return h, nil, nil
}

func (l *letters) provenance() string { return fmt.Sprintf("%d/%s/%d", l.epoch, l.d.id(), l.n) }

// tagged is a position with the delivery it belongs to.
func tagged(tag string, p Position) string { return tag + " " + p.String() }

// parseTagged reads a position of the delivery with that tag.
func parseTagged(s, tag string) (Position, bool) {
	mine, pos, ok := strings.Cut(s, " ")
	if !ok || mine != tag {
		return Position{}, false
	}
	return parsePosition(pos)
}

// add appends row i of b. Rows come in the order of the log.
func (l *letters) add(ctx context.Context, b *vector.Batch, i int, code string, why error) error {
	pos := Position{Seq: b.Seq, Row: i + 1}
	if !l.upTo.Less(pos) {
		return nil // it is there from before a restart
	}
	l.n++
	d := messages.DeadLetter{
		Original: format.AppendRow(nil, l.keys, b, i), Format: "json", Source: b.Topic,
		Partition: b.Partition, Sequence: b.Seq, Row: i, Stage: "sink " + l.d.sink.Name, Code: code, Error: why.Error(),
		TimeMs: b.AppendTime, Attempts: 1,
		CorrelationID: l.d.origin.correlation, TraceID: messages.TraceID(l.d.origin.trace),
	}
	if len(d.Original) > messages.MaxOriginalBytes {
		d.Original, d.Truncated = d.Original[:messages.MaxOriginalBytes], true
	}
	data, err := d.Append(nil)
	if err != nil {
		return err
	}
	h := map[string]string{
		topic.HeaderKind: "dead", topic.HeaderProvenance: l.provenance(),
		headerPosition: tagged(l.d.tag(), pos),
	}
	if _, err := l.w.Append(ctx, h, data); err != nil {
		return errors.Join(fmt.Errorf("keep a dead letter of sink %s", l.d.sink.Name), err)
	}
	l.upTo = pos
	return nil
}
