package conform

import (
	"bufio"
	"fmt"
	"io"
)

// maxLine bounds one case.
const maxLine = 16 << 20

// readLines decodes one case a line.
func readLines[T any](r io.Reader) ([]T, error) {
	var out []T
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 64<<10), maxLine)
	for line := 1; s.Scan(); line++ {
		if len(s.Bytes()) == 0 {
			continue
		}
		var c T
		if err := decodeJSON(s.Bytes(), &c); err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		out = append(out, c)
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("read cases: %w", err)
	}
	return out, nil
}
