package format

import (
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// Limits of a table on a terminal.
const (
	tableSample = 1000 // rows that decide how wide columns are
	maxCell     = 60   // columns of the terminal a cell takes at most; elsewhere nothing is cut
)

// tableWriter writes aligned columns. The first rows decide the widths; a wider value later pushes its line out.
type tableWriter struct {
	w      io.Writer
	types  []vector.Type
	names  []string
	held   [][]string
	widths []int
	buf    []byte
	rows   int
	narrow bool
}

func (t *tableWriter) Begin(s *vector.Schema) error {
	for _, f := range s.Fields {
		t.names = append(t.names, t.cell(f.Name))
		t.types = append(t.types, f.Type)
	}
	return nil
}

func (t *tableWriter) Write(b *vector.Batch) error {
	return live(b, func(i int) error {
		row := make([]string, len(b.Cols))
		for k, v := range b.Cols {
			if v.Null(i) {
				row[k] = "NULL"
				continue
			}
			row[k] = t.cell(string(vector.AppendText(nil, v, i)))
		}
		t.rows++
		if t.widths != nil {
			t.line(row)
			return t.flush()
		}
		t.held = append(t.held, row)
		if len(t.held) < tableSample {
			return nil
		}
		return t.release()
	})
}

// release decides the widths and writes the header and the rows that were held back.
func (t *tableWriter) release() error {
	t.widths = make([]int, len(t.names))
	for i, n := range t.names {
		t.widths[i] = runewidth.StringWidth(n)
	}
	for _, row := range t.held {
		for i, s := range row {
			t.widths[i] = max(t.widths[i], runewidth.StringWidth(s))
		}
	}
	t.line(t.names)
	for i, w := range t.widths {
		if i > 0 {
			t.buf = append(t.buf, "-+-"...)
		}
		t.buf = append(t.buf, strings.Repeat("-", w)...)
	}
	t.buf = append(t.buf, '\n')
	for _, row := range t.held {
		t.line(row)
	}
	t.held = nil
	return t.flush()
}

func (t *tableWriter) line(row []string) {
	for i, s := range row {
		if i > 0 {
			t.buf = append(t.buf, " | "...)
		}
		pad := strings.Repeat(" ", max(0, t.widths[i]-runewidth.StringWidth(s)))
		switch {
		case t.types[i].Numeric():
			t.buf = append(append(t.buf, pad...), s...)
		case i == len(row)-1:
			t.buf = append(t.buf, s...)
		default:
			t.buf = append(append(t.buf, s...), pad...)
		}
	}
	t.buf = append(t.buf, '\n')
}

func (t *tableWriter) flush() error {
	_, err := t.w.Write(t.buf)
	t.buf = t.buf[:0]
	return err
}

func (t *tableWriter) End() error {
	if t.widths == nil {
		if err := t.release(); err != nil {
			return err
		}
	}
	t.buf = append(append(append(t.buf, '('), rowCount(t.rows)...), ')', '\n')
	return t.flush()
}

func rowCount(n int) string {
	if n == 1 {
		return "1 row"
	}
	return strconv.Itoa(n) + " rows"
}

// cell makes s safe for a terminal and short enough for a column: control characters show as escapes.
func (t *tableWriter) cell(s string) string {
	s = escapeCell(s)
	if t.narrow && runewidth.StringWidth(s) > maxCell {
		return runewidth.Truncate(s, maxCell, "…")
	}
	return s
}

func unsafeRune(r rune) bool {
	control := r < ' ' || r >= 0x7f && r < 0xa0 || r == utf8.RuneError
	direction := r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
	return control || direction
}

// verticalWriter writes a line for each value, a header for each row.
type verticalWriter struct {
	w     io.Writer
	names []string
	buf   []byte
	rows  int
}

func (v *verticalWriter) Begin(s *vector.Schema) error {
	width := 0
	for _, f := range s.Fields {
		width = max(width, runewidth.StringWidth(escapeCell(f.Name)))
	}
	for _, f := range s.Fields {
		n := escapeCell(f.Name)
		v.names = append(v.names, strings.Repeat(" ", width-runewidth.StringWidth(n))+n+": ")
	}
	return nil
}

func (v *verticalWriter) Write(b *vector.Batch) error {
	return live(b, func(i int) error {
		v.rows++
		v.buf = append(v.buf[:0], "-[ row "...)
		v.buf = append(strconv.AppendInt(v.buf, int64(v.rows), 10), " ]-\n"...)
		for k, col := range b.Cols {
			v.buf = append(v.buf, v.names[k]...)
			if col.Null(i) {
				v.buf = append(v.buf, "NULL"...)
			} else {
				v.buf = append(v.buf, escapeCell(string(vector.AppendText(nil, col, i)))...)
			}
			v.buf = append(v.buf, '\n')
		}
		_, err := v.w.Write(v.buf)
		return err
	})
}

func (v *verticalWriter) End() error {
	_, err := io.WriteString(v.w, "("+rowCount(v.rows)+")\n")
	return err
}

// escapeCell is cell without a limit on the length.
func escapeCell(s string) string {
	if !strings.ContainsFunc(s, unsafeRune) {
		return s
	}
	var out strings.Builder
	for _, r := range s {
		if unsafeRune(r) {
			q := strconv.QuoteRune(r)
			out.WriteString(q[1 : len(q)-1])
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}
