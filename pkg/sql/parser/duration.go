package parser

import (
	"math"
	"strconv"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// unit is one row of the table of time units.
type unit struct {
	short string
	word  string // singular, upper case
	ns    int64
}

const nsPerMs = 1_000_000

var units = []unit{
	{"ns", "NANOSECOND", 1},
	{"us", "MICROSECOND", 1000},
	{"ms", "MILLISECOND", nsPerMs},
	{"s", "SECOND", 1000 * nsPerMs},
	{"m", "MINUTE", 60_000 * nsPerMs},
	{"h", "HOUR", 3_600_000 * nsPerMs},
	{"d", "DAY", 86_400_000 * nsPerMs},
	{"w", "WEEK", 7 * 86_400_000 * nsPerMs},
}

// calendarUnits have no fixed length.
var calendarUnits = []string{"MONTH", "QUARTER", "YEAR"}

func unitOf(name string) *unit {
	for i := range units {
		u := &units[i]
		if strings.EqualFold(name, u.short) || strings.EqualFold(name, u.word) || strings.EqualFold(name, u.word+"S") {
			return u
		}
	}
	return nil
}

// parseShort reads 15m, 1799500ms, 1.5h. ok is false where the text is no such thing.
func parseShort(text string) (number string, u *unit, ok bool) {
	i := 0
	for i < len(text) && (isDigit(text[i]) || text[i] == '.') {
		i++
	}
	if i == 0 || i == len(text) {
		return "", nil, false
	}
	u = unitOf(text[i:])
	return text[:i], u, u != nil
}

// startsDuration reports whether a duration may start at t.
func (p *parser) startsDuration(t *token) bool {
	switch t.kind {
	case digitWord:
		_, _, ok := parseShort(t.text)
		return ok
	case integer, decimal, str:
		return true
	default:
		return t.is("INTERVAL")
	}
}

// duration reads 5m, 5 MINUTES, '5m', '5 minutes' or INTERVAL '5' MINUTE and returns milliseconds.
func (p *parser) duration(where string) int64 {
	p.expecting(wantDuration)
	if p.failed {
		return 0
	}
	p.accept("INTERVAL")
	from := p.pos
	t := p.tok()
	if t.is("-") || t.is("+") {
		p.failAt(t.at, "a duration has no sign").hint("write 5m or 5 MINUTES")
		return 0
	}
	if !p.startsDuration(t) || t.is("INTERVAL") {
		if t.kind == digitWord {
			p.badUnit(t)
			return 0
		}
		p.unexpected("a duration " + where)
		if p.failed && len(p.errs) > 0 && p.errs[len(p.errs)-1].Hint == "" {
			setHint(p.errs[len(p.errs)-1], "write 5m, 30s, 1h or 5 MINUTES")
		}
		return 0
	}
	return p.durationValue(from)
}

func (p *parser) badUnit(t *token) {
	p.failAt(t.at, "%q is no duration", clip(t.text)).
		hint("a number and a unit: ns, us, ms, s, m, h, d, w (5m is five minutes)")
}

// durationValue reads the number and the unit at the present token.
func (p *parser) durationValue(from int) int64 {
	t := p.advance()
	number, u, short := t.text, (*unit)(nil), false
	switch t.kind {
	case digitWord:
		number, u, short = parseShort(t.text)
	case str:
		number = strings.TrimSpace(t.text)
		if n, su, ok := parseShort(strings.ReplaceAll(number, " ", "")); ok {
			number, u, short = n, su, true
		}
	default:
	}
	if !short {
		u = p.unitWord()
	}
	if u == nil {
		return 0
	}
	at := p.since(from)
	ms, ok := toMs(number, u)
	if !ok {
		p.badNumber(at, number, u)
	}
	return ms
}

// unitWord reads SECONDS and the like.
func (p *parser) unitWord() *unit {
	t := p.tok()
	for _, u := range units[2:] {
		p.expecting(u.word + "S")
	}
	if t.kind == word {
		if u := unitOf(t.text); u != nil {
			p.advance()
			return u
		}
		for _, c := range calendarUnits {
			if strings.EqualFold(t.text, c) || strings.EqualFold(t.text, c+"S") {
				p.fail(sqlerr.New(sqlerr.NotSupported, t.at, "an interval in %s is not supported", upper(t)).
					WithHint("a month has no fixed length; write 30 DAYS, or use TIMESTAMPADD"))
				return nil
			}
		}
	}
	if t.kind == eof || !t.is(")") && !t.is(",") {
		p.unexpected("a unit (SECONDS, MINUTES, HOURS, DAYS) after " + p.last().found())
		return nil
	}
	n := clip(p.last().text)
	p.notSupported(p.last().at, "a duration without a unit is not supported").
		hint("write %ss for seconds, %sm for minutes", n, n)
	return unitOf("s")
}

func (p *parser) badNumber(at ast.Span, number string, u *unit) {
	if _, err := strconv.ParseFloat(number, 64); err != nil {
		p.failAt(at, "%q is no number of %sS", clip(number), u.word)
		return
	}
	if u.ns < nsPerMs {
		p.failAt(at, "%s %sS is no whole number of milliseconds", clip(number), u.word).
			hint("the smallest step of time is 1 ms")
		return
	}
	p.failAt(at, "%s %sS is no whole number of milliseconds, or too long", clip(number), u.word)
}

// toMs is exact: a number of units that is no whole number of ms, or too large, is refused.
func toMs(number string, u *unit) (int64, bool) {
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(number, "-"), ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || len(fraction) > 9 {
		return 0, false
	}
	if n > math.MaxInt64/max(u.ns/nsPerMs, 1) {
		return 0, false
	}
	sum := n * (u.ns / nsPerMs)
	if u.ns < nsPerMs {
		if n%(nsPerMs/u.ns) != 0 || fraction != "" {
			return 0, false
		}
		sum = n / (nsPerMs / u.ns)
	}
	scale := u.ns
	var part int64
	for _, c := range fraction {
		if c < '0' || c > '9' || scale%10 != 0 {
			return 0, false
		}
		scale /= 10
		part += int64(c-'0') * scale
	}
	if part%nsPerMs != 0 || sum > math.MaxInt64-part/nsPerMs {
		return 0, false
	}
	sum += part / nsPerMs
	if strings.HasPrefix(number, "-") {
		sum = -sum
	}
	return sum, true
}

func upper(t *token) string { return strings.ToUpper(t.text) }
