package vector

import "strconv"

// isoText reads ISO 8601 from left to right.
type isoText struct {
	s []byte
}

// number takes exactly n digits.
func (t *isoText) number(n int) (int, bool) {
	if len(t.s) < n {
		return 0, false
	}
	v := 0
	for _, c := range t.s[:n] {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int(c-'0')
	}
	t.s = t.s[n:]
	return v, true
}

// take removes c from the front if it is there.
func (t *isoText) take(c byte) bool {
	if len(t.s) == 0 || t.s[0] != c {
		return false
	}
	t.s = t.s[1:]
	return true
}

// year takes four digits, or a sign and at most nine.
func (t *isoText) year() (int64, bool) {
	neg := t.take('-')
	if !neg && !t.take('+') {
		y, ok := t.number(4)
		return int64(y), ok
	}
	n := 0
	for n < len(t.s) && n < 9 && t.s[n] >= '0' && t.s[n] <= '9' {
		n++
	}
	y, ok := t.number(n)
	if neg {
		y = -y
	}
	return int64(y), ok && n >= 4
}

// maxDays after and before the epoch, about the year 99,999,999, ends what has a text.
const maxDays = 36_523_530_107

// inYears refuses a count of units since the epoch that is beyond maxDays; perDay are the units of a day.
func inYears(n, perDay int64) (int64, error) {
	if days := floorDiv(n, perDay); days < -maxDays || days > maxDays {
		return 0, ErrRange
	}
	return n, nil
}

// date takes yyyy[-mm[-dd]]; month and day may have one digit.
func (t *isoText) date() (int64, bool) {
	y, ok := t.year()
	if !ok {
		return 0, false
	}
	m, d := 1, 1
	if t.take('-') {
		if m, ok = t.oneOrTwo(); !ok || m < 1 || m > 12 {
			return 0, false
		}
		if t.take('-') {
			if d, ok = t.oneOrTwo(); !ok || d < 1 || d > MonthDays(y, m) {
				return 0, false
			}
		}
	}
	days := CivilDays(y, m, d)
	return days, days >= -maxDays && days <= maxDays
}

func (t *isoText) oneOrTwo() (int, bool) {
	if len(t.s) > 1 && t.s[1] >= '0' && t.s[1] <= '9' {
		return t.number(2)
	}
	return t.number(1)
}

// clock takes hh[:mm[:ss[.fraction]]] as ms of the day; digits of the fraction after the third are cut.
func (t *isoText) clock() (int64, bool) {
	h, ok := t.oneOrTwo()
	if !ok || h > 23 {
		return 0, false
	}
	m, s := 0, 0
	if t.take(':') {
		if m, ok = t.number(2); !ok || m > 59 {
			return 0, false
		}
		if t.take(':') {
			if s, ok = t.number(2); !ok || s > 59 {
				return 0, false
			}
		}
	}
	ms := int64(h)*MsHour + int64(m)*MsMinute + int64(s)*MsSecond
	if t.take('.') || t.take(',') {
		f, n := 0, 0
		for n < len(t.s) && t.s[n] >= '0' && t.s[n] <= '9' {
			if n < 3 {
				f = f*10 + int(t.s[n]-'0')
			}
			n++
		}
		if n == 0 || n > 9 {
			return 0, false
		}
		for range 3 - min(n, 3) {
			f *= 10
		}
		t.s = t.s[n:]
		ms += int64(f)
	}
	return ms, true
}

// zone takes nothing, Z, or an offset +hh, +hhmm, +hh:mm; it returns the offset in ms.
func (t *isoText) zone() (int64, bool) {
	t.take(' ')
	if len(t.s) == 0 || t.take('Z') || t.take('z') {
		return 0, true
	}
	if string(t.s) == "UTC" || string(t.s) == "GMT" {
		t.s = nil
		return 0, true
	}
	neg := t.take('-')
	if !neg && !t.take('+') {
		return 0, false
	}
	h, ok := t.number(2)
	m := 0
	if ok && len(t.s) > 0 {
		t.take(':')
		m, ok = t.number(2)
	}
	if !ok || h > 18 || m > 59 {
		return 0, false
	}
	off := int64(h)*MsHour + int64(m)*MsMinute
	if neg {
		off = -off
	}
	return off, true
}

// ParseTimestamp reads an ISO date and time (parts from the right may be missing: 2020, 2020-01-31T10), T or a space
// between them, with a zone (converted to UTC) or without (UTC). Five or more digits are epoch milliseconds.
func ParseTimestamp(text []byte) (ms int64, err error) {
	text = trimSpace(text)
	if n, ok := plainInt(text, 5); ok {
		return inYears(n, MsDay)
	}
	t := isoText{s: text}
	days, ok := t.date()
	if !ok {
		return 0, ErrSyntax
	}
	ms = days * MsDay
	if t.take('T') || t.take('t') || t.take(' ') {
		if len(t.s) == 0 {
			return ms, nil
		}
		clock, ok := t.clock()
		if !ok {
			return 0, ErrSyntax
		}
		ms += clock
	}
	off, ok := t.zone()
	if !ok || len(t.s) != 0 {
		return 0, ErrSyntax
	}
	return ms - off, nil
}

// ParseDate reads an ISO date (2020, 2020-01 and 2020-01-31; a time of day is cut off) into days since the epoch. Five
// or more digits are such days already.
func ParseDate(text []byte) (days int64, err error) {
	text = trimSpace(text)
	if n, ok := plainInt(text, 5); ok {
		return inYears(n, 1)
	}
	t := isoText{s: text}
	if days, ok := t.date(); ok && len(t.s) == 0 {
		return days, nil
	}
	ms, err := ParseTimestamp(text)
	return floorDiv(ms, MsDay), err
}

// ParseTime reads a time of day, 12:34[:56[.789]], into ms of the day. Three or more digits are such ms already.
func ParseTime(text []byte) (ms int64, err error) {
	text = trimSpace(text)
	if n, ok := plainInt(text, 3); ok && n >= 0 && n < MsDay {
		return n, nil
	}
	t := isoText{s: text}
	ms, ok := t.clock()
	if !ok || len(t.s) != 0 {
		return 0, ErrSyntax
	}
	return ms, nil
}

// plainInt reads a number of at least n digits with an optional minus.
func plainInt(text []byte, n int) (int64, bool) {
	digits := text
	if len(digits) > 0 && digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) < n || len(digits) > 19 {
		return 0, false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	v, err := strconv.ParseInt(string(text), 10, 64)
	return v, err == nil
}

func trimSpace(s []byte) []byte {
	for len(s) > 0 && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for len(s) > 0 && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}
