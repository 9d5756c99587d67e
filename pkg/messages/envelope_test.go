package messages

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func TestEnvelopeHeaders(t *testing.T) {
	t.Parallel()
	want := Envelope{
		TraceParent: parent, TraceState: "leat=1", Baggage: "user=1,region=eu", CorrelationID: "order-17",
		BatchID: "trades/0/17", RetryCount: 3, Content: ContentBatchResult,
	}
	h := http.Header{}
	want.Write(h)
	if d := cmp.Diff(want, ReadEnvelope(h)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	empty := http.Header{}
	(&Envelope{}).Write(empty)
	if len(empty) != 0 {
		t.Errorf("an empty envelope wrote %v", empty)
	}
}

func TestForeignHeadersAreCleaned(t *testing.T) {
	t.Parallel()
	h := http.Header{}
	h.Set(HeaderTraceParent, "nonsense")
	h.Set(HeaderTraceState, "kept only with a parent")
	h.Set(HeaderBaggage, strings.Repeat("x", maxBaggageBytes+1))
	h.Set(HeaderCorrelationID, "two\nlines")
	h.Set(HeaderBatchID, "esc\x1b[31m")
	h.Set(HeaderRetryCount, "-1")
	if d := cmp.Diff(Envelope{}, ReadEnvelope(h)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestTraceID(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in string
		ok bool
	}{
		{parent, true},
		{"cc" + parent[2:] + "-later", true},
		{"ff" + parent[2:], false},
		{parent + "-later", false},
		{strings.ToUpper(parent), false},
		{parent[:54], false},
		{"", false},
		{"00-00000000000000000000000000000000-00f067aa0ba902b7-01", false},
		{"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false},
		{"00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01", false},
	} {
		want := ""
		if c.ok {
			want = "4bf92f3577b34da6a3ce929d0e0e4736"
		}
		if got := TraceID(c.in); got != want {
			t.Errorf("%q: got %q, want %q", c.in, got, want)
		}
	}
}

func TestDeadLetterRoundTrip(t *testing.T) {
	t.Parallel()
	want := &DeadLetter{
		Original: []byte{0xff, 0x00, '"'}, Format: "raw", Source: "trades", Subject: "md.x", Partition: 7,
		Sequence: 1<<64 - 1, Row: 12, Query: "q", Stage: "q.1", Code: "LEAT-5001", Error: "bad \x1b",
		CorrelationID: "c", TraceID: "t", Attempts: 2, TimeMs: -1, Truncated: true,
	}
	data, err := want.Append([]byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeDeadLetter(data[1:])
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if _, err := DecodeDeadLetter(trades(1).Append(nil)); err == nil {
		t.Error("a batch passed as a dead letter")
	}
	if _, err := DecodeDeadLetter(newerLetter(t)); err == nil || !strings.Contains(err.Error(), "version 2") {
		t.Errorf("newer version: got %v", err)
	}
}

func newerLetter(t *testing.T) []byte {
	t.Helper()
	data, err := (&DeadLetter{}).Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(string(data), "\xa1v") + 2
	data[at] = 2
	return data
}
