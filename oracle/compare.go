package oracle

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Compare says how two multisets of rows differ, "" if they do not. Numbers with a point or an exponent are equal within
// 1e-9 of each other; everything else as text.
func Compare(got, want [][]string) string {
	g, w := sorted(got), sorted(want)
	var out strings.Builder
	shown := 0
	show := func(sign string, row []string) {
		if shown++; shown <= 10 {
			fmt.Fprintf(&out, "%s %s\n", sign, strings.Join(row, " | "))
		}
	}
	i, k := 0, 0
	for i < len(g) || k < len(w) {
		switch {
		case k == len(w) || i < len(g) && compareRows(g[i], w[k]) < 0:
			show("+", g[i])
			i++
		case i == len(g) || compareRows(g[i], w[k]) > 0:
			show("-", w[k])
			k++
		default:
			i, k = i+1, k+1
		}
	}
	if shown == 0 {
		return ""
	}
	return fmt.Sprintf(
		"%d rows, want %d; %d differ (+ is too much, - is missing):\n%s",
		len(got),
		len(want),
		shown,
		out.String(),
	)
}

func sorted(rows [][]string) [][]string {
	out := make([][]string, len(rows))
	for i, r := range rows {
		out[i] = make([]string, len(r))
		for k, c := range r {
			out[i][k] = canonical(c)
		}
	}
	slices.SortFunc(out, slices.Compare)
	return out
}

// canonical cuts the zeros at the end of a decimal, and the sign of a zero.
func canonical(c string) string {
	if !strings.Contains(c, ".") || strings.Trim(c, "-0123456789.") != "" || strings.Count(c, ".") != 1 {
		return c
	}
	if c = strings.TrimSuffix(strings.TrimRight(c, "0"), "."); c == "-0" {
		return "0"
	}
	return c
}

// compareRows compares two sorted rows; numbers that agree within 1e-9 are equal.
func compareRows(a, b []string) int {
	for i := range min(len(a), len(b)) {
		if a[i] == b[i] || near(a[i], b[i]) {
			continue
		}
		return strings.Compare(a[i], b[i])
	}
	return len(a) - len(b)
}

func near(a, b string) bool {
	if !strings.ContainsAny(a+b, ".eE") {
		return false
	}
	x, err := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	if err != nil || err2 != nil {
		return false
	}
	return math.Abs(x-y) <= 1e-9*max(math.Abs(x), math.Abs(y), 1)
}
