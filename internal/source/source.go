package source

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// Position says how far a source has been read. The zero value is the beginning. Positions of one source are ordered
// by Seq, then Row; the other fields help to find the place again.
type Position struct {
	Seq    uint64 // message of a stream; of a file, how often it was replaced
	Row    uint64 // records of Seq that are done, good or bad; of a file all records, of a generator all rows
	Offset int64  // bytes of a file that are done, unpacked ones of a .gz
	Line   int    // lines of a file that are done
	ID     string // what was read: a file's beginning, a stream's creation
}

// Less reports whether p comes before o.
func (p Position) Less(o Position) bool { return p.Seq < o.Seq || p.Seq == o.Seq && p.Row < o.Row }

// String writes the position so that ParsePosition reads it.
func (p Position) String() string {
	return fmt.Sprintf("%d.%d.%d.%d.%s", p.Seq, p.Row, p.Offset, p.Line, p.ID)
}

// ParsePosition reads what String writes; the empty string is the zero position.
func ParsePosition(s string) (Position, error) {
	if s == "" {
		return Position{}, nil
	}
	f := strings.SplitN(s, ".", 5)
	if len(f) != 5 {
		return Position{}, fmt.Errorf("position %q: want five parts", s)
	}
	var n [4]uint64
	for i := range n {
		v, err := strconv.ParseUint(f[i], 10, 63)
		if err != nil {
			return Position{}, fmt.Errorf("position %q: %w", s, err)
		}
		n[i] = v
	}
	return Position{Seq: n[0], Row: n[1], Offset: int64(n[2]), Line: int(n[3]), ID: f[4]}, nil
}

// Chunk is what a source has read: a whole message, or a block of a file. It is good until the next call of Next.
type Chunk struct {
	Data []byte
	// Message: Data is a record, or several, of its own. Otherwise Data is a piece of a text: the receiver sets Used to
	// the bytes it has taken, and the next chunk begins with the rest and more.
	Message bool
	Used    int
	// Skip is set by the receiver that took all of Data and wants nothing more of the line it ends in.
	Skip  bool
	Final bool // no more text follows
	// More: the next call of Next will not wait long. Without it the receiver hands on what it has before it calls.
	More bool
	// Start is the position of Data. Row and Line of a text are the receiver's to count.
	Start   Position
	Subject string // NATS subject, file path
	// TimeMs is when the broker or the receiver took the data, in ms; 0 where nobody knows.
	TimeMs int64
	// Correlation, Traceparent and Baggage are what the sender wrote into its headers.
	Correlation, Traceparent, Baggage string
	// Headers are the headers of a message as they came.
	Headers map[string][]string
	// Keys are the texts of the key columns where they stand outside of Data; nil: in it. Fill: in rows too, not only
	// where Data is empty.
	Keys []string
	Fill bool
	// Delete: the rows of Data are taken away; without Data the one of Keys.
	Delete bool
	// Done, if not nil, is called once the rows are appended (nil) or refused (the reason).
	Done func(error)
}

// Source reads raw data. One goroutine uses it, except that Close and Commit may be called while Next waits.
type Source interface {
	// Open starts reading behind from.
	Open(ctx context.Context, from Position) error
	// Next waits for more data; io.EOF ends a bounded source. ctx ends the waiting, not the source.
	Next(ctx context.Context) (*Chunk, error)
	// Commit says that everything up to pos is safely appended and need not be delivered again.
	Commit(ctx context.Context, pos Position) error
	// Close ends the source and what it started.
	Close() error
}
