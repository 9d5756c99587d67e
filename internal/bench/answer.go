package bench

import (
	"bytes"
	"fmt"

	"github.com/zeebo/xxh3"
)

// Answer is what a result set comes to, whatever the order of its rows.
type Answer struct {
	Rows int64
	Sum  uint64 // of the hashes of the rows
}

// maxColumns bounds the rows of an answer.
const maxColumns = 8

// answerOf reads the NDJSON rows of path and sums up the columns named by their numbers (nil: all). A number counts by its
// value: 1.50 and "1.5" are the same.
func answerOf(path string, columns []int) (Answer, error) {
	var a Answer
	var v [maxColumns][]byte
	var canon []byte
	err := each(path, func(line []byte) error {
		if len(line) == 0 {
			return nil
		}
		n := jsonValues(line, v[:])
		if n <= 0 {
			return fmt.Errorf("row %d of the answer: %w: %.200q", a.Rows, errShape, line)
		}
		canon = canonical(canon[:0], v[:n], columns)
		a.Rows++
		a.Sum += xxh3.Hash(canon)
		return nil
	})
	return a, err
}

func canonical(dst []byte, v [][]byte, columns []int) []byte {
	if columns == nil {
		for _, b := range v {
			dst = append(append(dst, plain(b)...), 0)
		}
		return dst
	}
	for _, c := range columns {
		if c < len(v) {
			dst = append(dst, plain(v[c])...)
		}
		dst = append(dst, 0)
	}
	return dst
}

// plain drops the zeros at the end of a decimal.
func plain(b []byte) []byte {
	if bytes.IndexByte(b, '.') < 0 {
		return b
	}
	b = bytes.TrimRight(b, "0")
	return bytes.TrimSuffix(b, []byte("."))
}

// jsonValues lists the values of a flat JSON object without escapes, in their order, strings without quotes. It returns
// how many there are, or -1 when the line is something else.
func jsonValues(b []byte, v [][]byte) int {
	if len(b) < 2 || b[0] != '{' || b[len(b)-1] != '}' {
		return -1
	}
	n := 0
	for i := 1; i < len(b)-1; {
		colon := bytes.Index(b[i:], []byte(`":`))
		if colon < 0 || n == len(v) {
			return -1
		}
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
		v[n] = b[i : i+e]
		n++
		i += e + skip + 1
	}
	return n
}
