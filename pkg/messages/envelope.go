package messages

import (
	"strconv"
	"strings"
)

// Names of the headers that travel beside a message. W3C's own two are in lower case, as the standard has them; a
// header of a user's message that begins with Leat- or Nats- is never copied.
const (
	HeaderTraceParent   = "traceparent"
	HeaderTraceState    = "tracestate"
	HeaderBaggage       = "baggage"
	HeaderCorrelationID = "Leat-Correlation-Id"
	HeaderBatchID       = "Leat-Batch-Id"
	HeaderRetryCount    = "Leat-Retry-Count"
	HeaderContent       = "Leat-Content"
)

// Values of HeaderContent: what the body of a message is.
const (
	ContentProcessBatch = "process-batch"
	ContentBatchResult  = "batch-result"
	ContentDeadLetter   = "dead-letter"
	ContentControl      = "control"
)

// Limits of header values that come from outside; what is longer is left out.
const (
	maxIDBytes      = 256
	maxBaggageBytes = 8192
	maxStateBytes   = 512
)

// Carrier is the headers of a message: nats.Header and http.Header are carriers.
type Carrier interface {
	Get(key string) string
	Set(key, value string)
}

// Envelope is what the headers of a message say about it.
type Envelope struct {
	TraceParent   string // W3C traceparent, "" without a trace
	TraceState    string
	Baggage       string
	CorrelationID string
	BatchID       string
	RetryCount    uint32
	Content       string
}

// Write sets the headers of e that are not empty.
func (e *Envelope) Write(c Carrier) {
	for _, h := range [...]struct{ name, value string }{
		{HeaderTraceParent, e.TraceParent},
		{HeaderTraceState, e.TraceState},
		{HeaderBaggage, e.Baggage},
		{HeaderCorrelationID, e.CorrelationID},
		{HeaderBatchID, e.BatchID},
		{HeaderContent, e.Content},
	} {
		if h.value != "" {
			c.Set(h.name, h.value)
		}
	}
	if e.RetryCount > 0 {
		c.Set(HeaderRetryCount, strconv.FormatUint(uint64(e.RetryCount), 10))
	}
}

// ReadEnvelope reads the headers of a message. What is malformed or too long is left out, as W3C wants it for a trace:
// a header never makes a message unreadable.
func ReadEnvelope(c Carrier) Envelope {
	e := Envelope{
		CorrelationID: clean(c.Get(HeaderCorrelationID), maxIDBytes),
		BatchID:       clean(c.Get(HeaderBatchID), maxIDBytes),
		Content:       clean(c.Get(HeaderContent), maxIDBytes),
		Baggage:       clean(c.Get(HeaderBaggage), maxBaggageBytes),
	}
	if tp := c.Get(HeaderTraceParent); TraceID(tp) != "" {
		e.TraceParent = tp
		e.TraceState = clean(c.Get(HeaderTraceState), maxStateBytes)
	}
	if n, err := strconv.ParseUint(c.Get(HeaderRetryCount), 10, 32); err == nil {
		e.RetryCount = uint32(n)
	}
	return e
}

// clean returns s, or "" when it is longer than most bytes or holds a control character.
func clean(s string, most int) string {
	if len(s) > most || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return ""
	}
	return s
}

// TraceID returns the 32 hex digits of the trace in a traceparent, "" when it is not a valid one: version, trace,
// parent, flags, all in lower case hex, trace and parent not zero.
func TraceID(traceparent string) string {
	p := traceparent
	if len(p) < 55 || p[2] != '-' || p[35] != '-' || p[52] != '-' || p[:2] == "ff" {
		return ""
	}
	if len(p) > 55 && (p[:2] == "00" || p[55] != '-') {
		return ""
	}
	trace, parent := p[3:35], p[36:52]
	for _, part := range [...]string{p[:2], trace, parent, p[53:55]} {
		if strings.Trim(part, "0123456789abcdef") != "" {
			return ""
		}
	}
	if strings.Trim(trace, "0") == "" || strings.Trim(parent, "0") == "" {
		return ""
	}
	return trace
}
