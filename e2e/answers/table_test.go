package answers

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"
)

// cell is a field of CSV. A null is an empty field without quotes.
type cell struct {
	text string
	null bool
}

func (c cell) String() string {
	if c.null {
		return "null"
	}
	return fmt.Sprintf("%q", c.text)
}

// table is CSV with a header.
type table struct {
	columns []string
	rows    [][]cell
}

// parseCSV reads CSV as RFC 4180 has it and keeps null and the empty string apart.
func parseCSV(text string) (table, error) {
	var t table
	for line := 1; len(text) > 0; line++ {
		var row []cell
		for {
			c, rest, err := parseField(text)
			if err != nil {
				return t, fmt.Errorf("record %d: %w", line, err)
			}
			row = append(row, c)
			var more bool
			if text, more = strings.CutPrefix(rest, ","); !more {
				break
			}
		}
		text = strings.TrimPrefix(strings.TrimPrefix(text, "\r"), "\n")
		if t.columns == nil {
			for _, c := range row {
				t.columns = append(t.columns, strings.ToLower(c.text))
			}
			continue
		}
		if len(row) != len(t.columns) {
			return t, fmt.Errorf("record %d has %d fields, want %d", line, len(row), len(t.columns))
		}
		t.rows = append(t.rows, row)
	}
	return t, nil
}

// parseField takes one field; the rest begins with what follows it: a comma, the end of the line, or nothing.
func parseField(text string) (c cell, rest string, err error) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexAny(text, ",\n")
		if end < 0 {
			end = len(text)
		}
		c = cell{text[:end], end == 0}
		rest = text[end:]
	} else {
		var sb strings.Builder
		rest = text[1:]
		for {
			part, behind, ok := strings.Cut(rest, `"`)
			if !ok {
				return c, "", fmt.Errorf("a quote is not closed: %.40q", text)
			}
			sb.WriteString(part)
			if rest = behind; !strings.HasPrefix(rest, `"`) {
				break
			}
			sb.WriteByte('"')
			rest = rest[1:]
		}
		c = cell{text: sb.String()}
	}
	return c, rest, nil
}

// tolerance is how near a number must come.
type tolerance struct{ relative, absolute float64 }

// same compares two cells: numbers by value, whatever their places; doubles within a tolerance; all else to the byte.
func same(got, want cell, double *tolerance) bool {
	if got == want {
		return true
	}
	if got.null || want.null {
		return false
	}
	g, ok := new(big.Rat).SetString(got.text)
	w, ok2 := new(big.Rat).SetString(want.text)
	if !ok || !ok2 {
		return false
	}
	if double == nil {
		return g.Cmp(w) == 0
	}
	a, _ := g.Float64()
	b, _ := w.Float64()
	return math.Abs(a-b) <= max(double.absolute, double.relative*max(math.Abs(a), math.Abs(b)))
}

// compare returns the differences between two tables as sets of rows, at most some.
func compare(got, want table, key []string, doubles map[string]tolerance) []string {
	order := make([]int, len(want.columns))
	for i, c := range want.columns {
		if order[i] = slices.Index(got.columns, c); order[i] < 0 {
			return []string{fmt.Sprintf("no column %q: got %v", c, got.columns)}
		}
	}
	if len(got.columns) != len(want.columns) {
		return []string{fmt.Sprintf("columns %v, want %v", got.columns, want.columns)}
	}
	picked := make([][]cell, len(got.rows))
	for i, r := range got.rows {
		for _, k := range order {
			picked[i] = append(picked[i], r[k])
		}
	}
	byKey := sorter(want.columns, key)
	slices.SortFunc(picked, byKey)
	rows := slices.Clone(want.rows)
	slices.SortFunc(rows, byKey)
	var diffs []string
	if len(picked) != len(rows) {
		diffs = append(diffs, fmt.Sprintf("%d rows, want %d", len(picked), len(rows)))
	}
	for i := range min(len(picked), len(rows)) {
		for k, c := range want.columns {
			var double *tolerance
			if d, ok := doubles[c]; ok {
				double = &d
			}
			if !same(picked[i][k], rows[i][k], double) {
				diffs = append(diffs, fmt.Sprintf("row %v: %s is %v, want %v", rows[i], c, picked[i][k], rows[i][k]))
			}
		}
		if len(diffs) > 5 {
			return diffs
		}
	}
	return diffs
}

// sorter orders rows by their key.
func sorter(columns, key []string) func(a, b []cell) int {
	var at []int
	for _, k := range key {
		at = append(at, slices.Index(columns, k))
	}
	return func(a, b []cell) int {
		for _, i := range at {
			if a[i].null != b[i].null {
				if a[i].null {
					return -1
				}
				return 1
			}
			if c := compareText(a[i].text, b[i].text); c != 0 {
				return c
			}
		}
		return 0
	}
}

// compareText orders numbers by value, so that 30.40 and 30.4 fall together, and texts by their bytes.
func compareText(a, b string) int {
	x, ok := new(big.Rat).SetString(a)
	y, ok2 := new(big.Rat).SetString(b)
	if ok && ok2 {
		return x.Cmp(y)
	}
	return strings.Compare(a, b)
}
