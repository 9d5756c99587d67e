package conform

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// veloExpect is what a case wants of the output; all parts must hold.
type veloExpect struct {
	Error    bool                `json:"error"`
	OK       bool                `json:"ok"`
	Rows     []map[string]any    `json:"rows"`
	Ordered  bool                `json:"ordered"`
	Last     map[string]any      `json:"last"`
	Each     map[string]any      `json:"each"`
	Match    []veloMatch         `json:"match"`
	Steps    []veloStep          `json:"steps"`
	Has      map[string][]string `json:"has"`
	Count    *int                `json:"count"`
	CountMin *int                `json:"count_min"`
	CountMax *int                `json:"count_max"`
	Checks   []string            `json:"checks"`
	text     json.RawMessage
}

type veloMatch struct {
	Where map[string]any `json:"where"`
	Row   map[string]any `json:"row"`
}

type veloStep struct {
	Step    int            `json:"step"`
	Rows    *int           `json:"rows"`
	RowsMin *int           `json:"rows_min"`
	Row     map[string]any `json:"row"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (x *veloExpect) UnmarshalJSON(data []byte) error {
	type bare veloExpect
	var b bare
	if err := decodeJSON(data, &b); err != nil {
		return err
	}
	*x = veloExpect(b)
	x.text = slices.Clone(json.RawMessage(data))
	return nil
}

// judge says what does not hold; "" if all does.
func (x *veloExpect) judge(r *veloRun, err error) string {
	if x.Error {
		if err == nil && len(r.failed) == 0 {
			return "it is accepted, want a refusal"
		}
		return ""
	}
	if err != nil {
		return "refused: " + err.Error()
	}
	if len(r.failed) > 0 && x.OK {
		return "a row failed: " + r.failed[0]
	}
	rows := r.rows
	free := false
	if names := r.c.LatestPerKey; len(names) > 0 {
		free = true
		rows = lastPerKey(rows, func(row *veloRow) string {
			var key strings.Builder
			for _, name := range names {
				v, _ := row.cell(name)
				key.WriteString(show(v) + " ")
			}
			return key.String()
		})
	}
	for _, check := range []func() string{
		func() string { return x.counts(len(rows)) },
		func() string { return x.rows(rows, free) },
		func() string { return x.matches(rows) },
		func() string { return x.steps(r.rows) },
		func() string { return x.names(r.rows) },
	} {
		if why := check(); why != "" {
			return why
		}
	}
	for _, c := range x.Checks {
		ok, err := evalCheck(c, r, rows)
		if err != nil {
			return fmt.Sprintf("check %q cannot be read: %v", c, err)
		}
		if !ok {
			return "check fails: " + c
		}
	}
	return ""
}

func (x *veloExpect) counts(n int) string {
	switch {
	case x.Count != nil && n != *x.Count:
		return fmt.Sprintf("%d rows, want %d", n, *x.Count)
	case x.CountMin != nil && n < *x.CountMin:
		return fmt.Sprintf("%d rows, want %d or more", n, *x.CountMin)
	case x.CountMax != nil && n > *x.CountMax:
		return fmt.Sprintf("%d rows, want %d or fewer", n, *x.CountMax)
	}
	return ""
}

// rows compares row by row; free: each wanted row must be somewhere.
func (x *veloExpect) rows(rows []veloRow, free bool) string {
	for i, want := range x.Rows {
		if len(want) == 0 {
			continue
		}
		if free || !x.Ordered {
			if !slices.ContainsFunc(rows, func(r veloRow) bool { return r.has(want) == "" }) {
				return fmt.Sprintf("no row has %s", show(want))
			}
			continue
		}
		if i >= len(rows) {
			return fmt.Sprintf("%d rows, want %d or more", len(rows), i+1)
		}
		if why := rows[i].has(want); why != "" {
			return fmt.Sprintf("row %d: %s", i+1, why)
		}
	}
	if x.Last != nil {
		if len(rows) == 0 {
			return "no rows, want a last one"
		}
		if why := rows[len(rows)-1].has(x.Last); why != "" {
			return "last row: " + why
		}
	}
	for i := range rows {
		if why := rows[i].has(x.Each); why != "" {
			return fmt.Sprintf("row %d: %s", i+1, why)
		}
	}
	return ""
}

func (x *veloExpect) matches(rows []veloRow) string {
	for _, m := range x.Match {
		if !slices.ContainsFunc(rows, func(r veloRow) bool { return r.has(m.Where) == "" && r.has(m.Row) == "" }) {
			return fmt.Sprintf("no row with %s has %s", show(m.Where), show(m.Row))
		}
	}
	return ""
}

func (x *veloExpect) steps(rows []veloRow) string {
	for _, s := range x.Steps {
		var out []veloRow
		for _, r := range rows {
			if r.step == s.Step {
				out = append(out, r)
			}
		}
		switch {
		case s.Rows != nil && len(out) != *s.Rows:
			return fmt.Sprintf("step %d: %d rows, want %d", s.Step, len(out), *s.Rows)
		case s.RowsMin != nil && len(out) < *s.RowsMin:
			return fmt.Sprintf("step %d: %d rows, want %d or more", s.Step, len(out), *s.RowsMin)
		case s.Row != nil && len(out) == 0:
			return fmt.Sprintf("step %d: no row", s.Step)
		case s.Row != nil:
			if why := out[0].has(s.Row); why != "" {
				return fmt.Sprintf("step %d: %s", s.Step, why)
			}
		}
	}
	return ""
}

// names wants columns to exist: in row[i], in every row, in the rows of step[i].
func (x *veloExpect) names(rows []veloRow) string {
	for _, place := range sortedKeys(x.Has) {
		some, err := selectRows(place, rows)
		if err != "" {
			return err
		}
		for _, name := range x.Has[place] {
			for i := range some {
				if _, ok := some[i].cell(name); !ok {
					return fmt.Sprintf("%s has no column %s", place, name)
				}
			}
		}
	}
	return ""
}

// selectRows are the rows that row, row[i] or step[i] means.
func selectRows(place string, rows []veloRow) (some []veloRow, why string) {
	if place == "row" {
		return rows, ""
	}
	kind, rest, ok := strings.Cut(strings.TrimSuffix(place, "]"), "[")
	i, err := strconv.Atoi(rest)
	if !ok || err != nil {
		return nil, fmt.Sprintf("%q names no rows", place)
	}
	if kind == "row" {
		if i >= len(rows) {
			return nil, fmt.Sprintf("there is no %s", place)
		}
		return rows[i : i+1], ""
	}
	for _, r := range rows {
		if r.step == i {
			some = append(some, r)
		}
	}
	if len(some) == 0 {
		return nil, fmt.Sprintf("there is no %s", place)
	}
	return some, ""
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m { // any order: sorted below
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// cell finds a column without regard to case: as named, as a join names it, or by its bare name.
func (r *veloRow) cell(name string) (any, bool) {
	low := strings.ToLower(name)
	if v, ok := r.cells[low]; ok {
		return v, true
	}
	if v, ok := r.cells[strings.ReplaceAll(low, ".", "_")]; ok {
		return v, true
	}
	if low == "_event_time" || low == "_timestamp" {
		return r.time, true
	}
	if i := strings.LastIndexByte(low, '.'); i >= 0 {
		low = low[i+1:]
		if v, ok := r.cells[low]; ok {
			return v, true
		}
	}
	found := ""
	for _, n := range r.names {
		if strings.HasSuffix(n, "_"+low) {
			if found != "" {
				return nil, false
			}
			found = n
		}
	}
	v, ok := r.cells[found]
	return v, ok
}

// has says which of the wanted cells the row has not; "" if it has all.
func (r *veloRow) has(want map[string]any) string {
	for _, name := range sortedKeys(want) {
		got, ok := r.cell(name)
		if !ok {
			return "no column " + name
		}
		if !near(want[name], got) {
			return fmt.Sprintf("%s is %s, want %s", name, show(got), show(want[name]))
		}
	}
	return ""
}

const tolerance = 1e-3

// near compares a cell: numbers within a thousandth, or as the case says.
func near(want, got any) bool {
	tol := tolerance
	if m, ok := want.(map[string]any); ok {
		if v, ok := m["$approx"]; ok {
			if t, ok := toFloat(m["tol"]); ok {
				tol = t
			}
			want = v
		} else {
			want = unmark(m)
		}
	}
	switch w := want.(type) {
	case []any:
		g, ok := got.([]any)
		return ok && slices.EqualFunc(w, g, near)
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok || len(g) != len(w) {
			return false
		}
		for k, v := range w { // any order: all must hold
			if !near(v, g[k]) {
				return false
			}
		}
		return true
	}
	if jsonOf(want, got) {
		return true
	}
	if b, ok := got.(bool); ok { // SQLite has 1 and 0
		if n, ok := toFloat(want); ok {
			return n == 1 && b || n == 0 && !b
		}
	}
	if a, ok := toFloat(want); ok {
		b, ok := toFloat(got)
		if _, text := want.(string); text {
			if s, same := got.(string); same {
				return s == want
			}
		}
		return ok && math.Abs(a-b) <= tol
	}
	return equal(want, got)
}

// jsonOf tells that got is the JSON text of the wanted value.
func jsonOf(want, got any) bool {
	s, ok := got.(string)
	if !ok || s == "" || s == want {
		return false
	}
	var v any
	if decodeJSON([]byte(s), &v) != nil {
		return false
	}
	_, text := v.(string)
	_, truth := v.(bool)
	return (text || truth) && v == want
}

// toFloat reads any number of a tree.
func toFloat(v any) (float64, bool) {
	switch v := v.(type) {
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	case int64:
		return float64(v), true
	case int:
		return float64(v), true
	case float64:
		return v, true
	case decimal:
		f, err := strconv.ParseFloat(string(v), 64)
		return f, err == nil
	case string:
		f, err := strconv.ParseFloat(v, 64)
		return f, err == nil
	}
	return 0, false
}

// hasNoInfinity compares with SQLite, which has no infinities and no NaN: they are NULL there.
func (r *veloRow) hasNoInfinity(want map[string]any) bool {
	for _, name := range sortedKeys(want) {
		got, ok := r.cell(name)
		if f, double := got.(float64); double && (math.IsInf(f, 0) || math.IsNaN(f)) {
			got = nil
		}
		if !ok || !near(want[name], got) {
			return false
		}
	}
	return true
}
