package messages

import (
	"bytes"
	"fmt"

	"github.com/vmihailenco/msgpack/v5"
)

// letter is a DeadLetter as it lies on the wire: a map with these keys, version first.
type letter struct {
	Version       uint64 `msgpack:"v"`
	Kind          string `msgpack:"k"`
	Original      []byte `msgpack:"orig"`
	Format        string `msgpack:"fmt"`
	Source        string `msgpack:"src"`
	Subject       string `msgpack:"subj"`
	Partition     int    `msgpack:"part"`
	Sequence      uint64 `msgpack:"seq"`
	Row           int    `msgpack:"row"`
	Query         string `msgpack:"query"`
	Stage         string `msgpack:"stage"`
	Code          string `msgpack:"code"`
	Error         string `msgpack:"err"`
	CorrelationID string `msgpack:"cid"`
	TraceID       string `msgpack:"trace"`
	Attempts      uint32 `msgpack:"rc"`
	TimeMs        int64  `msgpack:"ts"`
	Truncated     bool   `msgpack:"cut"`
}

// MaxOriginalBytes is what a dead letter keeps of a record that is larger than a record may be.
const MaxOriginalBytes = 4096

// Append appends the dead letter to dst.
func (d *DeadLetter) Append(dst []byte) ([]byte, error) {
	w := letter{
		Version: Version, Kind: kindDeadLetter,
		Original: d.Original, Format: d.Format, Source: d.Source, Subject: d.Subject, Partition: d.Partition,
		Sequence: d.Sequence, Row: d.Row, Query: d.Query, Stage: d.Stage, Code: d.Code, Error: d.Error,
		CorrelationID: d.CorrelationID, TraceID: d.TraceID, Attempts: d.Attempts, TimeMs: d.TimeMs,
		Truncated: d.Truncated,
	}
	buf := bytes.NewBuffer(dst)
	enc := msgpack.NewEncoder(buf)
	enc.UseCompactInts(true)
	if err := enc.Encode(&w); err != nil {
		return dst, fmt.Errorf("encode a dead letter: %w", err)
	}
	return buf.Bytes(), nil
}

// DecodeDeadLetter reads what DeadLetter.Append wrote. It shares nothing with data.
func DecodeDeadLetter(data []byte) (*DeadLetter, error) {
	if size, err := Next(data, Limits{}); err != nil {
		return nil, err
	} else if size != len(data) {
		return nil, malformed("%d bytes follow the message", len(data)-size)
	}
	r := reader{data: data}
	if r.pairs() == 0 || string(r.str()) != "v" {
		r.fail("does not begin with its version")
	}
	if v := r.uint(1<<63 - 1); r.err == nil && v > Version {
		return nil, &VersionError{Got: v, Want: Version}
	}
	if r.err != nil {
		return nil, r.err
	}
	var w letter
	if err := msgpack.Unmarshal(data, &w); err != nil {
		return nil, fmt.Errorf("%w: dead letter: %w", ErrMalformed, err)
	}
	if w.Kind != kindDeadLetter || w.Version == 0 {
		return nil, malformed("message is a %.20q, not a %q", w.Kind, kindDeadLetter)
	}
	return &DeadLetter{
		Original: w.Original, Format: w.Format, Source: w.Source, Subject: w.Subject, Partition: w.Partition,
		Sequence: w.Sequence, Row: w.Row, Query: w.Query, Stage: w.Stage, Code: w.Code, Error: w.Error,
		CorrelationID: w.CorrelationID, TraceID: w.TraceID, Attempts: w.Attempts, TimeMs: w.TimeMs,
		Truncated: w.Truncated,
	}, nil
}
