package format

import (
	"fmt"
	"strings"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// Decoder takes records apart. One goroutine uses it; it remembers what the rows before looked like, never a result.
type Decoder interface {
	// Start says that a new file or message begins.
	Start()
	// Decode adds the rows of data to b until all of it is read or b is full, and returns how many bytes were read.
	// Unless final, more bytes follow and an incomplete record at the end is left unread. b.Line and b.Record move on.
	Decode(data []byte, final bool, b *Builder) int
}

// Config says what the bytes of a source are.
type Config struct {
	// Format is json (ndjson), csv (delimited), msgpack, raw, kafka, debezium or none; "" is json.
	Format string
	// Lines: the source is text in lines (a file, standard input), not messages.
	Lines bool
	// Delimiter of csv, one byte; "" is a comma.
	Delimiter string
	// Header of csv: auto (default: a first line that names exactly the columns), true, false.
	Header string
	// Table: the rows belong to a table, so that debezium takes rows away.
	Table bool
	// Keys are the columns that come from outside of the records: raw and kafka fill the one that is left.
	Keys []string
}

// New returns the decoder for c and rows of schema s.
func New(c Config, s *vector.Schema) (Decoder, error) {
	switch strings.ToLower(c.Format) {
	case "", "json", "ndjson":
		return NewJSON(c.Lines), nil
	case "csv", "delimited":
		return NewCSV(c)
	case "msgpack":
		if c.Lines {
			return nil, fmt.Errorf("format msgpack is not supported in files of lines; use messages")
		}
		return NewMsgpack(), nil
	case "debezium":
		return NewDebezium(c.Lines, c.Table), nil
	case "raw":
		return NewRaw(c.Lines, s, c.Keys...)
	case "kafka":
		return NewBare(s, c.Keys...)
	case "none":
		if len(s.Fields) > 0 {
			return nil, fmt.Errorf("format none has no columns, the schema has %d", len(s.Fields))
		}
		return noneDecoder{}, nil
	}
	return nil, fmt.Errorf("%w, not %q", errFormat, c.Format)
}
