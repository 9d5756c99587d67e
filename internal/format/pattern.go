package format

import (
	"fmt"
	"strings"
	"time"
)

// Pattern is a compiled pattern of Java's DateTimeFormatter, for reading: y u M d D H h m s S n a E X x Z z V, quoted
// text, and MMM, MMMM, EEE, EEEE in English.
type Pattern struct {
	parts []patternPart
}

type patternPart struct {
	letter byte // 0: literal
	width  int
	text   string
}

// ParsePattern compiles a pattern.
func ParsePattern(s string) (*Pattern, error) {
	p := &Pattern{}
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '\'':
			text, end, err := quotedText(s, i)
			if err != nil {
				return nil, err
			}
			p.parts = append(p.parts, patternPart{text: text})
			i = end
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			n := 1
			for i+n < len(s) && s[i+n] == c {
				n++
			}
			if !strings.ContainsRune("yuMLdDHhKkmsSnaEXxZzVO", rune(c)) {
				return nil, fmt.Errorf("letter %q has no meaning here", c)
			}
			p.parts = append(p.parts, patternPart{letter: c, width: n})
			i += n
		default:
			p.parts = append(p.parts, patternPart{text: s[i : i+1]})
			i++
		}
	}
	return p, nil
}

// quotedText reads the quoted text at s[i]; a doubled quote is one quote.
func quotedText(s string, i int) (text string, end int, err error) {
	if i+1 < len(s) && s[i+1] == '\'' {
		return "'", i + 2, nil
	}
	for k := i + 1; k < len(s); k++ {
		if s[k] != '\'' {
			continue
		}
		if k+1 < len(s) && s[k+1] == '\'' {
			k++
			continue
		}
		return strings.ReplaceAll(s[i+1:k], "''", "'"), k + 1, nil
	}
	return "", 0, fmt.Errorf("the quote at %d is not closed", i)
}

// fieldsOf is what a text says about a moment.
type fieldsOf struct {
	year, month, day, yearDay int
	hour, minute, second      int
	ms                        int64 // below a second, or of the day by n
	zone                      int64 // ms to subtract
	pm, half                  bool
	location                  *time.Location
}

// Parse reads s as ms since the epoch; UTC without a zone.
func (p *Pattern) Parse(s []byte) (ms int64, ok bool) {
	f := fieldsOf{year: 1970, month: 1, day: 1}
	at := 0
	for i, part := range p.parts {
		if part.letter == 0 {
			if at+len(part.text) > len(s) || string(s[at:at+len(part.text)]) != part.text {
				return 0, false
			}
			at += len(part.text)
			continue
		}
		// A field of one letter takes as many digits as there are, unless digits of the next field follow at once.
		adjacent := i+1 < len(p.parts) && p.parts[i+1].letter != 0
		if at = f.field(part, s, at, adjacent); at < 0 {
			return 0, false
		}
	}
	if at != len(s) {
		return 0, false
	}
	return f.millis()
}

func (f *fieldsOf) field(part patternPart, s []byte, at int, adjacent bool) int {
	switch part.letter {
	case 'M', 'L', 'E':
		if part.letter == 'E' || part.width >= 3 {
			return f.name(part, s, at)
		}
	case 'a':
		return f.halfDay(s, at)
	case 'X', 'x', 'Z', 'O':
		zone, end := scanZone(s, at)
		if end < 0 { // a zone before other text is at most six characters
			return -1
		}
		f.zone = zone
		return end
	case 'z', 'V':
		return f.zoneName(s, at)
	case 'S':
		return f.fraction(s, at, part.width)
	}
	least, most := part.width, part.width
	if !adjacent || part.width == 1 {
		most = 9
	}
	v, n := 0, 0
	for n < most && at+n < len(s) && s[at+n]-'0' <= 9 {
		v = v*10 + int(s[at+n]-'0')
		n++
	}
	if n < least || n == 0 || !f.set(part, v) {
		return -1
	}
	return at + n
}

func (f *fieldsOf) set(part patternPart, v int) bool {
	switch part.letter {
	case 'y', 'u':
		f.year = v
		if part.width == 2 {
			f.year = 2000 + v
		}
	case 'M', 'L':
		f.month = v
	case 'd':
		f.day = v
	case 'D':
		f.yearDay = v
		return v >= 1 && v <= 366
	case 'H', 'k':
		f.hour = v % 24
		return v <= 24
	case 'h', 'K':
		f.hour, f.half = v%12, true
		return v <= 12
	case 'm':
		f.minute = v
		return v <= 59
	case 's':
		f.second = v
		return v <= 59
	case 'n':
		f.ms = int64(v) / 1_000_000
	}
	return true
}

func (f *fieldsOf) fraction(s []byte, at, width int) int {
	unit := int64(100)
	n := 0
	for n < width && at+n < len(s) && s[at+n]-'0' <= 9 {
		f.ms += unit * int64(s[at+n]-'0')
		unit /= 10
		n++
	}
	if n != width {
		return -1
	}
	return at + n
}

func (f *fieldsOf) halfDay(s []byte, at int) int {
	if at+2 > len(s) {
		return -1
	}
	switch strings.ToUpper(string(s[at : at+2])) {
	case "AM":
	case "PM":
		f.pm = true
	default:
		return -1
	}
	return at + 2
}

func (f *fieldsOf) name(part patternPart, s []byte, at int) int {
	count := 12
	if part.letter == 'E' {
		count = 7
	}
	for i := range count {
		name := time.Month(i + 1).String()
		if part.letter == 'E' {
			name = time.Weekday(i).String()
		}
		if part.width <= 3 {
			name = name[:3]
		}
		if at+len(name) <= len(s) && strings.EqualFold(string(s[at:at+len(name)]), name) {
			if part.letter != 'E' {
				f.month = i + 1
			}
			return at + len(name)
		}
	}
	return -1
}

func (f *fieldsOf) zoneName(s []byte, at int) int {
	end := at
	for end < len(s) && s[end] != ' ' && s[end] != ']' && s[end] != ')' {
		end++
	}
	if at == end {
		return -1
	}
	if zone, stop := scanZone(s[:end], at); stop == end {
		f.zone = zone
		return end
	}
	loc, err := time.LoadLocation(string(s[at:end]))
	if err != nil || string(s[at:end]) == "Local" {
		return -1
	}
	f.location = loc
	return end
}

func (f *fieldsOf) millis() (int64, bool) {
	if f.pm {
		f.hour += 12
	}
	var days int64
	switch {
	case f.yearDay > 0:
		days = daysOf(f.year, 1, 1) + int64(f.yearDay-1)
	case validDate(f.year, f.month, f.day):
		days = daysOf(f.year, f.month, f.day)
	default:
		return 0, false
	}
	ms := days*msDay + int64(f.hour)*msHour + int64(f.minute)*msMinute + int64(f.second)*msSecond + f.ms
	if f.location != nil {
		_, offset := time.UnixMilli(ms).In(f.location).Zone()
		guess := ms - int64(offset)*msSecond
		_, offset = time.UnixMilli(guess).In(f.location).Zone()
		return ms - int64(offset)*msSecond, true
	}
	return ms - f.zone, true
}
