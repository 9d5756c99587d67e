package format

// Milliseconds of the units of time.
const (
	msSecond = 1000
	msMinute = 60 * msSecond
	msHour   = 60 * msMinute
	msDay    = 24 * msHour
)

// daysOf returns the days from 1970-01-01 to a date of the Gregorian calendar.
func daysOf(year, month, day int) int64 {
	y := int64(year)
	if month <= 2 {
		y--
	}
	era := y / 400
	if y < 0 {
		era = (y - 399) / 400
	}
	yoe := y - era*400
	mp := int64(month+9) % 12 // March is 0
	doy := (153*mp+2)/5 + int64(day) - 1
	return era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468
}

var monthDays = [13]int{0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

func validDate(year, month, day int) bool {
	if month < 1 || month > 12 || day < 1 || day > monthDays[month] {
		return false
	}
	return month != 2 || day < 29 || year%4 == 0 && (year%100 != 0 || year%400 == 0)
}

// two reads two digits at p; -1 when they are not there.
func two(s []byte, p int) int {
	if p+2 > len(s) || s[p]-'0' > 9 || s[p+1]-'0' > 9 {
		return -1
	}
	return int(s[p]-'0')*10 + int(s[p+1]-'0')
}

// scanDate reads YYYY-MM-DD at the front of s.
func scanDate(s []byte) (days int64, ok bool) {
	if len(s) < 10 || s[4] != '-' || s[7] != '-' {
		return 0, false
	}
	c, y, m, d := two(s, 0), two(s, 2), two(s, 5), two(s, 8)
	if c < 0 || y < 0 || !validDate(c*100+y, m, d) {
		return 0, false
	}
	return daysOf(c*100+y, m, d), true
}

// scanClock reads hh:mm[:ss[.fraction]] at p as ms of the day, cut to ms; end is behind it, -1 when there is none.
func scanClock(s []byte, p int) (ms int64, end int) {
	h, m := two(s, p), two(s, p+3)
	if h < 0 || h > 23 || m < 0 || m > 59 || s[p+2] != ':' {
		return 0, -1
	}
	ms = int64(h)*msHour + int64(m)*msMinute
	p += 5
	if p >= len(s) || s[p] != ':' {
		return ms, p
	}
	sec := two(s, p+1)
	if sec < 0 || sec > 59 {
		return 0, -1
	}
	ms += int64(sec) * msSecond
	p += 3
	if p >= len(s) || s[p] != '.' && s[p] != ',' {
		return ms, p
	}
	unit := int64(100)
	first := p + 1
	for p = first; p < len(s) && s[p]-'0' <= 9; p++ {
		ms += unit * int64(s[p]-'0')
		unit /= 10
	}
	if p == first || p-first > 9 {
		return 0, -1
	}
	return ms, p
}

// scanZone reads Z, +hh, +hhmm or +hh:mm at p as ms to subtract; end is behind it, -1 when there is none.
func scanZone(s []byte, p int) (ms int64, end int) {
	if p >= len(s) {
		return 0, -1
	}
	if s[p]|0x20 == 'z' {
		return 0, p + 1
	}
	if s[p] != '+' && s[p] != '-' {
		return 0, -1
	}
	h, m, end := two(s, p+1), 0, p+3
	if end < len(s) {
		colon := 0
		if s[end] == ':' {
			colon = 1
		}
		m = two(s, end+colon)
		end += colon + 2
	}
	if h < 0 || h > 18 || m < 0 || m > 59 {
		return 0, -1
	}
	ms = int64(h)*msHour + int64(m)*msMinute
	if s[p] == '-' {
		ms = -ms
	}
	return ms, end
}

// parseTimestamp reads an ISO date and time (T or a space between, fraction and zone optional; a date alone is its
// midnight) or a number of ms. Without a zone it is UTC.
func parseTimestamp(s []byte) (int64, bool) {
	days, ok := scanDate(s)
	if !ok {
		v, st := parseInt(s)
		return v, st == isNumber
	}
	if len(s) == 10 {
		return days * msDay, true
	}
	if s[10] != 'T' && s[10] != ' ' && s[10] != 't' {
		return 0, false
	}
	ms, p := scanClock(s, 11)
	if p < 0 {
		return 0, false
	}
	ms += days * msDay
	if p < len(s) && s[p] == ' ' && p+1 < len(s) {
		p++
	}
	if p < len(s) {
		zone, end := scanZone(s, p)
		if end != len(s) {
			return 0, false
		}
		ms -= zone
	}
	return ms, true
}

// parseDate reads YYYY-MM-DD or a number of days.
func parseDate(s []byte) (int64, bool) {
	if days, ok := scanDate(s); ok {
		return days, len(s) == 10
	}
	v, st := parseInt(s)
	return v, st == isNumber
}

// parseTime reads hh:mm[:ss[.fraction]] or a number of ms of the day.
func parseTime(s []byte) (int64, bool) {
	if len(s) > 2 && s[2] == ':' {
		ms, end := scanClock(s, 0)
		return ms, end == len(s)
	}
	v, st := parseInt(s)
	return v, st == isNumber && v >= 0 && v < msDay
}
