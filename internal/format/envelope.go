package format

import (
	"fmt"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// Nulls says what a record without a value is: an empty message, or a JSON null.
type Nulls uint8

// What a record without a value is.
const (
	NullBad   Nulls = iota // no row
	NullKey                // of a table: the end of the row with its key
	NullRow                // of a stream in the ksql profile: a row with null values
	NullEmpty              // nothing at all
)

// Envelope is what is known of records from outside of them. It holds until the next one.
type Envelope struct {
	// Delete: the records are rows that are taken away.
	Delete bool
	// Keys are the texts of the key columns; nil: the records hold them.
	Keys []string
}

// envelopeState is a builder's part for envelopes.
type envelopeState struct {
	keyCols []*column
	given   []string
	deletes bool // of the envelope
	remove  bool // of the row being written
	nullIs  Nulls
	ops     []vector.Op // nil: inserts
}

func (b *Builder) setKeys(o Options) error {
	b.nullIs = o.Nulls
	for _, k := range o.Keys {
		i := b.find([]byte(k))
		if i < 0 {
			return fmt.Errorf("key: no column %q", k)
		}
		b.keyCols = append(b.keyCols, &b.cols[i])
	}
	return nil
}

// Envelope says what is known of the records that follow.
func (b *Builder) Envelope(e Envelope) { b.given, b.deletes = e.Keys, e.Delete }

// fillKeys gives the key columns of the row being written the texts of the envelope.
func (b *Builder) fillKeys() {
	if len(b.given) != len(b.keyCols) {
		b.refuse(CodeFields, "", fmt.Sprintf("the key has %d parts, want %d", len(b.given), len(b.keyCols)))
		return
	}
	for i, c := range b.keyCols {
		b.text(c, []byte(b.given[i]))
	}
}

// noteOp keeps what the row that is committed does.
func (b *Builder) noteOp() {
	op := vector.Insert
	if b.deletes || b.remove {
		op = vector.Delete
	}
	b.remove = false
	if op != vector.Insert && b.ops == nil {
		b.ops = make([]vector.Op, b.rows, max(b.rows+1, firstRows))
	}
	if b.ops != nil {
		b.ops = append(b.ops, op)
	}
}

// eventTime returns the event time of the row being written. A row that is taken away may lack it: it has the largest
// one so far then, which moves no watermark.
func (b *Builder) eventTime() int64 {
	if (b.deletes || b.remove) && b.cols[b.event.col].stamp != b.gen {
		if b.largest == vector.NoTime {
			return b.Now
		}
		return b.largest
	}
	return b.event.time(b)
}

// Null takes a record without a value.
func (b *Builder) Null(record []byte) {
	b.begin()
	switch b.nullIs {
	case NullEmpty:
		b.bytes += len(record)
		b.Record++
		return
	case NullKey:
		if len(b.keyCols) == 0 || len(b.given) == 0 {
			b.refuse(CodeValue, "", "a record without a value ends the row of a key, but comes without the key")
		}
	case NullRow:
	default:
		b.refuse(CodeSyntax, "", "the record has no value")
	}
	b.remove = true
	b.commit(record)
	b.remove = false
}
