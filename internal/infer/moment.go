package infer

import "time"

// moments are the forms of a date and time that every column of type TIMESTAMP reads.
var moments = []string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04:05Z07:00",
	"2006-01-02T15:04:05-0700", "2006-01-02 15:04:05-0700", "2006-01-02T15:04:05-07", "2006-01-02 15:04:05-07",
	"2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02T15:04Z07:00", "2006-01-02 15:04Z07:00",
}

// isMoment tells an ISO date with a time. A date alone is text.
func isMoment(s []byte) bool {
	if len(s) < len("2006-01-02T15:04") || len(s) > len("2006-01-02T15:04:05.999999999+07:00") ||
		s[4] != '-' || s[13] != ':' {
		return false
	}
	for _, form := range moments {
		if _, err := time.Parse(form, string(s)); err == nil {
			return true
		}
	}
	return false
}
