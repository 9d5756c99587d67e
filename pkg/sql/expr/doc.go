package expr

import (
	"fmt"
	"slices"
	"strings"
)

// categories are the sections of the manual, in order.
var categories = []struct{ name, title string }{
	{"operator", "Operators"},
	{"condition", "Conditions"},
	{"null", "NULL"},
	{"math", "Mathematics"},
	{"string", "Strings"},
	{"bytes", "Bytes"},
	{"time", "Dates and times"},
	{"collection", "ARRAY, MAP, STRUCT"},
	{"json", "JSON"},
	{"regex", "Regular expressions"},
	{"url", "URLs"},
	{"other", "Others"},
}

// Manual returns the reference of all functions as Markdown, from the table.
func Manual() string {
	var b strings.Builder
	b.WriteString("# Functions and operators\n\nWritten from the table of functions by `make golden`; do not edit. A " +
		"function gives NULL where an argument is NULL,\nunless it says otherwise. A call that fails makes the row " +
		"follow " +
		"`on_error`; `TRY(e)` and `TRY_CAST` give NULL instead.\nPatterns of dates and times are those of Java's " +
		"DateTimeFormatter, or of strftime when they hold a `%`.\n")
	for _, c := range categories {
		fmt.Fprintf(&b, "\n## %s\n\n| call | what it does |\n|---|---|\n", c.title)
		for _, f := range sortedTable {
			if f.Category == c.name {
				fmt.Fprintf(&b, "| %s | %s |\n", manualCalls(f), manualText(f))
			}
		}
	}
	return b.String()
}

func manualCalls(f *Func) string {
	calls := make([]string, len(f.Usage))
	for i, u := range f.Usage {
		calls[i] = "`" + strings.ReplaceAll(u, "|", `\|`) + "`"
	}
	return strings.Join(calls, ", ")
}

func manualText(f *Func) string {
	text := strings.ReplaceAll(f.Doc, "|", `\|`)
	if types := f.Signatures(); len(types) > 0 {
		text += " Types: " + strings.Join(types, "; ") + "."
	}
	if len(f.Aliases) > 0 {
		text += " Also " + strings.Join(f.Aliases, ", ") + "."
	}
	if f.NotDeterministic {
		text += " Not in persistent queries, except under ksql."
	}
	if note := ksqlNotes[f.Name]; note != "" {
		text += " Under ksql: " + note + "."
	}
	return text
}

// Signatures returns the types of the overloads: "(STRING, INT[, INT]) STRING"; none where types follow a rule that
// Doc describes.
func (f *Func) Signatures() []string {
	var out []string
	for i := range f.Overloads {
		if s := f.Overloads[i].signature(); !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func (o *Overload) signature() string {
	var b strings.Builder
	b.WriteString("(")
	for i, p := range o.Params {
		optional := i >= len(o.Params)-o.Optional
		if optional {
			b.WriteString("[")
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(p.String())
	}
	if o.Variadic {
		b.WriteString(", ...")
	}
	b.WriteString(strings.Repeat("]", o.Optional) + ") " + o.Out.String())
	return b.String()
}
