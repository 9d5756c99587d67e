package conform

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
)

// check is how the records of a topic compare.
type check struct {
	csvKey, csvValue     bool
	keyDelim, valueDelim string
}

// checks says how a topic's records compare, from the object that writes it.
func (e *engine) checks(topic string) check {
	for _, name := range e.objects.Names() {
		o := e.objects[name]
		if external(o) != topic {
			continue
		}
		return check{
			csvKey: o.Encoding.Key == "csv", csvValue: o.Encoding.Value == "csv",
			keyDelim: o.Encoding.KeyDelimiter, valueDelim: o.Encoding.ValueDelimiter,
		}
	}
	return check{}
}

// difference is what two lists of records differ in.
type difference struct{ reason, text string }

// diffRecords compares a topic; nil: equal. perKey compares the records of each key and window among themselves.
func diffRecords(want, got []Record, perKey bool, how check) *difference {
	if perKey {
		want, got = byKey(want), byKey(got)
	}
	reason := ""
	var sb strings.Builder
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(got):
			fmt.Fprintf(&sb, "- want %s\n", want[i].String())
		case i >= len(want):
			fmt.Fprintf(&sb, "+ got  %s\n", got[i].String())
		default:
			why := how.differ(&want[i], &got[i])
			if why == "" {
				fmt.Fprintf(&sb, "  both %s\n", got[i].String())
				continue
			}
			fmt.Fprintf(&sb, "- want %s\n+ got  %s\n", want[i].String(), got[i].String())
			if reason == "" {
				reason = fmt.Sprintf("record %d: %s differs", i+1, why)
			}
		}
	}
	if len(want) != len(got) {
		reason = fmt.Sprintf("%d records, want %d", len(got), len(want))
	}
	if reason == "" {
		return nil
	}
	return &difference{reason, sb.String()}
}

// byKey orders records by key and window and leaves the order within each.
func byKey(records []Record) []Record {
	out := slices.Clone(records)
	name := func(r *Record) string {
		window := ""
		if r.Window != nil {
			window = fmt.Sprintf("%020d %020d", r.Window.Start, r.Window.End)
		}
		return show(r.Key) + window
	}
	slices.SortStableFunc(out, func(a, b Record) int { return strings.Compare(name(&a), name(&b)) })
	return out
}

// differ names the part in which two records differ; "" if they are equal.
func (c check) differ(want, got *Record) string {
	switch {
	case !c.equal(want.Key, got.Key, c.csvKey, c.keyDelim):
		return "key"
	case (want.Window == nil) != (got.Window == nil), want.Window != nil && *want.Window != *got.Window:
		return "window"
	case !c.equal(want.Value, got.Value, c.csvValue, c.valueDelim):
		return "value"
	case want.Timed && got.Timestamp != want.Timestamp:
		return "time"
	case want.Headed && !slices.EqualFunc(want.Headers, got.Headers, func(a, b Header) bool {
		return a.Key == b.Key && (a.Value == nil) == (b.Value == nil) && string(a.Value) == string(b.Value)
	}):
		return "headers"
	}
	return ""
}

func (check) equal(want, got any, csvText bool, delimiter string) bool {
	w, wantText := want.(string)
	g, gotText := got.(string)
	if !csvText || !wantText || !gotText {
		return equal(want, got)
	}
	a, errA := fields(w, delimiter)
	b, errB := fields(g, delimiter)
	return errA == nil && errB == nil && slices.EqualFunc(a, b, equalField)
}

// equalField compares fields of CSV as text, else as numbers.
func equalField(a, b string) bool {
	if a == b {
		return true
	}
	x, okX := rat(a)
	y, okY := rat(b)
	if okX && okY {
		return x.Cmp(y) == 0
	}
	return false
}

func fields(line, delimiter string) ([]string, error) {
	r := csv.NewReader(strings.NewReader(line))
	r.FieldsPerRecord, r.LazyQuotes = -1, true
	if delimiter != "" {
		r.Comma = rune(delimiter[0])
	}
	if line == "" {
		return []string{""}, nil
	}
	return r.Read()
}
