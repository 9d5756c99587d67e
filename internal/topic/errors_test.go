package topic

import (
	"errors"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// TestAppendErrors maps every answer that was seen from a broker.
func TestAppendErrors(t *testing.T) {
	t.Parallel()
	api := func(code int, ecode jetstream.ErrorCode, text string) error {
		return fmt.Errorf("nats: %w", &jetstream.APIError{Code: code, ErrorCode: ecode, Description: text})
	}
	all := []error{ErrWrongLast, ErrUndecided, ErrFull, ErrServerFull, ErrNoAnswer, ErrTooLarge, ErrNotFound}
	for _, c := range []struct {
		err  error
		want error // nil: none of ours
	}{
		{api(400, 10071, "wrong last sequence: 41"), ErrWrongLast},
		{api(400, 10071, "wrong last sequence: 0"), ErrWrongLast},
		{api(400, 10071, "wrong last sequence"), ErrUndecided},
		{api(400, 10164, "wrong last sequence"), ErrUndecided},
		{api(503, 10077, "maximum bytes exceeded"), ErrFull},
		{api(503, 10077, "maximum messages per subject exceeded"), nil},
		{api(503, 10077, "message too large"), ErrTooLarge},
		{api(400, 10054, "message size exceeds maximum allowed"), ErrTooLarge},
		{api(503, 10023, "insufficient resources"), ErrServerFull},
		{api(503, 10008, "JetStream system temporarily unavailable"), ErrNoAnswer},
		{api(503, 10039, "JetStream not enabled for account"), ErrNoAnswer},
		{api(400, 10060, "expected stream does not match"), nil},
		{nats.ErrMaxPayload, ErrTooLarge},
		{nats.ErrTimeout, ErrNoAnswer},
		{nats.ErrConnectionClosed, ErrNoAnswer},
		{nats.ErrReconnectBufExceeded, ErrNoAnswer},
		{jetstream.ErrNoStreamResponse, ErrNoAnswer},
		{jetstream.ErrInvalidJSAck, ErrNoAnswer},
	} {
		got := appendError("s", c.err)
		for _, e := range all {
			if errors.Is(got, e) != errors.Is(e, c.want) {
				t.Errorf("%v: got %v, want %v", c.err, got, c.want)
			}
		}
	}
	var wrong *WrongLastError
	if !errors.As(appendError("s", api(400, 10071, "wrong last sequence: 41")), &wrong) || wrong.Last != 41 {
		t.Errorf("the number is lost: %v", wrong)
	}
}

func TestParseAck(t *testing.T) {
	t.Parallel()
	want := ackSubject{seq: 12, delivered: 3, timeNs: 99, pending: 7}
	for _, reply := range []string{
		"$JS.ACK.S.c.1.12.3.99.7", "$JS.ACK.hub.ACC.S.c.1.12.3.99.7.tok", "$JS.ACK._.ACC.S.c.1.12.3.99.7.tok.new",
	} {
		if got, err := parseAck(reply); got != want || err != nil {
			t.Errorf("%s: got %+v %v, want %+v", reply, got, err, want)
		}
	}
	for _, reply := range []string{
		"", "_INBOX.x", "$JS.ACK.S.c.1.12.3.99", "$JS.ACK.S.c.1.x.3.99.7", "$KV.ACK.S.c.1.1.3.99.7",
	} {
		if got, err := parseAck(reply); err == nil {
			t.Errorf("%s: got %+v", reply, got)
		}
	}
}
