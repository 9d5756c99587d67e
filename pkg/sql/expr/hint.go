package expr

import (
	"strings"

	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// tableFuncs give rows and stand in the select list of a query, or behind FROM.
var tableFuncs = map[string]bool{"EXPLODE": true, "CUBE_EXPLODE": true, "GENERATE_SERIES": true, "UNNEST": true}

func unknownFunc(name string, at sqlerr.Span) error { return UnknownFunc(name, nil, at) }

// UnknownFunc is the error of a function that is not there, with the nearest name among those of the table and others.
func UnknownFunc(name string, others []string, at sqlerr.Span) error {
	name = strings.ToUpper(name)
	if tableFuncs[name] {
		return sqlerr.New(sqlerr.BadStatement, at, "%s gives rows and may not stand here", name).
			WithHint("it stands in the select list of a stream without aggregates")
	}
	e := sqlerr.New(sqlerr.UnknownFunc, at, "no function %s", name)
	best, least := "", 1+len(name)/5
	for _, f := range sortedTable {
		if f.Operator {
			continue
		}
		for _, n := range append([]string{f.Name}, f.Aliases...) {
			if d := distance(name, n, least); d < least || d == least && best == "" {
				best, least = n, d
			}
		}
	}
	for _, n := range others {
		if d := distance(name, n, least); d < least || d == least && best == "" {
			best, least = n, d
		}
	}
	if best != "" {
		return e.WithHint("did you mean %s?", best)
	}
	return e.WithHint("SHOW FUNCTIONS lists them")
}

// distance is the number of letters to insert, delete, change or swap; above limit it may be anything above limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	prev2, prev, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := prev[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, prev[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], prev2[j-2]+1)
			}
		}
		prev2, prev, row = prev, row, prev2
	}
	return prev[len(b)]
}
