package expr

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // zones are part of the binary: a server without them gives the same results

	"github.com/leatsql/leat/pkg/sql/vector"
)

// loadZone finds an IANA zone, or one written as an offset: Z, UTC, GMT, +01, +0100, +01:00, UTC+1.
func loadZone(name string) (*time.Location, error) {
	upper := strings.ToUpper(name)
	if upper == "Z" || upper == "UTC" || upper == "GMT" || upper == "ETC/UTC" {
		return time.UTC, nil
	}
	offset := strings.TrimPrefix(strings.TrimPrefix(upper, "UTC"), "GMT")
	if sec, ok := parseOffset([]byte(offset)); ok {
		return time.FixedZone(name, sec), nil
	}
	if name == "" || name == "Local" {
		return nil, fail(CodeBadArgument, fmt.Sprintf("no time zone %q", name))
	}
	loc, err := time.LoadLocation(name)
	if full, ok := zoneAbbreviations[upper]; ok && err != nil {
		loc, err = time.LoadLocation(string(full))
	}
	if err != nil {
		return nil, fail(CodeBadArgument, fmt.Sprintf("no time zone %q", name))
	}
	return loc, nil
}

// zoneAbbreviations are the zones that the short names of z are read as. Some names are used in several parts of the
// world: these are the readings of Java for English.
var zoneAbbreviations = map[string][]byte{
	"PST": []byte("America/Los_Angeles"), "PDT": []byte("America/Los_Angeles"),
	"PT": []byte("America/Los_Angeles"), "MST": []byte("America/Denver"),
	"MDT": []byte("America/Denver"), "CST": []byte("America/Chicago"),
	"CDT": []byte("America/Chicago"), "EST": []byte("America/New_York"),
	"EDT": []byte("America/New_York"), "AKST": []byte("America/Anchorage"),
	"AKDT": []byte("America/Anchorage"), "HST": []byte("Pacific/Honolulu"),
	"BST": []byte("Europe/London"), "WET": []byte("Europe/Lisbon"),
	"WEST": []byte("Europe/Lisbon"), "CET": []byte("Europe/Paris"),
	"CEST": []byte("Europe/Paris"), "EET": []byte("Europe/Bucharest"),
	"EEST": []byte("Europe/Bucharest"), "MSK": []byte("Europe/Moscow"),
	"IST": []byte("Asia/Kolkata"), "JST": []byte("Asia/Tokyo"),
	"KST": []byte("Asia/Seoul"), "HKT": []byte("Asia/Hong_Kong"),
	"SGT": []byte("Asia/Singapore"), "AEST": []byte("Australia/Sydney"),
	"AEDT": []byte("Australia/Sydney"), "NZST": []byte("Pacific/Auckland"),
	"NZDT": []byte("Pacific/Auckland"),
}

// parseOffset reads +h, +hh, +hhmm, +hh:mm and +hh:mm:ss.
func parseOffset(s []byte) (seconds int, ok bool) {
	if len(s) < 2 || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	sign := s[0]
	if s = s[1:]; len(s) == 1 && s[0]-'0' <= 9 {
		s = []byte{'0', s[0]}
	}
	for unit := 3600; len(s) > 0; unit /= 60 {
		if len(s) < 2 || unit == 0 || s[0]-'0' > 9 || s[1]-'0' > 9 {
			return 0, false
		}
		seconds += (int(s[0]-'0')*10 + int(s[1]-'0')) * unit
		if s = s[2:]; len(s) > 1 && s[0] == ':' {
			s = s[1:]
		}
	}
	if seconds > 18*3600 {
		return 0, false
	}
	if sign == '-' {
		seconds = -seconds
	}
	return seconds, true
}

// fromLocal turns ms of local time into ms since the epoch. A local time that a change of the clock leaves out is taken
// with the offset before the change, one that comes twice with the first offset.
func fromLocal(local int64, loc *time.Location) int64 {
	if loc == nil || loc == time.UTC {
		return local
	}
	offset := func(ms int64) int64 {
		_, sec := time.UnixMilli(ms).In(loc).Zone()
		return int64(sec) * vector.MsSecond
	}
	before := offset(local - vector.MsDay)
	if utc := local - before; offset(utc) == before {
		return utc
	}
	after := offset(local + vector.MsDay)
	if utc := local - after; offset(utc) == after {
		return utc
	}
	return local - before
}

// zoneCache keeps the zones of one call; a column of zones has few.
type zoneCache struct {
	last  []byte
	loc   *time.Location
	known map[string]*time.Location
}

// maxZones bounds the zones that are kept.
const maxZones = 1024

func (z *zoneCache) get(name []byte) (*time.Location, error) {
	if z.loc != nil && bytes.Equal(z.last, name) {
		return z.loc, nil
	}
	loc, ok := z.known[string(name)]
	if !ok {
		var err error
		if loc, err = loadZone(string(name)); err != nil {
			return nil, err
		}
		if z.known == nil || len(z.known) >= maxZones {
			z.known = map[string]*time.Location{}
		}
		z.known[string(name)] = loc
	}
	z.last, z.loc = append(z.last[:0], name...), loc
	return loc, nil
}
