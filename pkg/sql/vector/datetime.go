package vector

import "strconv"

// Lengths in milliseconds.
const (
	MsSecond = 1000
	MsMinute = 60 * MsSecond
	MsHour   = 60 * MsMinute
	MsDay    = 24 * MsHour
)

// CivilDays returns the days since 1970-01-01 of a date in the proleptic Gregorian calendar.
func CivilDays(year int64, month, day int) int64 {
	if month <= 2 {
		year--
	}
	era := floorDiv(year, 400)
	yoe := year - era*400
	m := int64(month+9) % 12
	doy := (153*m+2)/5 + int64(day) - 1
	return era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468
}

// Civil returns the date of a count of days since 1970-01-01.
func Civil(days int64) (year int64, month, day int) {
	days += 719468
	era := floorDiv(days, 146097)
	doe := days - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day = int(doy - (153*mp+2)/5 + 1)
	month = int(mp+2)%12 + 1
	year = yoe + era*400
	if month <= 2 {
		year++
	}
	return year, month, day
}

// FloorDiv divides rounding towards minus infinity; FloorMod is what is left, never negative. b > 0.
func FloorDiv(a, b int64) int64 { return floorDiv(a, b) }

// FloorMod returns a - FloorDiv(a, b)*b.
func FloorMod(a, b int64) int64 { return a - floorDiv(a, b)*b }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// MonthDays returns the number of days of a month (1..12).
func MonthDays(year int64, month int) int {
	switch {
	case month != 2:
		return 30 + (month+month>>3)&1
	case year%4 == 0 && (year%100 != 0 || year%400 == 0):
		return 29
	default:
		return 28
	}
}

// AppendDate appends days since the epoch as 2020-01-31; years outside 0..9999 carry a sign.
func AppendDate(dst []byte, days int64) []byte {
	y, m, d := Civil(days)
	if y < 0 || y > 9999 {
		if y < 0 {
			dst, y = append(dst, '-'), -y
		} else {
			dst = append(dst, '+')
		}
		if y > 9999 {
			dst = strconv.AppendInt(dst, y, 10)
		} else {
			dst = appendPadded(dst, uint64(y), 4)
		}
	} else {
		dst = append(dst, byte('0'+y/1000), byte('0'+y/100%10), byte('0'+y/10%10), byte('0'+y%10))
	}
	return append(dst, '-', byte('0'+m/10), byte('0'+m%10), '-', byte('0'+d/10), byte('0'+d%10))
}

// AppendTime appends ms of the day as 12:34:56, with .123 when there are milliseconds.
func AppendTime(dst []byte, ms int64) []byte {
	dst = appendClock(dst, ms)
	if f := FloorMod(ms, MsSecond); f != 0 {
		dst = append(dst, '.', byte('0'+f/100), byte('0'+f/10%10), byte('0'+f%10))
	}
	return dst
}

func appendClock(dst []byte, ms int64) []byte {
	s := FloorMod(ms, MsDay) / MsSecond
	h, m := s/3600, s/60%60
	s %= 60
	return append(dst, byte('0'+h/10), byte('0'+h%10), ':', byte('0'+m/10), byte('0'+m%10), ':',
		byte('0'+s/10), byte('0'+s%10))
}

// AppendTimestamp appends ms since the epoch as 2020-01-31T12:34:56.789Z.
func AppendTimestamp(dst []byte, ms int64) []byte {
	dst = append(AppendDate(dst, floorDiv(ms, MsDay)), 'T')
	dst = appendClock(dst, ms)
	f := FloorMod(ms, MsSecond)
	return append(dst, '.', byte('0'+f/100), byte('0'+f/10%10), byte('0'+f%10), 'Z')
}

// AppendInterval appends ms in the largest unit that holds them exactly: 15m, 90s, 1d, 250ms.
func AppendInterval(dst []byte, ms int64) []byte {
	for _, u := range [...]struct {
		ms   int64
		name string
	}{{MsDay, "d"}, {MsHour, "h"}, {MsMinute, "m"}, {MsSecond, "s"}} {
		if ms != 0 && ms%u.ms == 0 {
			return append(strconv.AppendInt(dst, ms/u.ms, 10), u.name...)
		}
	}
	return append(strconv.AppendInt(dst, ms, 10), "ms"...)
}
