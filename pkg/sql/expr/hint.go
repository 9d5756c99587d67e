package expr

import (
	"strings"

	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// nested lists the functions of the dialect whose arguments or results are ARRAY, MAP or STRUCT.
var nested = map[string]bool{
	"ARRAY_LENGTH": true, "ARRAY_CONTAINS": true, "ARRAY_DISTINCT": true, "ARRAY_EXCEPT": true,
	"ARRAY_INTERSECT": true, "ARRAY_UNION": true, "ARRAY_CONCAT": true, "ARRAY_MIN": true, "ARRAY_MAX": true,
	"ARRAY_SORT": true, "ARRAY_REMOVE": true, "ARRAY_JOIN": true, "SLICE": true, "MAP_KEYS": true, "MAP_VALUES": true,
	"MAP_UNION": true, "AS_MAP": true, "ENTRIES": true, "TRANSFORM": true, "FILTER": true, "REDUCE": true,
	"SPLIT":        true,
	"SPLIT_TO_MAP": true, "JSON_KEYS": true, "JSON_RECORDS": true, "JSON_ITEMS": true, "REGEXP_EXTRACT_ALL": true,
	"REGEXP_SPLIT_TO_ARRAY": true, "EXPLODE": true, "CUBE_EXPLODE": true, "GENERATE_SERIES": true,
}

func unknownFunc(name string, at sqlerr.Span) error {
	name = strings.ToUpper(name)
	if nested[name] {
		return sqlerr.New(sqlerr.NotSupported, at, "%s is not supported: it works on ARRAY, MAP or STRUCT", name)
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
