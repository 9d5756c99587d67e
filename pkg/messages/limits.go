package messages

import (
	"errors"
	"fmt"
)

// Limits that a reader enforces before it allocates, and that a writer keeps.
const (
	// MaxMessageBytes is the largest message that is decoded.
	MaxMessageBytes = 8 << 20
	// MaxRows is the most rows of one message.
	MaxRows = 1 << 20
	// MaxColumns is the most columns of one message.
	MaxColumns = 1024
	// MaxErrors is the most record errors of one message.
	MaxErrors = 1 << 16
	// MaxDecodedBytes bounds what the columns of one message take in memory: a constant column costs nothing on the
	// wire, but eight bytes a row once decoded.
	MaxDecodedBytes = 64 << 20
)

// ErrMalformed is wrapped by every error about bytes that are not a message of this wire.
var ErrMalformed = errors.New("malformed message")

// VersionError says that a message was written by a newer program.
type VersionError struct {
	Got  uint64 // version of the message
	Want uint64 // largest version this program reads
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("message has wire version %d, this program reads up to version %d", e.Got, e.Want)
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
}

// rowBytes is what one row of a column of each kind takes in memory.
func rowBytes(t *ColumnType) int {
	switch physOf(t) {
	case physBool:
		return 1
	case physI128:
		return 16
	case physStr, physList:
		return 4
	case physStruct:
		size := 0
		for i := range t.Fields {
			size += rowBytes(&t.Fields[i].Type)
		}
		return size
	default:
		return 8
	}
}

// Fits reports whether rows of these columns stay within the limits of a reader, apart from the encoded size.
func (c *Columns) Fits() error {
	if c.Rows < 0 || c.Rows > MaxRows {
		return fmt.Errorf("%d rows are outside 0..%d", c.Rows, MaxRows)
	}
	if len(c.Specs) > MaxColumns {
		return fmt.Errorf("%d columns are more than %d", len(c.Specs), MaxColumns)
	}
	if err := fitsMemory(c.Specs, c.Rows); err != nil {
		return err
	}
	size := 0
	for i := range c.Cols {
		size += c.Cols[i].nestedBytes(c.Rows)
	}
	if size > MaxDecodedBytes {
		return fmt.Errorf("the nested values of %d rows would take %d bytes, the limit is %d", c.Rows, size,
			MaxDecodedBytes)
	}
	return nil
}

func fitsMemory(specs []ColumnSpec, rows int) error {
	size := 8 // event time
	for i := range specs {
		size += rowBytes(&specs[i].Type)
	}
	if size*rows > MaxDecodedBytes {
		return fmt.Errorf("%d rows of %d columns would take %d bytes, the limit is %d", rows, len(specs), size*rows,
			MaxDecodedBytes)
	}
	return nil
}

func columnError(name string, err error) error { return fmt.Errorf("column %.64q: %w", name, err) }
