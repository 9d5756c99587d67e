package telemetry

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"

	"github.com/hashicorp/go-hclog"
)

const timeLayout = "2006-01-02T15:04:05.000Z07:00"

// levelNames are the names of the log structure.
var levelNames = map[hclog.Level]string{
	hclog.Trace: "TRACE", hclog.Debug: "DEBUG", hclog.Info: "INFO", hclog.Warn: "WARN", hclog.Error: "ERROR",
}

// appendJSON appends r as one line of JSON.
func appendJSON(dst []byte, r *Record) []byte {
	dst = append(dst, `{"timestamp":"`...)
	dst = r.Time.UTC().AppendFormat(dst, timeLayout)
	dst = append(dst, `","level":"`...)
	dst = append(dst, levelNames[r.Level]...)
	dst = append(dst, `","message":`...)
	dst = appendValue(dst, r.Message)
	for _, key := range topLevel {
		for _, f := range r.Top {
			if f.Key == key {
				dst = append(dst, ',')
				dst = appendPair(dst, f)
			}
		}
	}
	dst = appendObject(dst, "metrics", r.Metrics)
	dst = appendObject(dst, "context", r.Context)
	return append(dst, "}\n"...)
}

func appendObject(dst []byte, name string, fields []Field) []byte {
	if len(fields) == 0 {
		return dst
	}
	dst = append(dst, `,"`...)
	dst = append(dst, name...)
	dst = append(dst, `":{`...)
	for i, f := range fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendPair(dst, f)
	}
	return append(dst, '}')
}

func appendPair(dst []byte, f Field) []byte {
	dst = appendValue(dst, f.Key)
	dst = append(dst, ':')
	return appendValue(dst, f.Value)
}

// appendValue appends a value of the forms that value() makes.
func appendValue(dst []byte, v any) []byte {
	switch n := v.(type) {
	case float64:
		if math.IsNaN(n) || math.IsInf(n, 0) {
			v = strconv.FormatFloat(n, 'g', -1, 64)
		}
	case float32:
		if f := float64(n); math.IsNaN(f) || math.IsInf(f, 0) {
			v = strconv.FormatFloat(f, 'g', -1, 32)
		}
	}
	text, err := json.Marshal(v)
	if err != nil {
		return strconv.AppendQuote(dst, err.Error())
	}
	return append(dst, text...)
}

// appendText appends r as one line for people: time, level, component, message, key=value.
func appendText(dst []byte, r *Record) []byte {
	dst = r.Time.AppendFormat(dst, "15:04:05.000")
	dst = append(dst, ' ')
	dst = append(dst, fmt.Sprintf("%-5s ", levelNames[r.Level])...)
	if c := r.text("component"); c != "" {
		dst = append(append(dst, plain(c)...), ": "...)
	}
	dst = append(dst, plain(r.Message)...)
	for _, f := range r.Top {
		if f.Key != "component" && f.Key != "processor_id" {
			dst = appendKeyValue(dst, f)
		}
	}
	for _, group := range [][]Field{r.Metrics, r.Context} {
		for _, f := range group {
			dst = appendKeyValue(dst, f)
		}
	}
	return append(dst, '\n')
}

func appendKeyValue(dst []byte, f Field) []byte {
	dst = append(dst, ' ')
	dst = append(dst, plain(f.Key)...)
	dst = append(dst, '=')
	text := fmt.Sprint(f.Value)
	if text == "" || strings.ContainsFunc(text, needsQuote) {
		return strconv.AppendQuote(dst, text)
	}
	return append(dst, text...)
}

func needsQuote(c rune) bool {
	return c == ' ' || c == '"' || c == '=' || c == unicode.ReplacementChar || !unicode.IsPrint(c)
}

// plain returns s with what could forge a line or drive a terminal escaped.
func plain(s string) string {
	if !strings.ContainsFunc(s, func(c rune) bool { return c == unicode.ReplacementChar || !unicode.IsPrint(c) }) {
		return s
	}
	quoted := strconv.Quote(s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}
