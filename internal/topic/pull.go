package topic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
)

// Bounds of a pull.
const (
	pullMessages  = 1024             // asked for at once
	pullExpiry    = 30 * time.Second // after which an unanswered pull ends
	pullHeartbeat = 5 * time.Second  // of an idle pull; twice missing means the broker or the consumer is gone
	pullInactive  = time.Minute      // after which the broker forgets a consumer nobody pulls from
)

// pullCursor reads a stream through an ephemeral consumer that acknowledges nothing. It dies at the first doubt: a
// reconnect, a missing heartbeat, a message out of turn. Reader starts another one at its position, after it has
// checked that the log is still the one it knows.
type pullCursor struct {
	l          *JetStream
	consumer   string
	inbox      string
	next       string // subject to pull from
	sub        *nats.Subscription
	msgs       chan *nats.Msg
	status     chan nats.Status
	reconnects uint64
	silence    *time.Timer
	maxBytes   int
	// What has been asked for and has not come. Both are upper bounds: a closing status takes away what it names.
	askedMessages, askedBytes int
	fit                       fit
	delivered                 uint64 // consumer's number of the last message
	seq                       uint64 // its sequence
	err                       error
}

// fit is what is known about the size of the next message. While pulls end because it is larger than what they have
// left, no other is added until all have ended; then one over all that may be asked for is tried, and then one for it
// alone.
type fit uint8

const (
	fitUsual fit = iota // nothing stands against it
	fitHold             // a pull ended because of its size
	fitWhole            // a pull over maxBytes is under way, and no other
	fitAlone            // a pull for this message is under way, on subject inbox.1, and no other
)

// Read implements Log.
func (l *JetStream) Read(ctx context.Context, from uint64, maxBytes int, filters ...string) (Cursor, error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	c := &pullCursor{
		l: l, consumer: "leat-" + nuid.Next(), inbox: l.nc.NewInbox(), seq: max(from, 1) - 1,
		// Twice what is asked for at once, and room for heartbeats and closing statuses of a reader that sleeps.
		msgs:       make(chan *nats.Msg, 2*pullMessages+64),
		reconnects: l.nc.Stats().Reconnects,
		silence:    time.NewTimer(2*pullHeartbeat + time.Second),
	}
	_, err := l.js.CreateConsumer(ctx, l.name, jetstream.ConsumerConfig{
		Name:              c.consumer,
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       max(from, 1),
		AckPolicy:         jetstream.AckNonePolicy,
		FilterSubjects:    filters,
		MemoryStorage:     true,
		Replicas:          1,
		InactiveThreshold: pullInactive,
	})
	if err != nil {
		return nil, apiError(fmt.Sprintf("read %s from %d", l.name, from), err)
	}
	c.next = l.prefix + "CONSUMER.MSG.NEXT." + l.name + "." + c.consumer
	c.sub, err = l.nc.ChanSubscribe(c.inbox+".*", c.msgs)
	if err != nil {
		return nil, fmt.Errorf("read %s from %d: %w: %w", l.name, from, ErrNoAnswer, err)
	}
	c.status = l.nc.StatusChanged(nats.CONNECTED, nats.RECONNECTING, nats.DISCONNECTED, nats.CLOSED)
	c.maxBytes = l.budget.take(maxBytes)
	return c, nil
}

// Next implements Cursor.
func (c *pullCursor) Next(ctx context.Context) (*Message, int64, error) {
	for c.err == nil {
		if err := c.pull(); err != nil {
			return nil, 0, c.die(err)
		}
		var msg *nats.Msg
		select {
		case msg = <-c.msgs:
		default:
			var err error
			if msg, err = c.wait(ctx); err != nil {
				return nil, 0, err
			}
		}
		if msg == nil {
			continue
		}
		m, pending, err := c.take(msg)
		if err != nil {
			return nil, 0, c.die(err)
		}
		if m != nil {
			return m, pending, nil
		}
	}
	return nil, 0, c.err
}

// wait returns what comes next from the broker, nil when there is reason to look again.
func (c *pullCursor) wait(ctx context.Context) (*nats.Msg, error) {
	c.silence.Reset(2*pullHeartbeat + time.Second)
	select {
	case msg := <-c.msgs:
		return msg, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.status:
		if c.l.nc.IsConnected() && c.l.nc.Stats().Reconnects == c.reconnects {
			return nil, nil
		}
		return nil, c.die(errors.New("the connection was lost"))
	case <-c.silence.C:
		return nil, c.die(errors.New("the broker has gone silent"))
	}
}

// pull asks for more when less than half of what may be under way is.
func (c *pullCursor) pull() error {
	if c.askedMessages > 0 && (c.fit != fitUsual || c.askedMessages > pullMessages/2 && c.askedBytes > c.maxBytes/2) {
		return nil
	}
	req := pullRequest{
		Expires: pullExpiry, Heartbeat: pullHeartbeat,
		// At least some: a pull that ends to the byte does not say how many messages of it will not come.
		Batch: max(pullMessages-c.askedMessages, 64), MaxBytes: c.maxBytes - c.askedBytes,
	}
	reply := c.inbox + ".0"
	switch c.fit {
	case fitUsual:
	case fitHold:
		c.fit = fitWhole
	case fitWhole, fitAlone:
		c.fit = fitAlone
		req.Batch, req.MaxBytes = 1, int(c.l.nc.MaxPayload())+4096
		reply = c.inbox + ".1"
	}
	body, err := json.Marshal(req)
	if err != nil {
		return fmt.Errorf("pull: %w", err)
	}
	if err = c.l.nc.PublishRequest(c.next, reply, body); err != nil {
		return fmt.Errorf("pull: %w", err)
	}
	c.askedMessages += req.Batch
	c.askedBytes += req.MaxBytes
	return nil
}

type pullRequest struct {
	Batch     int           `json:"batch"`
	MaxBytes  int           `json:"max_bytes"`
	Expires   time.Duration `json:"expires"`
	Heartbeat time.Duration `json:"idle_heartbeat"`
}

// take turns what the broker sent into a message, or nil when it was a status.
func (c *pullCursor) take(msg *nats.Msg) (*Message, int64, error) {
	if msg.Reply == "" && len(msg.Data) == 0 {
		return nil, 0, c.takeStatus(msg)
	}
	a, err := parseAck(msg.Reply)
	if err != nil {
		return nil, 0, err
	}
	if a.delivered != c.delivered+1 || a.seq <= c.seq {
		return nil, 0, fmt.Errorf("message %d came as number %d behind number %d (message %d)",
			a.seq, a.delivered, c.delivered, c.seq)
	}
	c.delivered, c.seq = a.delivered, a.seq
	c.settle(1, msg.Size())
	c.fit = fitUsual
	m := &Message{Subject: msg.Subject, Seq: a.seq, TimeMs: a.timeNs / int64(time.Millisecond), Data: msg.Data}
	if err = m.setHeader(msg.Header); err != nil {
		return nil, 0, err
	}
	return m, a.pending, nil
}

// takeStatus handles a heartbeat or the end of a pull, which says how much of it will not come any more.
//
// The order of statuses and messages is the broker's, so a status about size is never older than the message before it.
func (c *pullCursor) takeStatus(msg *nats.Msg) error {
	h := msg.Header
	status, text := h.Get("Status"), h.Get("Description")
	if status == "100" {
		return nil
	}
	left, err := strconv.Atoi(h.Get("Nats-Pending-Messages"))
	if err != nil { // consumer deleted, leader changed, server stopping, nobody there
		return fmt.Errorf("the broker ended the read: %s %s", status, text)
	}
	leftBytes, err := strconv.Atoi(h.Get("Nats-Pending-Bytes"))
	if err != nil {
		return fmt.Errorf("the broker ended the read: %s %s", status, text)
	}
	if left == 0 && msg.Subject == c.inbox+".1" {
		return nil // the message itself has settled the pull for it alone
	}
	c.settle(left, leftBytes)
	switch {
	case text != "Message Size Exceeds MaxBytes":
		c.fit = fitUsual // it ended by time: nothing is known about the next message
	case c.fit == fitUsual:
		c.fit = fitHold
	}
	return nil
}

// settle takes away what came or will not come. When one of the two is used up nothing is under way any more.
func (c *pullCursor) settle(messages, bytes int) {
	c.askedMessages -= messages
	c.askedBytes -= bytes
	if c.askedMessages <= 0 || c.askedBytes <= 0 {
		c.askedMessages, c.askedBytes = 0, 0
	}
}

func (c *pullCursor) die(cause error) error {
	if c.err == nil {
		c.err = fmt.Errorf("read %s behind %d: %w: %w", c.l.name, c.seq, ErrNoAnswer, cause)
		c.release()
	}
	return c.err
}

// Close implements Cursor.
func (c *pullCursor) Close() {
	if c.err == nil {
		c.err = fmt.Errorf("read %s behind %d: cursor is closed", c.l.name, c.seq)
		c.release()
	}
}

func (c *pullCursor) release() {
	c.silence.Stop()
	c.l.nc.RemoveStatusListener(c.status)
	c.l.budget.give(c.maxBytes)
	// Both are courtesy: a connection that is gone has no subscription, and the broker forgets an idle consumer.
	_ = c.sub.Unsubscribe()
	_ = c.l.nc.Publish(c.l.prefix+"CONSUMER.DELETE."+c.l.name+"."+c.consumer, nil)
}

// ackSubject is what a consumer's message says about itself in its reply subject.
type ackSubject struct {
	seq, delivered  uint64
	timeNs, pending int64
}

// parseAck reads $JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<tries>.<seq>.<delivered>.<time>.<pending>[.<token>].
func parseAck(reply string) (ackSubject, error) {
	const short, long = 9, 12
	var a ackSubject
	t := strings.Split(reply, ".")
	first := 5
	switch {
	case len(t) >= long:
		first = 7
	case len(t) != short:
		return a, fmt.Errorf("not a message of a consumer: reply subject %q", reply)
	}
	if t[0] != "$JS" || t[1] != "ACK" {
		return a, fmt.Errorf("not a message of a consumer: reply subject %q", reply)
	}
	var errs [4]error
	a.seq, errs[0] = strconv.ParseUint(t[first], 10, 64)
	a.delivered, errs[1] = strconv.ParseUint(t[first+1], 10, 64)
	a.timeNs, errs[2] = strconv.ParseInt(t[first+2], 10, 64)
	a.pending, errs[3] = strconv.ParseInt(t[first+3], 10, 64)
	if err := errors.Join(errs[:]...); err != nil {
		return a, fmt.Errorf("reply subject %q: %w", reply, err)
	}
	return a, nil
}
