package format

import (
	"strconv"
	"unicode/utf8"
)

// The codes of bad rows, as dead letters carry them.
const (
	CodeSyntax = "LEAT-5201" // the bytes are no record of the format
	CodeFields = "LEAT-5202" // wrong number of fields
	CodeValue  = "LEAT-5203" // a value is not of the column's type
	CodeRange  = "LEAT-5204" // a number does not fit its type
	CodeTime   = "LEAT-5205" // the event time is missing, negative or unreadable
	CodeFuture = "LEAT-5206" // the event time is ahead of the log's time by more than max_future
	CodeLimit  = "LEAT-5207" // the record is too large or nested too deep
)

// Limits of one record (design, decision 13).
const (
	MaxRecordBytes   = 8 << 20 // a line of a file, a message
	MaxRowBytes      = 4 << 20 // a record: with what stands beside it, it must fit a message of the log
	MaxOriginalBytes = 4 << 10 // what a BadRow keeps of its record
	maxDepth         = 128     // objects and lists inside one another
	maxBad           = 1024    // bad rows a Builder holds before it counts as full
)

// BadRow is a record that could not become a row.
type BadRow struct {
	Line      int    // line of the source where the record begins, from 1
	Record    int    // number of the record in the message or file, from 0, good and bad ones counted
	Original  []byte // its bytes, at most MaxOriginalBytes
	Truncated bool
	Code      string
	Reason    string
	Column    string // the column at fault, or empty
}

// failure is the first thing that is wrong with the row being read.
type failure struct {
	code, reason, column string
}

// quote returns s in quotes, cut to what fits a line.
func quote(s []byte) string {
	const most = 64
	if len(s) <= most {
		return strconv.Quote(string(s))
	}
	cut := most
	for cut > most-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return strconv.Quote(string(s[:cut])) + "..."
}

// original copies what a BadRow keeps of a record.
func original(record []byte) (kept []byte, truncated bool) {
	if len(record) > MaxOriginalBytes {
		record, truncated = record[:MaxOriginalBytes], true
	}
	return append([]byte(nil), record...), truncated
}
