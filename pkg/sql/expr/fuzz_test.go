package expr

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

func hintOf(err error) string {
	if e, ok := errors.AsType[*sqlerr.Error](err); ok {
		return e.Hint
	}
	return ""
}

// FuzzJSON holds the scanner against encoding/json, and what it takes apart against what it read.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,2.5e3,"x\u00e9"],"b":null}`, `[]`, `"\ud83d\ude00"`, `01`, `-0.5`, `{"a":1,}`, "\"\x01\"", ` true `,
		`{"a" : {"b": [ 1 , 2 ] } }`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, s []byte) {
		v, ok := jsonWhole(s)
		if ok != json.Valid(s) {
			if strings.Count(string(s), "[")+strings.Count(string(s), "{") > jsonDepth {
				return // deeper than is read
			}
			t.Fatalf("%q: valid %v", s, ok)
		}
		if !ok {
			return
		}
		if compact := appendCompact(nil, v); !json.Valid(compact) {
			t.Fatalf("%q became %q", s, compact)
		}
		if v[0] == '"' && utf8.Valid(s) {
			var want string
			if err := json.Unmarshal(v, &want); err != nil {
				t.Fatal(err)
			}
			if got := string(appendJSONText(nil, v)); got != want {
				t.Fatalf("%q: got %q, want %q", v, got, want)
			}
		}
	})
}

// FuzzLike holds the matcher against a regular expression.
func FuzzLike(f *testing.F) {
	for _, p := range []string{"%", "a%b_c", "__", "%a%a%", "", "日%", "%_語", "a.b*"} {
		f.Add("aXbYc日本語", p)
	}
	f.Fuzz(func(t *testing.T, s, pattern string) {
		if !utf8.ValidString(s) || !utf8.ValidString(pattern) || len(pattern) > 200 {
			return
		}
		p, err := newLike([]byte(pattern), 0)
		if err != nil {
			t.Fatal(err)
		}
		re := strings.NewReplacer("%", "(?s:.*)", "_", "(?s:.)").Replace(regexp.QuoteMeta(pattern))
		if got, want := p.match([]byte(s)), regexp.MustCompile("^(?:"+re+")$").MatchString(s); got != want {
			t.Fatalf("%q LIKE %q: got %v", s, pattern, got)
		}
	})
}

// FuzzTimePattern looks for panics of any pattern, and holds patterns of whole dates to read what they wrote.
func FuzzTimePattern(f *testing.F) {
	for _, p := range []string{
		"yyyy-MM-dd HH:mm:ss.SSS", "%Y-%m-%d %H:%M:%S.%L", "dd/MMM/yyyy:HH:mm:ss Z", "[yyyy][MM]", "''", "'a''b'",
		"hh:mm a", "EEEE, MMMM d uuuu", "YYYY-ww-e", "A n N", "VV z O X x",
	} {
		f.Add(p, int64(1_600_000_000_123), "2020-09-13 12:26:40.123")
	}
	f.Fuzz(func(t *testing.T, pattern string, ms int64, text string) {
		p, err := newTimePattern(pattern)
		if err != nil {
			return
		}
		if ms < -62_135_596_800_000 || ms > 253_402_300_799_999 || len(text) > 1000 {
			return
		}
		m := momentAt(ms, nil)
		p.append(nil, &m)
		parsed := &parsedTime{zones: &zoneCache{}}
		if err := p.parse(parsed, []byte(text)); err != nil && err.Error() == "" {
			t.Fatal("an error without words")
		}
		for _, whole := range []string{"uuuu-MM-dd HH:mm:ss.SSS", "%Y %j %T.%L", "MMM d yyyy hh:mm:ss.SSS a XXX"} {
			q, err := newTimePattern(whole)
			if err != nil {
				t.Fatal(err)
			}
			if err := q.parse(parsed, q.append(nil, &m)); err != nil || parsed.millis(nil) != ms {
				t.Fatalf("%d as %q: %v, %v", ms, whole, parsed, err)
			}
		}
	})
}

// FuzzCast looks for panics of kernels on texts, for each type.
func FuzzCast(f *testing.F) {
	for _, s := range []string{"1", "-1.5", "x", "2020-01-01", "\xff", "", "9999999999999999999999"} {
		f.Add(s)
	}
	types := []vector.Type{
		vector.TBoolean, vector.TInt, vector.TBigInt, vector.TDouble, vector.TDecimal(4, 1),
		vector.TDecimal(38, 6), vector.TBytes, vector.TDate, vector.TTime, vector.TTimestamp, vector.TInterval,
	}
	f.Fuzz(func(t *testing.T, s string) {
		col := vector.NewVector(vector.TString, 1)
		vector.Append(col, literalVector(&Literal{V: s, T: vector.TString}), nil)
		b := &vector.Batch{Rows: 1, Cols: []*vector.Vector{col}, Time: []int64{0}}
		for _, typ := range types {
			x, err := NewCast(&Column{Name: "s", T: vector.TString}, typ, false, sqlerr.Span{})
			if err != nil {
				t.Fatal(err)
			}
			p, err := Compile(x)
			if err != nil {
				t.Fatal(err)
			}
			ctx := &Context{}
			v := p.Eval(ctx, b)
			if v.Null(0) != (len(ctx.Errors) == 1) {
				t.Fatalf("%q as %s: %v, errors %v", s, typ, v.Value(0), ctx.Errors)
			}
		}
	})
}
