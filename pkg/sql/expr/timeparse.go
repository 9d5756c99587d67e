package expr

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// parsedTime is what the fields of a pattern found in a text.
type parsedTime struct {
	year         int64
	month, day   int
	yearDay      int
	hour, half   int // half: -1 unknown, 0 AM, 1 PM
	hour12       int // 0..11, -1 unknown
	min, sec, ms int
	dayMs        int64 // -1 unknown
	epoch        int64
	hasEpoch     bool
	zone         *time.Location
	offset       int64 // ms, of a zone written as +hh:mm
	hasOffset    bool
	zones        *zoneCache
	bc           bool
	smart        bool // a day beyond the end of its month is the last one
}

// parse reads text, all of it, into t. Fields that the pattern lacks are those of 1970-01-01T00:00; letters match
// without regard to case.
func (p *timePattern) parse(t *parsedTime, text []byte) error {
	*t = parsedTime{year: 1970, month: 1, day: 1, half: -1, hour12: -1, dayMs: -1, zones: t.zones, smart: t.smart}
	rest, ok := p.parseFields(t, text, 0, len(p.fields))
	if !ok || len(rest) > 0 {
		return fail(CodeBadValue, fmt.Sprintf("%q has not the form %q", clip(text), p.source))
	}
	return t.check(text)
}

func clip(s []byte) []byte {
	if len(s) > 60 {
		return append(append([]byte{}, s[:57]...), "..."...)
	}
	return s
}

func (p *timePattern) parseFields(t *parsedTime, s []byte, from, to int) ([]byte, bool) {
	for i := from; i < to; i++ {
		if end, ok := p.optional(i); ok && (i != from || to != end) {
			trial := *t
			if rest, ok := p.parseFields(&trial, s, i, end); ok {
				*t, s = trial, rest
			}
			i = end - 1
			continue
		}
		f := &p.fields[i]
		if f.letter == 0 {
			if len(s) < len(f.text) || !strings.EqualFold(string(s[:len(f.text)]), f.text) {
				return s, false
			}
			s = s[len(f.text):]
			continue
		}
		next := i+1 < to && p.fields[i+1].letter != 0 // digits follow directly
		rest, ok := f.parse(t, s, next)
		if !ok {
			return s, false
		}
		s = rest
	}
	return s, true
}

// optional returns the end of the optional section that begins at field i.
func (p *timePattern) optional(i int) (end int, ok bool) {
	for _, s := range p.sections {
		if s.open == i {
			return s.end, true
		}
	}
	return 0, false
}

// digits reads a number of min to max digits.
func digits(s []byte, least, most int) (v int64, rest []byte, ok bool) {
	n := 0
	for n < len(s) && n < most && s[n] >= '0' && s[n] <= '9' {
		v = v*10 + int64(s[n]-'0')
		n++
	}
	return v, s[n:], n >= least
}

func (f *timeField) parse(t *parsedTime, s []byte, adjacent bool) ([]byte, bool) {
	switch f.letter {
	case 'G':
		return parseName(s, []string{eraName(false, f.count), eraName(true, f.count)}, func(k int) { t.bc = k == 1 }, 0)
	case 'u', 'y', 'Y':
		return f.parseYear(t, s, adjacent)
	case 'M', 'L':
		if f.count >= 3 {
			return parseName(s, monthNames[:], func(k int) { t.month = k + 1 }, nameLength(f.count))
		}
	case 'E', 'e', 'c':
		if f.count >= 3 || f.letter == 'E' {
			return parseName(s, dayNames[:], func(int) {}, nameLength(f.count))
		}
	case 'a':
		return parseName(s, []string{"AM", "PM"}, func(k int) { t.half = k }, 2)
	case 'S':
		return f.parseFraction(t, s)
	case 'V', 'z', 'X', 'x', 'Z', 'O':
		return f.parseZone(t, s)
	case 'Q', 'q':
		if f.count == 4 {
			return parseName(s, quarterNames[:], func(k int) { t.month = 3*k + 1 }, 0)
		}
		if f.count == 3 {
			if len(s) == 0 || s[0]|0x20 != 'q' {
				return s, false
			}
			one := timeField{letter: f.letter, count: 1}
			return one.parseNumber(t, s[1:], true)
		}
	}
	return f.parseNumber(t, s, adjacent)
}

func nameLength(count int) int {
	if count == 4 {
		return 0
	}
	return 3
}

// parseName reads one of the names, or its first letters when short > 0.
func parseName(s []byte, names []string, set func(k int), short int) ([]byte, bool) {
	for k, name := range names {
		if short > 0 && short < len(name) {
			name = name[:short]
		}
		if len(s) >= len(name) && strings.EqualFold(string(s[:len(name)]), name) {
			set(k)
			return s[len(name):], true
		}
	}
	return s, false
}

func (f *timeField) parseYear(t *parsedTime, s []byte, adjacent bool) ([]byte, bool) {
	neg := false
	if f.count != 2 && len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		neg, s = s[0] == '-', s[1:]
	}
	least, most := min(f.count, 4), 9
	switch {
	case f.count == 2:
		least, most = 2, 2
	case adjacent:
		most = max(f.count, 4)
	}
	v, rest, ok := digits(s, least, most)
	if f.count == 2 {
		v += 2000
	}
	if neg {
		v = -v
	}
	t.year = v
	return rest, ok
}

func (f *timeField) parseFraction(t *parsedTime, s []byte) ([]byte, bool) {
	v, rest, ok := digits(s, f.count, f.count)
	for range f.count - 3 {
		v /= 10
	}
	for range 3 - f.count {
		v *= 10
	}
	t.ms = int(v)
	return rest, ok
}

// fieldRange is the least and largest value of the number of a field.
var fieldRange = map[byte][2]int64{
	'M': {1, 12}, 'L': {1, 12}, 'd': {1, 31}, 'D': {1, 366}, 'H': {0, 23}, 'k': {1, 24},
	'K': {0, 11}, 'h': {1, 12}, 'm': {0, 59}, 's': {0, 59}, 'e': {1, 7}, 'w': {1, 53}, 'Q': {1, 4}, 'q': {1, 4},
	'c': {1, 7}, 'F': {1, 5}, 'W': {0, 5}, 'g': {-1 << 40, 1 << 40},
	'A': {0, vector.MsDay - 1}, 'n': {0, 999_999_999}, 'N': {0, vector.MsDay*1e6 - 1}, '@': {-1 << 53, 1 << 53},
}

func (f *timeField) parseNumber(t *parsedTime, s []byte, adjacent bool) ([]byte, bool) {
	if f.pad {
		s = bytes.TrimLeft(s, " ")
	}
	neg := f.letter == '@' && len(s) > 0 && s[0] == '-'
	if neg {
		s = s[1:]
	}
	limit := fieldRange[f.letter]
	least, most := f.count, len(strconv.FormatInt(limit[1], 10))
	if f.count == 1 && adjacent && f.letter != '@' {
		most = 1
	}
	if f.pad {
		least = 1
	}
	v, rest, ok := digits(s, least, max(most, least))
	if neg {
		v = -v
	}
	if !ok || v < limit[0] || v > limit[1] {
		return s, false
	}
	fieldSet[f.letter](t, v)
	return rest, true
}

// fieldSet puts the number of a field where it belongs; what a date does not need is read and left.
var fieldSet = map[byte]func(t *parsedTime, v int64){
	'M': func(t *parsedTime, v int64) { t.month = int(v) },
	'L': func(t *parsedTime, v int64) { t.month = int(v) },
	'd': func(t *parsedTime, v int64) { t.day = int(v) },
	'D': func(t *parsedTime, v int64) { t.yearDay = int(v) },
	'H': func(t *parsedTime, v int64) { t.hour = int(v) },
	'k': func(t *parsedTime, v int64) { t.hour = int(v) % 24 },
	'K': func(t *parsedTime, v int64) { t.hour12 = int(v) },
	'h': func(t *parsedTime, v int64) { t.hour12 = int(v) % 12 },
	'm': func(t *parsedTime, v int64) { t.min = int(v) },
	's': func(t *parsedTime, v int64) { t.sec = int(v) },
	'n': func(t *parsedTime, v int64) { t.ms = int(v / 1e6) },
	'A': func(t *parsedTime, v int64) { t.dayMs = v },
	'N': func(t *parsedTime, v int64) { t.dayMs = v / 1e6 },
	'Q': func(t *parsedTime, v int64) { t.month = int(3*v - 2) },
	'q': func(t *parsedTime, v int64) { t.month = int(3*v - 2) },
	'e': func(*parsedTime, int64) {},
	'w': func(*parsedTime, int64) {},
	'c': func(*parsedTime, int64) {},
	'F': func(*parsedTime, int64) {},
	'W': func(*parsedTime, int64) {},
	'g': func(t *parsedTime, v int64) {
		var y int64
		y, t.month, t.day = vector.Civil(v - julianEpoch)
		t.year = y
	},
	'@': func(t *parsedTime, v int64) { t.epoch, t.hasEpoch = v, true },
}

// zoneLength returns how much of s is a zone: an offset (with Z, GMT or UTC) for X, x, Z and O, else a name too.
func (f *timeField) zoneLength(s []byte) int {
	named := f.letter == 'V' || f.letter == 'z'
	n := 0
	for n < len(s) {
		c := s[n]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		digit := c >= '0' && c <= '9' || c == '+' || c == '-' || c == ':'
		if !digit && (!named || !letter && c != '/' && c != '_') && (!letter || n >= 3) {
			break
		}
		n++
	}
	return n
}

// zoneName is the name of the zone that a text of the field means.
func (f *timeField) zoneName(s []byte) []byte {
	var upper [8]byte
	if f.letter == 'z' && len(s) <= len(upper) {
		if full, ok := zoneAbbreviations[string(appendUpper(upper[:0], s))]; ok {
			return full
		}
	}
	return s
}

func (f *timeField) parseZone(t *parsedTime, s []byte) ([]byte, bool) {
	n := f.zoneLength(s)
	if sec, ok := parseOffset(s[:n]); ok {
		t.offset, t.hasOffset = int64(sec)*vector.MsSecond, true
		return s[n:], true
	}
	if n == 0 {
		return s, false
	}
	loc, err := t.zones.get(f.zoneName(s[:n]))
	if err != nil {
		return s, false
	}
	t.zone = loc
	return s[n:], true
}

// check completes the fields that depend on others.
func (t *parsedTime) check(text []byte) error {
	if t.hour12 >= 0 {
		t.hour = t.hour12 + 12*max(t.half, 0)
	}
	if t.bc {
		t.year = 1 - t.year
	}
	last := vector.MonthDays(t.year, t.month)
	switch {
	case t.day > last && t.smart:
		t.day = last
	case t.day > last:
		return fail(CodeBadValue, fmt.Sprintf("%q: month %d has %d days", clip(text), t.month, last))
	}
	return nil
}

func (t *parsedTime) days() int64 {
	if t.yearDay > 0 {
		return vector.CivilDays(t.year, 1, 1) + int64(t.yearDay) - 1
	}
	return vector.CivilDays(t.year, t.month, t.day)
}

func (t *parsedTime) clock() int64 {
	if t.dayMs >= 0 {
		return t.dayMs
	}
	return int64(t.hour)*vector.MsHour + int64(t.min)*vector.MsMinute + int64(t.sec)*vector.MsSecond + int64(t.ms)
}

// millis returns ms since the epoch; loc is the zone of a text that names none.
func (t *parsedTime) millis(loc *time.Location) int64 {
	local := t.days()*vector.MsDay + t.clock()
	switch {
	case t.hasEpoch:
		return t.epoch*vector.MsSecond + int64(t.ms)
	case t.hasOffset:
		return local - t.offset
	}
	if t.zone != nil {
		loc = t.zone
	}
	return fromLocal(local, loc)
}
