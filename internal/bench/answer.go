package bench

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/zeebo/xxh3"
)

// Answer is what a result set comes to, whatever the order of its rows.
type Answer struct {
	Rows int64
	Sum  uint64 // of the hashes of the rows
}

// maxColumns bounds the rows of an answer.
const maxColumns = 8

// answerOf reads the NDJSON rows of path and sums up the columns named, in that order, wherever they stand in a row. A
// number counts by its value: 1.50 and "1.5" are the same.
func answerOf(path string, columns []string) (Answer, error) {
	var a Answer
	var keys, values [maxColumns][]byte
	var canon []byte
	err := each(path, func(line []byte) error {
		if len(line) == 0 {
			return nil
		}
		n := jsonFields(line, keys[:], values[:])
		ok := n > 0
		if ok {
			canon, ok = canonical(canon[:0], keys[:n], values[:n], columns)
		}
		if !ok {
			return fmt.Errorf("row %d of the answer: %w: %.200q", a.Rows, errShape, line)
		}
		a.Rows++
		a.Sum += xxh3.Hash(canon)
		return nil
	})
	return a, err
}

// canonical appends the values of columns, or returns false when one is missing.
func canonical(dst []byte, keys, values [][]byte, columns []string) ([]byte, bool) {
	for i, c := range columns {
		at := i
		if at >= len(keys) || string(keys[at]) != c {
			at = slices.IndexFunc(keys, func(k []byte) bool { return string(k) == c })
		}
		if at < 0 {
			return dst, false
		}
		dst = append(append(dst, plain(values[at])...), 0)
	}
	return dst, true
}

// plain drops the zeros at the end of a decimal.
func plain(b []byte) []byte {
	if bytes.IndexByte(b, '.') < 0 {
		return b
	}
	b = bytes.TrimRight(b, "0")
	return bytes.TrimSuffix(b, []byte("."))
}

// jsonFields lists the fields of a flat JSON object without escapes, strings without quotes. It returns how many there
// are, or -1 when the line is something else.
func jsonFields(b []byte, keys, values [][]byte) int {
	if len(b) < 2 || b[0] != '{' || b[len(b)-1] != '}' {
		return -1
	}
	n := 0
	for i := 1; i < len(b)-1; {
		colon := bytes.Index(b[i:], []byte(`":`))
		if colon < 1 || b[i] != '"' || n == len(keys) {
			return -1
		}
		keys[n] = b[i+1 : i+colon]
		i += colon + 2
		end, skip := byte(','), 0
		if b[i] == '"' {
			i++
			end, skip = '"', 1
		}
		e := bytes.IndexByte(b[i:], end)
		if e < 0 {
			e = len(b) - 1 - i
		}
		values[n] = b[i : i+e]
		n++
		i += e + skip + 1
	}
	return n
}
