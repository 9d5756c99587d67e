package operator

import (
	"fmt"
	"strings"
)

// windowDocs are the functions with OVER that are no aggregates, for the manual.
var windowDocs = [][2]string{
	{"ROW_NUMBER()", "Number of the row in its partition, from 1; equal rows in the order of the log."},
	{"RANK()", "Number of the first of the rows that are equal under ORDER BY."},
	{"DENSE_RANK()", "How many different ORDER BY values there are up to the row."},
	{"PERCENT_RANK()", "(RANK - 1) / (rows - 1); 0 in a partition of one row."},
	{"CUME_DIST()", "Share of the rows that are not behind the row's peers."},
	{"NTILE(n)", "Number of the part when the partition is dealt into n parts, the first ones a row larger."},
	{"LAG(x[, n[, default]])", "x of the row n rows before (1), else the default, else null."},
	{"LEAD(x[, n[, default]])", "x of the row n rows behind; null or the default where frames end at the current row."},
	{"FIRST_VALUE(x), LAST_VALUE(x)", "x of the first or last row of the frame."},
	{"NTH_VALUE(x, n)", "x of the n-th row of the frame, from 1."},
}

// Manual returns the reference of the aggregates and window functions as Markdown, from the table.
func Manual() string {
	var b strings.Builder
	b.WriteString("# Aggregates and window functions\n\n" +
		"Written from the table of aggregates by `make golden`; do not edit. " +
		"Aggregates pass over nulls, unless it is said\n" +
		"otherwise. All take `FILTER (WHERE ...)`, and DISTINCT where it changes the answer. " +
		"Over tables a change takes the old\n" +
		"row out and puts the new one in: of equal rows the latest goes. " +
		"In the `ksql` profile only those marked *tables* are\n" +
		"defined over tables.\n\n" +
		"| call | what it does | result |\n|---|---|---|\n")
	for _, f := range aggFuncs {
		text := f.Doc
		if len(f.Aliases) > 0 {
			text += " Also " + strings.Join(f.Aliases, ", ") + "."
		}
		if f.Retracts {
			text += " *tables*"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", strings.ReplaceAll(f.Usage, "|", `\|`), text, f.Result)
	}
	b.WriteString("\n## With OVER\n\nEvery aggregate, and:\n\n| call | what it does |\n|---|---|\n")
	for _, d := range windowDocs {
		fmt.Fprintf(&b, "| `%s` | %s |\n", d[0], d[1])
	}
	return b.String()
}
