package sqlerr

import "strings"

const maxNearest = 64

// Nearest returns the name among those given that is most like name, or "" when none is near. Case does not count.
func Nearest(name string, among []string) string {
	if name == "" || len(name) > maxNearest {
		return ""
	}
	limit := max(1, min(3, len(name)/3))
	best, bestAt := "", limit+1
	want := strings.ToLower(name)
	for _, a := range among {
		if len(a) > maxNearest || len(a) > len(name)+limit || len(a)+limit < len(name) {
			continue
		}
		if d := distance(want, strings.ToLower(a)); d < bestAt {
			best, bestAt = a, d
		}
	}
	return best
}

// distance is the number of insertions, deletions, changes and swaps of neighbours that make b of a.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, prev, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev, row = prev, row, before
	}
	return prev[len(y)]
}
