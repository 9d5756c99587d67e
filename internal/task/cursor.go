package task

import (
	"fmt"
	"strconv"
	"strings"
)

// Cursor is how far a subject has come: every step up to Step is complete, and Rows rows of the next one are out too.
type Cursor struct {
	Step uint64
	Rows uint64
}

// Last is the highest step of which the subject shows anything.
func (c Cursor) Last() uint64 {
	if c.Rows > 0 {
		return c.Step + 1
	}
	return c.Step
}

// Before tells whether c is behind d.
func (c Cursor) Before(d Cursor) bool { return c.Step < d.Step || c.Step == d.Step && c.Rows < d.Rows }

// String returns the cursor as the header shows it.
func (c Cursor) String() string {
	return strconv.FormatUint(c.Step, 10) + "." + strconv.FormatUint(c.Rows, 10)
}

func parseCursor(s string) (Cursor, error) {
	step, rows, ok := strings.Cut(s, ".")
	if !ok {
		return Cursor{}, fmt.Errorf("cursor %q: want step.rows", s)
	}
	var c Cursor
	var err error
	if c.Step, err = strconv.ParseUint(step, 10, 64); err != nil {
		return Cursor{}, fmt.Errorf("cursor %q: %w", s, err)
	}
	if c.Rows, err = strconv.ParseUint(rows, 10, 64); err != nil {
		return Cursor{}, fmt.Errorf("cursor %q: %w", s, err)
	}
	return c, nil
}
