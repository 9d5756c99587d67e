package task

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Kinds of message, in the header topic.HeaderKind. Readers take all of them alike: each is a step.
const (
	KindBatch    = "batch"    // rows
	KindEpoch    = "epoch"    // first word of a new owner; repeats what the message before it says
	KindProgress = "progress" // no rows: watermark and cursor move on
)

// Provenance says where a message comes from; docs/protocol.md is its specification. A recovery needs no more than the
// Provenance of the last message of each subject and a snapshot.
type Provenance struct {
	Writer string // the task
	Epoch  uint64
	Kind   string
	Cursor Cursor
	// Positions are the sequences up to which the inputs are consumed after step Cursor.Step.
	Positions []uint64
	// Source is the position in a source outside of Leat, opaque to all but the ingest that wrote it.
	Source string
	// Watermark and Idle hold after the last complete step.
	Watermark int64
	Idle      bool
	// Counts are the totals of the task after the last complete step.
	Counts Counts
	// Order is which input each step took, for a task of several inputs.
	Order Order
}

const (
	provenanceVersion = "1"
	maxProvenance     = 64 << 10 // the broker takes no longer header
	maxInputs         = 64
)

// Append appends the header text of p: fields parted by semicolons, the first is the version.
func (p *Provenance) Append(dst []byte) []byte {
	dst = append(dst, provenanceVersion...)
	dst = append(append(dst, ";w="...), p.Writer...)
	dst = strconv.AppendUint(append(dst, ";e="...), p.Epoch, 10)
	dst = append(append(dst, ";k="...), p.Kind...)
	dst = append(append(dst, ";c="...), p.Cursor.String()...)
	if len(p.Positions) > 0 {
		dst = append(dst, ";p="...)
		dst = appendNumbers(dst, p.Positions)
	}
	if p.Source != "" {
		dst = append(dst, ";s="...)
		dst = base64.RawURLEncoding.AppendEncode(dst, []byte(p.Source))
	}
	switch p.Watermark {
	case vector.NoTime:
	case vector.MaxTime:
		dst = append(dst, ";m=end"...)
	default:
		dst = strconv.AppendInt(append(dst, ";m="...), p.Watermark, 10)
	}
	if p.Idle {
		dst = append(dst, ";i=1"...)
	}
	if c := p.Counts; c != (Counts{}) {
		dst = append(dst, ";n="...)
		dst = appendNumbers(dst, []uint64{c.In, c.Used, c.Out, c.Filtered, c.Late, c.DeadLettered, c.Skipped})
	}
	if p.Order.Inputs > 1 {
		dst = strconv.AppendUint(append(dst, ";o="...), p.Order.Base, 10)
		dst = append(dst, ',')
		dst = base64.RawURLEncoding.AppendEncode(dst, p.Order.appendRuns(nil))
	}
	return dst
}

func appendNumbers(dst []byte, list []uint64) []byte {
	for i, n := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendUint(dst, n, 10)
	}
	return dst
}

var errProvenance = errors.New("malformed provenance")

// ParseProvenance reads the header text that Append wrote. Fields it does not know are passed over; a newer version is
// refused.
func ParseProvenance(s string) (*Provenance, error) {
	if len(s) > maxProvenance {
		return nil, fmt.Errorf("%w: %d bytes, the limit is %d", errProvenance, len(s), maxProvenance)
	}
	version, rest, _ := strings.Cut(s, ";")
	if version != provenanceVersion {
		return nil, fmt.Errorf("%w: version %.20q, this program reads version %s", errProvenance, version,
			provenanceVersion)
	}
	p := &Provenance{Watermark: vector.NoTime}
	for rest != "" {
		var field string
		field, rest, _ = strings.Cut(rest, ";")
		key, value, ok := strings.Cut(field, "=")
		if !ok {
			return nil, fmt.Errorf("%w: field %.40q", errProvenance, field)
		}
		read, known := provenanceFields[key]
		if !known {
			continue
		}
		if err := read(p, value); err != nil {
			return nil, fmt.Errorf("%w: field %s: %w", errProvenance, key, err)
		}
	}
	if p.Writer == "" || p.Kind == "" {
		return nil, fmt.Errorf("%w: writer or kind is missing", errProvenance)
	}
	if p.Order.Inputs != 0 { // the runs name inputs modulo their number
		p.Order.Inputs = len(p.Positions)
		if err := p.Order.decode(); err != nil {
			return nil, fmt.Errorf("%w: order: %w", errProvenance, err)
		}
	}
	return p, nil
}

// provenanceFields is how each field is read.
var provenanceFields = map[string]func(*Provenance, string) error{
	"w": func(p *Provenance, v string) error { p.Writer = v; return nil },
	"k": func(p *Provenance, v string) error { p.Kind = v; return nil },
	"e": func(p *Provenance, v string) (err error) { p.Epoch, err = strconv.ParseUint(v, 10, 64); return err },
	"c": func(p *Provenance, v string) (err error) { p.Cursor, err = parseCursor(v); return err },
	"i": func(p *Provenance, v string) error { p.Idle = v == "1"; return nil },
	"p": func(p *Provenance, v string) (err error) { p.Positions, err = parseNumbers(v, maxInputs); return err },
	"s": func(p *Provenance, v string) error {
		b, err := base64.RawURLEncoding.DecodeString(v)
		p.Source = string(b)
		return err
	},
	"m": func(p *Provenance, v string) (err error) {
		if v == "end" {
			p.Watermark = vector.MaxTime
			return nil
		}
		p.Watermark, err = strconv.ParseInt(v, 10, 64)
		return err
	},
	"n": func(p *Provenance, v string) error {
		n, err := parseNumbers(v, 7)
		if err == nil && len(n) == 7 {
			p.Counts = Counts{
				In: n[0], Used: n[1], Out: n[2], Filtered: n[3], Late: n[4], DeadLettered: n[5],
				Skipped: n[6],
			}
		}
		return err
	},
	"o": func(p *Provenance, v string) (err error) {
		base, runs, _ := strings.Cut(v, ",")
		if p.Order.Base, err = strconv.ParseUint(base, 10, 64); err != nil {
			return err
		}
		p.Order.raw, err = base64.RawURLEncoding.DecodeString(runs)
		p.Order.Inputs = -1 // known once the positions are
		return err
	},
}

func parseNumbers(s string, most int) ([]uint64, error) {
	parts := strings.Split(s, ",")
	if len(parts) > most {
		return nil, fmt.Errorf("%d numbers, the limit is %d", len(parts), most)
	}
	list := make([]uint64, len(parts))
	for i, t := range parts {
		n, err := strconv.ParseUint(t, 10, 64)
		if err != nil {
			return nil, err
		}
		list[i] = n
	}
	return list, nil
}

// ProvenanceOf reads the provenance of a message.
func ProvenanceOf(m *topic.Message) (*Provenance, error) {
	p, err := ParseProvenance(m.Header[topic.HeaderProvenance])
	if err != nil {
		return nil, fmt.Errorf("message %d of %s: %w", m.Seq, m.Subject, err)
	}
	return p, nil
}
