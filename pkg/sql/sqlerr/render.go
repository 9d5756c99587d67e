package sqlerr

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Position returns the line of a byte offset and its column in characters, both from 1. An offset outside of src counts
// as its nearest end.
func Position(src string, off int) (line, col int) {
	off = max(0, min(off, len(src)))
	before := src[:off]
	from := strings.LastIndexByte(before, '\n') + 1
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[from:]) + 1
}

// Render writes an error as people read it: message and code, place, the line with carets below, hint. The text of a
// line that could move a terminal's cursor is escaped. file may be empty; without src there is no place.
func Render(w io.Writer, file, src string, err *Error) error {
	var b strings.Builder
	fmt.Fprintf(&b, "leat: %s [%s]\n", escape(err.Msg), err.Code)
	if src != "" {
		place(&b, file, src, err.Span)
	}
	if err.Hint != "" {
		fmt.Fprintf(&b, "  hint: %s\n", escape(err.Hint))
	}
	if _, werr := io.WriteString(w, b.String()); werr != nil {
		return fmt.Errorf("write an error message: %w", werr)
	}
	return nil
}

func place(b *strings.Builder, file, src string, at Span) {
	at.Start = max(0, min(at.Start, len(src)))
	at.End = max(at.Start, min(at.End, len(src)))
	line, col := Position(src, at.Start)
	if file == "" {
		file = "statement"
	}
	from := strings.LastIndexByte(src[:at.Start], '\n') + 1
	text := src[from:]
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		text = text[:i]
	}
	text = strings.TrimSuffix(text, "\r")
	shown, indent, carets := draw(text, at.Start-from, at.End-from)
	number := strconv.Itoa(line)
	fmt.Fprintf(b, "  --> %s:%d:%d\n", escape(file), line, col)
	fmt.Fprintf(b, "  %s | %s\n", number, shown)
	fmt.Fprintf(b, "  %s | %s%s\n", strings.Repeat(" ", len(number)), strings.Repeat(" ", indent),
		strings.Repeat("^", carets))
}

// How much of a long line is shown.
const (
	maxCells   = 120
	cellsAhead = 60 // before the carets
	maxCarets  = 60
)

// cell is a character of a line as it is drawn.
type cell struct {
	text  string
	width int
	off   int // byte of the line
}

// draw returns the line as it is shown, the columns before the carets, and their number.
func draw(line string, start, end int) (shown string, indent, carets int) {
	cells := layout(line)
	first, last := len(cells), len(cells) // of the cells under the carets
	for i, c := range slices.Backward(cells) {
		if c.off >= start {
			first = i
		}
		if c.off >= end {
			last = i
		}
	}
	from, dots := 0, ""
	if ahead := width(cells[:first]); ahead > cellsAhead && width(cells) > maxCells {
		for ; ahead > cellsAhead; from++ {
			ahead -= cells[from].width
		}
		dots = "..."
	}
	var b strings.Builder
	b.WriteString(dots)
	used := 0
	for i := from; i < len(cells); i++ {
		if used += cells[i].width; used > maxCells {
			b.WriteString("...")
			break
		}
		b.WriteString(cells[i].text)
	}
	indent = len(dots) + width(cells[from:first])
	return strings.TrimRight(b.String(), " "), indent, min(max(width(cells[first:max(first, last)]), 1), maxCarets)
}

func width(cells []cell) int {
	n := 0
	for _, c := range cells {
		n += c.width
	}
	return n
}

const tabWidth = 4

func layout(line string) []cell {
	cells := make([]cell, 0, len(line))
	col := 0
	for off, r := range line {
		c := cell{off: off}
		_, size := utf8.DecodeRuneInString(line[off:])
		switch {
		case r == '\t':
			c.width = tabWidth - col%tabWidth
			c.text = strings.Repeat(" ", c.width)
		case r == utf8.RuneError && size == 1:
			c.text = fmt.Sprintf(`\x%02x`, line[off])
			c.width = len(c.text)
		case hidden(r):
			c.text = hex(r)
			c.width = len(c.text)
		default:
			c.text, c.width = string(r), runeWidth(r)
		}
		col += c.width
		cells = append(cells, c)
	}
	return cells
}

// escape makes text safe to show on a terminal, in one line.
func escape(s string) string {
	var b strings.Builder
	for off, r := range s {
		_, size := utf8.DecodeRuneInString(s[off:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[off])
		case hidden(r):
			b.WriteString(hex(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
