package topic

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/zeebo/xxh3"
)

// Bookmark is a position with the identity of the message there, so that a log which went backwards or was made again
// is noticed. The zero Bookmark stands before everything and checks nothing.
type Bookmark struct {
	Created int64  // the shard's creation time, ns since the epoch; 0: not checked
	Seq     uint64 // the last message consumed; 0: none yet
	Hash    uint64 // of that message
}

// Mark returns the bookmark of a message of the shard that info describes; nil stands before the first message.
func Mark(info Info, m *Message) Bookmark {
	b := Bookmark{Created: info.Created.UnixNano()}
	if m != nil {
		b.Seq, b.Hash = m.Seq, hash(m)
	}
	return b
}

// hash covers what makes a message the one it is: subject, fence, time, provenance, data.
func hash(m *Message) uint64 {
	var n [8]byte
	h := xxh3.New()
	part := func(p []byte) {
		binary.LittleEndian.PutUint64(n[:], uint64(len(p)))
		_, _ = h.Write(n[:]) // a hash takes everything
		_, _ = h.Write(p)
	}
	part([]byte(m.Subject))
	part([]byte(m.Header[HeaderProvenance]))
	part(m.Data)
	for _, v := range [...]uint64{m.Fence, uint64(m.TimeMs)} {
		binary.LittleEndian.PutUint64(n[:], v)
		_, _ = h.Write(n[:])
	}
	return h.Sum64()
}

// ErrGap is what every GapError is.
var ErrGap = errors.New("the log has a gap")

// GapError says what is missing in a log: it was made again, it went backwards, or messages in it are gone.
type GapError struct {
	Topic   string // topic and partition, in the user's words
	Missing uint64 // a sequence that should be there
	Found   uint64 // what is there instead: the log's end, the next message, or 0
	Text    string
}

func (e *GapError) Error() string { return e.Topic + ": " + e.Text }

// Is makes errors.Is(err, ErrGap) true.
func (e *GapError) Is(target error) bool { return target == ErrGap }

// Check compares a bookmark with the log. It returns a *GapError when the log is not the one the bookmark was made in.
// With several replicas a leader cut off from the others answers from the past for some seconds: look again before
// believing it, as Reader does.
func Check(ctx context.Context, l Log, topicName string, b Bookmark) error {
	_, err := check(ctx, l, topicName, b)
	return err
}

func check(ctx context.Context, l Log, topicName string, b Bookmark) (Info, error) {
	info, err := l.Info(ctx)
	if err != nil {
		return info, fmt.Errorf("check the position in %s: %w", topicName, err)
	}
	gap := &GapError{Topic: topicName, Missing: b.Seq}
	switch created := info.Created.UnixNano(); {
	case b.Created != 0 && b.Created != created:
		gap.Text = fmt.Sprintf("its log was deleted and made again at %s; position %d belongs to the one before",
			info.Created.UTC().Format("2006-01-02T15:04:05.000Z"), b.Seq)
		return info, gap
	case b.Seq > info.LastSeq:
		gap.Found = info.LastSeq
		gap.Text = fmt.Sprintf("its log went backwards: it ends at message %d, the position is %d; messages %d to %d "+
			"are missing (restored from an older copy, or lost with the power)",
			info.LastSeq, b.Seq, info.LastSeq+1, b.Seq)
		return info, gap
	case b.Seq == 0:
		return info, nil
	}
	m, err := l.Get(ctx, b.Seq)
	switch {
	case errors.Is(err, ErrNotFound) && b.Seq < info.FirstSeq:
		gap.Found = info.FirstSeq
		gap.Text = fmt.Sprintf("its log was trimmed past the position: it begins at message %d, the position is %d",
			info.FirstSeq, b.Seq)
		return info, gap
	case errors.Is(err, ErrNotFound):
		gap.Text = fmt.Sprintf("message %d, at which the position stands, is missing (damaged, or removed by hand)",
			b.Seq)
		return info, gap
	case err != nil:
		return info, fmt.Errorf("check the position in %s: %w", topicName, err)
	case hash(m) != b.Hash:
		gap.Found = b.Seq
		gap.Text = fmt.Sprintf("message %d is not the one that was read: the log went backwards and its numbers were "+
			"used again", b.Seq)
		return info, gap
	}
	return info, nil
}
