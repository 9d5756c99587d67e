package expr

import (
	"bytes"
	"fmt"
	"math"
	"strings"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// timeUnit is a unit that dates are moved, cut and compared by: months, or a fixed number of ms.
type timeUnit struct {
	ms     int64
	months int64
}

// timeUnits are the names of units, in the singular and in upper case.
var timeUnits = map[string]timeUnit{
	"MILLISECOND": {ms: 1}, "MS": {ms: 1}, "SECOND": {ms: vector.MsSecond},
	"MINUTE": {ms: vector.MsMinute}, "HOUR": {ms: vector.MsHour}, "DAY": {ms: vector.MsDay},
	"WEEK": {ms: 7 * vector.MsDay}, "MONTH": {months: 1}, "QUARTER": {months: 3}, "YEAR": {months: 12},
	"DECADE": {months: 120}, "CENTURY": {months: 1200},
}

// unitState keeps the unit of the row before.
type unitState struct {
	name []byte
	unit timeUnit
	part func(m *moment) int64
}

func (f *Frame) unitOf(name []byte) (*unitState, error) {
	s, ok := f.State.(*unitState)
	if !ok {
		s = &unitState{}
		f.State = s
	}
	if s.name != nil && bytes.Equal(s.name, name) {
		return s, nil
	}
	upper := string(bytes.ToUpper(bytes.TrimSpace(name)))
	s.part = timeParts[upper]
	u, known := timeUnits[upper]
	if !known && len(upper) > 1 && upper[len(upper)-1] == 'S' {
		u, known = timeUnits[upper[:len(upper)-1]]
		if s.part == nil {
			s.part = timeParts[upper[:len(upper)-1]]
		}
	}
	if !known && s.part == nil {
		return nil, fail(CodeBadArgument, fmt.Sprintf("no unit of time %q", clip(name)))
	}
	s.unit, s.name = u, append(s.name[:0], name...)
	return s, nil
}

// timeParts are the fields of a date and time.
var timeParts = map[string]func(m *moment) int64{
	"YEAR": func(m *moment) int64 { return m.year }, "QUARTER": func(m *moment) int64 { return int64(m.month+2) / 3 },
	"MONTH": func(m *moment) int64 { return int64(m.month) },
	"WEEK": func(m *moment) int64 {
		_, w := isoWeek(m.days)
		return int64(w)
	},
	"DAY": func(m *moment) int64 { return int64(m.day) }, "DOY": func(m *moment) int64 { return int64(dayOfYear(m)) },
	"DOW":         func(m *moment) int64 { return int64(weekday(m.days)+1) % 7 },
	"ISODOW":      func(m *moment) int64 { return int64(weekday(m.days) + 1) },
	"HOUR":        func(m *moment) int64 { return m.ms / vector.MsHour },
	"MINUTE":      func(m *moment) int64 { return m.ms / vector.MsMinute % 60 },
	"SECOND":      func(m *moment) int64 { return m.ms / vector.MsSecond % 60 },
	"MILLISECOND": func(m *moment) int64 { return m.ms % vector.MsSecond },
	"MICROSECOND": func(m *moment) int64 { return m.ms % vector.MsSecond * 1e3 },
	"NANOSECOND":  func(m *moment) int64 { return m.ms % vector.MsSecond * 1e6 },
	"EPOCH":       func(m *moment) int64 { return vector.FloorDiv(m.epochMillis, vector.MsSecond) },
}

// IsTimeUnit reports whether a word is a unit or part of a date or time, such as DAYS or ISODOW.
func IsTimeUnit(word string) bool {
	upper := strings.ToUpper(word)
	for _, name := range []string{upper, strings.TrimSuffix(upper, "S")} {
		_, unit := timeUnits[name]
		if _, part := timeParts[name]; unit || part {
			return true
		}
	}
	return false
}

func (f *Func) units() *Func {
	f.Unit = true
	return f
}

func fieldFuncs() []*Func {
	field := func(name, part, doc string, aliases ...string) *Func {
		k := partKernel(timeParts[part])
		if c, ok := clockParts[part]; ok {
			k = clockKernel(c)
		}
		over := []Overload{on("TIMESTAMP -> INT", k), on("DATE -> INT", k), on("BIGINT -> INT", k)}
		if _, clock := clockParts[part]; clock {
			over = append(over, on("TIME -> INT", k))
			over[1].Kernel = partKernel(timeParts[part])
		}
		f := timeFunc(name, name+"(t)", doc+" of a DATE, TIMESTAMP or BIGINT milliseconds, in UTC.", over...)
		return f.as(aliases...)
	}
	dayOfWeek := field("DAYOFWEEK", "DOW", "Returns the day of the week, 1 for Sunday,")
	for i := range dayOfWeek.Overloads {
		dayOfWeek.Overloads[i].Kernel = partKernel(func(m *moment) int64 { return timeParts["DOW"](m) + 1 })
	}
	return []*Func{
		field("YEAR", "YEAR", "Returns the year"), field("QUARTER", "QUARTER", "Returns the quarter, 1 to 4,"),
		field("MONTH", "MONTH", "Returns the month, 1 to 12,"), field("WEEK", "WEEK", "Returns the ISO week, 1 to 53,"),
		field("DAY", "DAY", "Returns the day of the month", "DAYOFMONTH"),
		field("DAYOFYEAR", "DOY", "Returns the day of the year"), dayOfWeek,
		field("HOUR", "HOUR", "Returns the hour, 0 to 23,"), field("MINUTE", "MINUTE", "Returns the minute"),
		field("SECOND", "SECOND", "Returns the second"),
		timeFunc("EXTRACT", "EXTRACT(part FROM t)", "Returns a part of a date or time: YEAR, QUARTER, MONTH, WEEK, "+
			"DAY, "+
			"DOW (0 is Sunday), ISODOW (1 is Monday), DOY, HOUR, MINUTE, SECOND, MILLISECOND or EPOCH (seconds).",
			on("STRING, TIMESTAMP -> BIGINT", extractKernel), on("STRING, DATE -> BIGINT", extractKernel),
			on("STRING, TIME -> BIGINT", extractKernel), on("STRING, BIGINT -> BIGINT",
				extractKernel)).as("DATE_PART").units(),
		timeFunc("DATE_TRUNC", "DATE_TRUNC(unit, t)", "Cuts a date or time to the start of its unit; a WEEK begins on "+
			"Monday.", on("STRING, TIMESTAMP -> TIMESTAMP", truncKernel), on("STRING, DATE -> DATE", truncKernel),
			on("STRING, BIGINT -> BIGINT", truncKernel)).units(),
		diffFunc("DATEDIFF", "Returns how many whole units lie between a and b; with two arguments a minus b, in days.",
			wholeKernel, on("DATE, DATE -> BIGINT", diffDays)).as("TIMESTAMPDIFF"),
		diffFunc(
			"DATE_DIFF",
			"Returns how many borders of a unit lie between a and b; with two arguments a minus b, in days.",
			diffKernel,
			on("DATE, DATE -> BIGINT", diffDays),
		),
	}
}

func diffFunc(name, doc string, k Kernel, over ...Overload) *Func {
	for _, t := range []string{"TIMESTAMP", "DATE", "BIGINT"} {
		over = append(over, on("STRING, "+t+", "+t+" -> BIGINT", k))
	}
	return timeFunc(name, name+"([unit,] a, b)", doc, over...).units()
}

// clockPart is a part of the time of day: ms / unit % count.
type clockPart struct{ unit, count int64 }

// clockParts are the parts that a TIME has.
var clockParts = map[string]clockPart{
	"HOUR": {vector.MsHour, 24}, "MINUTE": {vector.MsMinute, 60},
	"SECOND": {vector.MsSecond, 60}, "MILLISECOND": {1, 1000},
}

// clockKernel reads the time of day without the date.
func clockKernel(p clockPart) Kernel {
	return func(f *Frame) {
		out := f.Out.I64
		for i, ms := range f.Args[0].I64[:f.N] {
			out[i] = vector.FloorMod(vector.FloorDiv(ms, p.unit), p.count)
		}
	}
}

// momentOf takes row i of argument k apart; the result holds until the next one.
func (f *Frame) momentOf(k, i int) *moment {
	ms := f.i64(k, i)
	if f.Args[k].Type.Kind == vector.Date {
		ms *= vector.MsDay
	}
	f.m = momentAt(ms, nil)
	return &f.m
}

func partKernel(part func(m *moment) int64) Kernel {
	return rowI64(func(f *Frame, i int) (int64, error) {
		return part(f.momentOf(0, i)), nil
	})
}

var extractKernel = rowI64(func(f *Frame, i int) (int64, error) {
	u, err := f.unitOf(f.text(0, i))
	if err != nil {
		return 0, err
	}
	if u.part == nil {
		return 0, fail(CodeBadArgument, fmt.Sprintf("EXTRACT knows no part %q", clip(f.text(0, i))))
	}
	return u.part(f.momentOf(1, i)), nil
})

// index returns the number of the unit, counted from the epoch, that a moment lies in.
func (u timeUnit) index(m *moment) int64 {
	switch {
	case u.months != 0:
		return vector.FloorDiv(m.year*12+int64(m.month)-1, u.months)
	case u.ms == 7*vector.MsDay:
		return vector.FloorDiv(m.days+3, 7)
	default:
		return vector.FloorDiv(m.days*vector.MsDay+m.ms, u.ms)
	}
}

// between returns the number of whole units from a to b.
func (u timeUnit) between(a, b *moment) int64 {
	if u.months == 0 {
		return (b.epochMillis - a.epochMillis) / u.ms
	}
	n := (b.year-a.year)*12 + int64(b.month-a.month)
	rest := int64(b.day-a.day)*vector.MsDay + b.ms - a.ms
	switch {
	case n > 0 && rest < 0:
		n--
	case n < 0 && rest > 0:
		n++
	}
	return n / u.months
}

// start returns the ms at which a unit begins.
func (u timeUnit) start(index int64) int64 {
	switch {
	case u.months != 0:
		month := index * u.months
		return vector.CivilDays(vector.FloorDiv(month, 12), int(vector.FloorMod(month, 12))+1, 1) * vector.MsDay
	case u.ms == 7*vector.MsDay:
		return (index*7 - 3) * vector.MsDay
	default:
		return index * u.ms
	}
}

func (f *Frame) unit(i int) (timeUnit, error) {
	u, err := f.unitOf(f.text(0, i))
	if err != nil {
		return timeUnit{}, err
	}
	if u.unit == (timeUnit{}) {
		return u.unit, fail(CodeBadArgument, fmt.Sprintf("no unit of time %q", clip(f.text(0, i))))
	}
	return u.unit, nil
}

var (
	truncKernel = rowI64(func(f *Frame, i int) (int64, error) {
		u, err := f.unit(i)
		if err != nil {
			return 0, err
		}
		ms := u.start(u.index(f.momentOf(1, i)))
		if f.Out.Type.Kind == vector.Date {
			return vector.FloorDiv(ms, vector.MsDay), nil
		}
		return ms, nil
	})
	diffKernel = rowI64(func(f *Frame, i int) (int64, error) {
		u, err := f.unit(i)
		if err != nil {
			return 0, err
		}
		first := u.index(f.momentOf(1, i))
		return u.index(f.momentOf(2, i)) - first, nil
	})
	wholeKernel = rowI64(func(f *Frame, i int) (int64, error) {
		u, err := f.unit(i)
		if err != nil {
			return 0, err
		}
		a := *f.momentOf(1, i)
		return u.between(&a, f.momentOf(2, i)), nil
	})
	diffDays = rowI64(func(f *Frame, i int) (int64, error) { return f.i64(0, i) - f.i64(1, i), nil })
)

func moveFuncs() []*Func {
	move := func(name, types, doc string, minus bool, aliases ...string) *Func {
		k := addKernel(minus)
		var over []Overload
		for t := range strings.FieldsSeq(types) {
			over = append(over, on("STRING, BIGINT, "+t+" -> "+t, k))
		}
		f := timeFunc(name, name+"(unit, n, t)", doc+" A month is kept within its days: one month after January 31 "+
			"is the "+
			"last of February.", over...)
		return f.as(aliases...).units()
	}
	return []*Func{
		move("DATEADD", "DATE TIMESTAMP", "Returns the date n units later.", false, "DATE_ADD"),
		move("DATESUB", "DATE TIMESTAMP", "Returns the date n units earlier.", true, "DATE_SUB"),
		move("TIMEADD", "TIME", "Returns the time of day n units later; it goes on at midnight.", false),
		move("TIMESUB", "TIME", "Returns the time of day n units earlier; it goes on at midnight.", true),
		move("TIMESTAMPADD", "TIMESTAMP BIGINT", "Returns the TIMESTAMP n units later.", false),
		move("TIMESTAMPSUB", "TIMESTAMP BIGINT", "Returns the TIMESTAMP n units earlier.", true),
	}
}

func addKernel(minus bool) Kernel {
	return rowI64(func(f *Frame, i int) (int64, error) {
		u, err := f.unit(i)
		if err != nil {
			return 0, err
		}
		n := f.i64(1, i)
		if minus {
			if n == math.MinInt64 {
				return 0, fail(CodeOverflow, "the number of units is outside of BIGINT")
			}
			n = -n
		}
		ms, ok := u.add(f.momentOf(2, i), n)
		if !ok {
			return 0, fail(CodeOverflow, "the result is outside of "+f.Out.Type.String())
		}
		switch f.Out.Type.Kind {
		case vector.Date:
			return vector.FloorDiv(ms, vector.MsDay), nil
		case vector.Time:
			return vector.FloorMod(ms, vector.MsDay), nil
		default:
			return ms, nil
		}
	})
}

// add moves a moment by n units.
func (u timeUnit) add(m *moment, n int64) (int64, bool) {
	if u.months == 0 {
		d, ok := vector.MulInt64(n, u.ms).Int64()
		if !ok {
			return 0, false
		}
		r := m.epochMillis + d
		return r, (m.epochMillis^r)&(d^r) >= 0
	}
	if n > 1e9 || n < -1e9 {
		return 0, false
	}
	month := m.year*12 + int64(m.month) - 1 + n*u.months
	year, mon := vector.FloorDiv(month, 12), int(vector.FloorMod(month, 12))+1
	if year > 290_000_000 || year < -290_000_000 {
		return 0, false
	}
	day := min(m.day, vector.MonthDays(year, mon))
	return vector.CivilDays(year, mon, day)*vector.MsDay + m.ms, true
}
