package expr

import (
	"strconv"
	"strings"
	"time"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// moment is a point of local time taken apart.
type moment struct {
	year        int64
	month, day  int
	ms          int64 // of the day
	days        int64 // since the epoch
	offset      int   // of the zone, in seconds
	zone, abbr  string
	epochMillis int64
}

// momentAt takes ms since the epoch apart in a zone (nil: UTC).
func momentAt(ms int64, loc *time.Location) moment {
	m := moment{zone: "UTC", abbr: "UTC", epochMillis: ms}
	local := ms
	if loc != nil && loc != time.UTC {
		m.abbr, m.offset = time.UnixMilli(ms).In(loc).Zone()
		m.zone = loc.String()
		local += int64(m.offset) * vector.MsSecond
	}
	m.days, m.ms = vector.FloorDiv(local, vector.MsDay), vector.FloorMod(local, vector.MsDay)
	m.year, m.month, m.day = vector.Civil(m.days)
	return m
}

var (
	monthNames = [...]string{
		"January", "February", "March", "April", "May", "June", "July", "August", "September",
		"October", "November", "December",
	}
	dayNames = [...]string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}
)

// weekday is 0 for Monday.
func weekday(days int64) int { return int(vector.FloorMod(days+3, 7)) }

func dayOfYear(m *moment) int { return int(m.days-vector.CivilDays(m.year, 1, 1)) + 1 }

// isoWeek returns the ISO week and the year it belongs to.
func isoWeek(days int64) (year int64, week int) {
	thursday := days - int64(weekday(days)) + 3
	year, _, _ = vector.Civil(thursday)
	return year, int(thursday-vector.CivilDays(year, 1, 1))/7 + 1
}

func (p *timePattern) append(dst []byte, m *moment) []byte {
	for i := range p.fields {
		f := &p.fields[i]
		if f.letter == 0 {
			dst = append(dst, f.text...)
			continue
		}
		dst = f.append(dst, m)
	}
	return dst
}

func (f *timeField) append(dst []byte, m *moment) []byte {
	switch f.letter {
	case 'G':
		return append(dst, eraName(m.year <= 0, f.count)...)
	case 'u', 'y', 'Y':
		return f.appendYear(dst, m)
	case 'M', 'L':
		if f.count >= 3 {
			return appendName(dst, monthNames[m.month-1], f.count)
		}
		return f.number(dst, int64(m.month))
	case 'E', 'e', 'c':
		if f.count >= 3 || f.letter == 'E' {
			return appendName(dst, dayNames[weekday(m.days)], f.count)
		}
		return f.number(dst, int64(weekday(m.days)+1))
	case 'a':
		if m.ms < 12*vector.MsHour {
			return append(dst, "AM"...)
		}
		return append(dst, "PM"...)
	case 'S':
		return appendFraction(dst, m.ms%vector.MsSecond, f.count)
	case 'V':
		return append(dst, m.zone...)
	case 'z':
		return append(dst, m.abbr...)
	case 'X', 'x', 'Z', 'O':
		return f.appendOffset(dst, m.offset)
	case '@':
		return strconv.AppendInt(dst, vector.FloorDiv(m.epochMillis, vector.MsSecond), 10)
	case 'Q', 'q':
		return f.appendQuarter(dst, int64(m.month+2)/3)
	default:
		return f.number(dst, f.value(m))
	}
}

// value is the number of a field that is one.
func (f *timeField) value(m *moment) int64 {
	hour := m.ms / vector.MsHour
	switch f.letter {
	case 'D':
		return int64(dayOfYear(m))
	case 'd':
		return int64(m.day)
	case 'w':
		_, w := isoWeek(m.days)
		return int64(w)
	case 'H':
		return hour
	case 'k':
		return (hour+23)%24 + 1
	case 'K':
		return hour % 12
	case 'h':
		return (hour+11)%12 + 1
	case 'm':
		return m.ms / vector.MsMinute % 60
	case 's':
		return m.ms / vector.MsSecond % 60
	case 'A':
		return m.ms
	case 'F':
		return int64(m.day-1)/7 + 1
	case 'W': // weeks begin on Monday, the first one has at least four days of the month
		first := weekday(m.days - int64(m.day-1))
		if first <= 3 {
			first += 7
		}
		return int64(m.day-1+first) / 7
	case 'g':
		return m.days + julianEpoch
	case 'n':
		return m.ms % vector.MsSecond * 1e6
	default: // N
		return m.ms * 1e6
	}
}

// julianEpoch is the modified Julian day of 1970-01-01.
const julianEpoch = 40587

func eraName(bc bool, count int) string {
	names := [...][2]string{{"AD", "BC"}, {"Anno Domini", "Before Christ"}, {"A", "B"}}
	return names[max(count-3, 0)][b2u(bc)]
}

var quarterNames = [...]string{"1st quarter", "2nd quarter", "3rd quarter", "4th quarter"}

func (f *timeField) appendQuarter(dst []byte, q int64) []byte {
	switch f.count {
	case 3:
		return strconv.AppendInt(append(dst, 'Q'), q, 10)
	case 4:
		return append(dst, quarterNames[q-1]...)
	default:
		return f.number(dst, q)
	}
}

func (f *timeField) number(dst []byte, v int64) []byte {
	var buf [20]byte
	digits := strconv.AppendInt(buf[:0], v, 10)
	fill := byte('0')
	if f.pad {
		fill = ' '
	}
	for range f.count - len(digits) {
		dst = append(dst, fill)
	}
	return append(dst, digits...)
}

func (f *timeField) appendYear(dst []byte, m *moment) []byte {
	y := m.year
	if f.letter == 'Y' {
		y, _ = isoWeek(m.days)
	}
	if f.letter == 'y' && y <= 0 {
		y = 1 - y
	}
	if f.count == 2 {
		y = vector.FloorMod(y, 100)
		return append(dst, byte('0'+y/10), byte('0'+y%10))
	}
	if y < 0 {
		dst, y = append(dst, '-'), -y
	} else if y > 9999 && f.count >= 4 {
		dst = append(dst, '+')
	}
	return f.number(dst, y)
}

func appendName(dst []byte, name string, count int) []byte {
	switch {
	case count <= 3:
		return append(dst, name[:3]...)
	case count == 4:
		return append(dst, name...)
	default:
		return append(dst, name[0])
	}
}

// appendFraction appends the first count digits of the fraction of a second.
func appendFraction(dst []byte, ms int64, count int) []byte {
	digits := [...]byte{byte('0' + ms/100), byte('0' + ms/10%10), byte('0' + ms%10)}
	for i := range count {
		if i < 3 {
			dst = append(dst, digits[i])
		} else {
			dst = append(dst, '0')
		}
	}
	return dst
}

// appendOffset appends a zone's offset: X is Z for zero, x is not; Z is +0000, ZZZZ and O are GMT+1.
func (f *timeField) appendOffset(dst []byte, offset int) []byte {
	sign, abs := byte('+'), offset
	if offset < 0 {
		sign, abs = '-', -offset
	}
	h, m, s := abs/3600, abs/60%60, abs%60
	two := func(v int) { dst = append(dst, byte('0'+v/10), byte('0'+v%10)) }
	gmt := f.letter == 'O' || f.letter == 'Z' && f.count == 4
	if offset == 0 && (f.letter == 'X' || f.letter == 'Z' && f.count == 5) {
		return append(dst, 'Z')
	}
	if gmt {
		dst = append(dst, "GMT"...)
		if offset == 0 {
			return dst
		}
	}
	dst = append(dst, sign)
	switch {
	case f.letter == 'O' && f.count == 1:
		dst = strconv.AppendInt(dst, int64(h), 10)
		if m != 0 {
			dst = append(dst, ':')
			two(m)
		}
		return dst
	case f.letter != 'Z' && f.count == 1:
		if two(h); m != 0 {
			two(m)
		}
		return dst
	}
	two(h)
	colon := gmt || f.letter == 'Z' && f.count == 5 || f.letter != 'Z' && (f.count == 3 || f.count == 5)
	if colon {
		dst = append(dst, ':')
	}
	two(m)
	if s != 0 && (f.count >= 4 || f.letter == 'Z') {
		if colon {
			dst = append(dst, ':')
		}
		two(s)
	}
	return dst
}

// lacks returns a field of the pattern that is one of the letters: a DATE has no hour, a TIME no year.
func (p *timePattern) lacks(letters string) (byte, bool) {
	for i := range p.fields {
		if c := p.fields[i].letter; c != 0 && strings.IndexByte(letters, c) >= 0 {
			return c, true
		}
	}
	return 0, false
}
