package conform

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Report collects outcomes and tells of them.
type Report struct {
	Out     io.Writer
	Verbose bool // every case
	Detail  bool // the details of cases that fail
	JSON    bool
	Color   bool
	counts  map[string]*tally
	files   map[string]*tally
	feature map[string]*tally
	total   tally
}

// tally counts verdicts.
type tally [3]int

func (t *tally) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", t[0], t[1], t[2])
}

// Failed tells that a case failed.
func (r *Report) Failed() bool { return r.total[Failed] > 0 }

// Failures counts the cases that failed.
func (r *Report) Failures() int { return r.total[Failed] }

// Below names the first group of which fewer percent passed than its floor; "" if there is none.
func (r *Report) Below(floors map[string]float64) string {
	for _, g := range slices.Sorted(maps.Keys(floors)) {
		share := 0.0
		if c := r.counts[g]; c != nil && c[Passed] > 0 {
			share = 100 * float64(c[Passed]) / float64(c[Passed]+c[Failed])
		}
		if share < floors[g] {
			return fmt.Sprintf("%s: %.2f %% passed, the floor is %.2f %%", g, share, floors[g])
		}
	}
	return ""
}

func count(m *map[string]*tally, key string, v Verdict) {
	if *m == nil {
		*m = map[string]*tally{}
	}
	if (*m)[key] == nil {
		(*m)[key] = &tally{}
	}
	(*m)[key][v]++
}

// Add counts an outcome and prints it.
func (r *Report) Add(o Outcome) error {
	count(&r.counts, o.Group, o.Verdict)
	if o.File != "" && o.Group == "results" {
		count(&r.files, o.File, o.Verdict)
	}
	if o.Group == "results" {
		for _, f := range o.Features {
			count(&r.feature, f, o.Verdict)
		}
	}
	r.total[o.Verdict]++
	if r.JSON {
		o.Status = o.Verdict.String()
		text, err := json.Marshal(o)
		if err != nil {
			return fmt.Errorf("write an outcome: %w", err)
		}
		_, err = fmt.Fprintf(r.Out, "%s\n", text)
		return err
	}
	if o.Verdict == Failed || r.Verbose {
		return r.print(&o)
	}
	return nil
}

func (r *Report) print(o *Outcome) error {
	mark := map[Verdict]string{Passed: "ok", Failed: "FAIL", Skipped: "skip"}[o.Verdict]
	if r.Color {
		color := map[Verdict]string{Passed: "\x1b[32m", Failed: "\x1b[31m", Skipped: "\x1b[33m"}[o.Verdict]
		mark = color + mark + "\x1b[0m"
	}
	line := fmt.Sprintf("%s %s [%s]", mark, o.ID, o.Group)
	if o.Reason != "" {
		line += ": " + o.Reason
	}
	if o.Verdict == Failed && o.Detail != "" && r.Detail {
		line += "\n    " + strings.ReplaceAll(strings.TrimRight(o.Detail, "\n"), "\n", "\n    ")
	}
	_, err := fmt.Fprintln(r.Out, line)
	return err
}

// Summary prints the counts by file and feature, those that fail first.
func (r *Report) Summary() error {
	for _, part := range []struct {
		name string
		m    map[string]*tally
	}{{"file", r.files}, {"feature", r.feature}} {
		keys := slices.Collect(maps.Keys(part.m))
		slices.SortFunc(keys, func(a, b string) int {
			if d := part.m[b][Failed] - part.m[a][Failed]; d != 0 {
				return d
			}
			return strings.Compare(a, b)
		})
		for _, k := range keys {
			if _, err := fmt.Fprintf(r.Out, "%s %-40s %s\n", part.name, k, part.m[k]); err != nil {
				return err
			}
		}
	}
	return nil
}

// End prints the counts of each group and, last, of all.
func (r *Report) End() error {
	if r.JSON {
		return nil
	}
	for _, g := range slices.Sorted(maps.Keys(r.counts)) {
		c := r.counts[g]
		share := 0.0
		if n := c[Passed] + c[Failed]; n > 0 {
			share = 100 * float64(c[Passed]) / float64(n)
		}
		if _, err := fmt.Fprintf(r.Out, "%s: %s (%.1f %%)\n", g, c, share); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(r.Out, r.total.String())
	return err
}
