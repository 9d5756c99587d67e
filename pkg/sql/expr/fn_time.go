package expr

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/leatsql/leat/pkg/sql/vector"
)

func timeFunc(name, usage, doc string, over ...Overload) *Func {
	return &Func{Name: name, Category: "time", Usage: []string{usage}, Doc: doc, Overloads: over}
}

func timeFuncs() []*Func {
	clock := func(name, doc string, aliases ...string) *Func {
		f := timeFunc(name, name+"()", doc)
		f.Resolve = rewritten
		return f.as(aliases...)
	}
	list := []*Func{
		clock("NOW", "Returns the time at which the broker took the message, as TIMESTAMP.", "CURRENT_TIMESTAMP",
			"LOCALTIMESTAMP"),
		clock("CURRENT_DATE", "Returns the date at which the broker took the message, in UTC."),
		clock("CURRENT_TIME", "Returns the time of day at which the broker took the message, in UTC.", "LOCALTIME"),
		{
			Name: "UNIX_TIMESTAMP", Category: "time", Usage: []string{"UNIX_TIMESTAMP([t])"},
			Doc: "Returns the milliseconds since 1970-01-01 of a TIMESTAMP, or of the time at which the broker took " +
				"the " +
				"message.", Overloads: []Overload{on("TIMESTAMP -> BIGINT", share)},
		},
		{
			Name: "UNIX_DATE", Category: "time", Usage: []string{"UNIX_DATE([d])"},
			Doc: "Returns the days since 1970-01-01 of a DATE, or of the date at which the broker took the " +
				"message.",
			Overloads: []Overload{on("DATE -> INT", share)},
		},
		timeFunc("FROM_DAYS", "FROM_DAYS(n)", "Returns the DATE that is a number of days after 1970-01-01.",
			on("INT -> DATE", share)),
		timeFunc("FROM_UNIXTIME", "FROM_UNIXTIME(ms)", "Returns the TIMESTAMP that is a number of milliseconds after "+
			"1970-01-01.", on("BIGINT -> TIMESTAMP", share)),
		timeFunc("CONVERT_TZ", "CONVERT_TZ(t, from, to)", "Reads a TIMESTAMP as the local time of one zone and "+
			"returns the "+
			"local time of another at that moment.", on("TIMESTAMP, STRING, STRING -> TIMESTAMP", convertTZ)),
		timeFunc("FORMAT_DATE", "FORMAT_DATE(d, pattern)", "Writes a DATE by a pattern of Java's DateTimeFormatter "+
			"or of "+
			"strftime.", on("DATE, STRING -> STRING", formatKernel(vector.MsDay, clockLetters))),
		timeFunc("FORMAT_TIME", "FORMAT_TIME(t, pattern)", "Writes a TIME, or the time of day of BIGINT "+
			"milliseconds, by a pattern of Java's DateTimeFormatter or of strftime.",
			on("TIME, STRING -> STRING", formatKernel(1, dateLetters)),
			on("BIGINT, STRING -> STRING", formatKernel(1, ""))),
		timeFunc("FORMAT_TIMESTAMP", "FORMAT_TIMESTAMP(t, pattern[, zone])", "Writes a TIMESTAMP, or BIGINT "+
			"milliseconds, "+
			"by a pattern of Java's DateTimeFormatter or of strftime, in a zone (UTC).",
			on("TIMESTAMP, STRING[, STRING] -> STRING", formatKernel(1, "")),
			on("BIGINT, STRING[, STRING] -> STRING", formatKernel(1, ""))).
			as("DATE_FORMAT", "TIMESTAMPTOSTRING", "STRFTIME"),
		timeFunc("DATETOSTRING", "DATETOSTRING(days, pattern)", "Writes the date that is a number of days after "+
			"1970-01-01 by a pattern.", on("INT, STRING -> STRING", formatKernel(vector.MsDay, clockLetters))),
		timeFunc("PARSE_DATE", "PARSE_DATE(s, pattern)", "Reads a DATE by a pattern of Java's DateTimeFormatter or of "+
			"strftime.", on("STRING, STRING -> DATE", parseKernel(parseDays))),
		timeFunc("PARSE_TIME", "PARSE_TIME(s, pattern)", "Reads a TIME by a pattern of Java's DateTimeFormatter or of "+
			"strftime.", on("STRING, STRING -> TIME", parseKernel(parseClock))),
		timeFunc("PARSE_TIMESTAMP", "PARSE_TIMESTAMP(s, pattern[, zone])", "Reads a TIMESTAMP by a pattern of Java's "+
			"DateTimeFormatter or of strftime; a text without a zone is of the one given (UTC).",
			on("STRING, STRING[, STRING] -> TIMESTAMP", parseKernel(parseMillis))).as("STRPTIME", "TO_TIMESTAMP"),
		timeFunc("STRINGTODATE", "STRINGTODATE(s, pattern)", "Reads a date by a pattern and returns the days since "+
			"1970-01-01.", on("STRING, STRING -> INT", parseKernel(parseDays))),
		timeFunc("STRINGTOTIMESTAMP", "STRINGTOTIMESTAMP(s, pattern[, zone])", "Reads a date and time by a pattern "+
			"and "+
			"returns milliseconds since 1970-01-01.", on("STRING, STRING[, STRING] -> BIGINT",
			parseKernel(parseMillis))),
	}
	return append(append(list, moveFuncs()...), fieldFuncs()...)
}

// timeState is what the kernels of patterns and zones keep.
type timeState struct {
	text    []byte
	pattern *timePattern
	zones   [2]zoneCache
	parsed  parsedTime
	named   zoneCache // zones that texts name
}

func (f *Frame) times() *timeState {
	s, ok := f.State.(*timeState)
	if !ok {
		s = &timeState{}
		f.State = s
	}
	return s
}

// use returns the pattern of a text, which mostly is that of the row before.
func (s *timeState) use(text []byte) (*timePattern, error) {
	if s.pattern != nil && bytes.Equal(s.text, text) {
		return s.pattern, nil
	}
	p, err := newTimePattern(string(text))
	if err != nil {
		return nil, err
	}
	s.pattern, s.text = p, append(s.text[:0], text...)
	return p, nil
}

// zone returns the zone that argument k names, UTC when there is none.
func (f *Frame) zone(s *timeState, k, i int) (*time.Location, error) {
	if len(f.Args) <= k {
		return time.UTC, nil
	}
	return s.zones[k&1].get(f.text(k, i))
}

// The letters of patterns that a DATE and a TIME have nothing for.
const (
	zoneLetters  = "VzXxZO@"
	clockLetters = "aHhKkmsSAnN" + zoneLetters
	dateLetters  = "GuyYQqMLwWdDFgEec" + zoneLetters
)

// formatKernel writes argument 0, which counts units of so many ms, by the pattern of argument 1, in which the letters
// lacking may not stand.
func formatKernel(unit int64, lacking string) Kernel {
	return rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
		s := f.times()
		p, err := s.use(f.text(1, i))
		if err != nil {
			return dst, err
		}
		if c, bad := p.lacks(lacking); bad {
			return dst, fail(CodeBadArgument, fmt.Sprintf("the time pattern %q: a %s has no field for %c", p.source,
				f.Args[0].Type, c))
		}
		loc, err := f.zone(s, 2, i)
		if err != nil {
			return dst, err
		}
		f.m = momentAt(f.i64(0, i)*unit, loc)
		return p.append(dst, &f.m), nil
	})
}

func parseDays(t *parsedTime, _ *time.Location) int64  { return t.days() }
func parseClock(t *parsedTime, _ *time.Location) int64 { return t.clock() }
func parseMillis(t *parsedTime, loc *time.Location) int64 {
	return t.millis(loc)
}

func parseKernel(get func(*parsedTime, *time.Location) int64) Kernel { return parseTimes(get, false) }

// ksqlParse reads a day beyond the end of its month as the last one, as Java does.
func ksqlParse(get func(*parsedTime, *time.Location) int64) func(f *Func) {
	return func(f *Func) {
		f.Overloads = slices.Clone(f.Overloads)
		for i := range f.Overloads {
			f.Overloads[i].Kernel = parseTimes(get, true)
		}
	}
}

func parseTimes(get func(*parsedTime, *time.Location) int64, smart bool) Kernel {
	return rowI64(func(f *Frame, i int) (int64, error) {
		s := f.times()
		p, err := s.use(f.text(1, i))
		if err != nil {
			return 0, err
		}
		loc, err := f.zone(s, 2, i)
		if err != nil {
			return 0, err
		}
		s.parsed.zones, s.parsed.smart = &s.named, smart
		if err := p.parse(&s.parsed, f.text(0, i)); err != nil {
			return 0, err
		}
		return get(&s.parsed, loc), nil
	})
}

var convertTZ = rowI64(func(f *Frame, i int) (int64, error) {
	s := f.times()
	from, err := f.zone(s, 1, i)
	if err != nil {
		return 0, err
	}
	to, err := f.zone(s, 2, i)
	if err != nil {
		return 0, err
	}
	utc := fromLocal(f.i64(0, i), from)
	_, sec := time.UnixMilli(utc).In(to).Zone()
	return utc + int64(sec)*vector.MsSecond, nil
})
