package vector

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestDatesAgainstTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ms := rapid.Int64Range(-62_135_596_800_000, 253_402_300_799_999).Draw(t, "ms") // years 1 to 9999
		at := time.UnixMilli(ms).UTC()
		if got, want := string(AppendTimestamp(nil, ms)), at.Format("2006-01-02T15:04:05.000Z"); got != want {
			t.Fatalf("%d: got %s, want %s", ms, got, want)
		}
		days := FloorDiv(ms, MsDay)
		y, m, d := Civil(days)
		if y != int64(at.Year()) || m != int(at.Month()) || d != at.Day() || CivilDays(y, m, d) != days {
			t.Fatalf("%d: %d-%d-%d", days, y, m, d)
		}
		if got := at.AddDate(0, 1, -at.Day()).Day(); got != MonthDays(y, m) {
			t.Fatalf("%d-%d has %d days, not %d", y, m, got, MonthDays(y, m))
		}
		if back, err := ParseTimestamp(AppendTimestamp(nil, ms)); err != nil || back != ms {
			t.Fatalf("%d: reads back as %d, %v", ms, back, err)
		}
		if back, err := ParseDate(AppendDate(nil, days)); err != nil || back != days {
			t.Fatalf("day %d: reads back as %d, %v", days, back, err)
		}
		clock := FloorMod(ms, MsDay)
		if back, err := ParseTime(AppendTime(nil, clock)); err != nil || back != clock {
			t.Fatalf("time %d: reads back as %d, %v", clock, back, err)
		}
	})
}

func TestFarYears(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		days int64
		want string
	}{{CivilDays(0, 1, 1), "0000-01-01"}, {CivilDays(-44, 3, 15), "-0044-03-15"}, {
		CivilDays(12345, 1, 2),
		"+12345-01-02",
	}} {
		text := AppendDate(nil, c.days)
		if string(text) != c.want {
			t.Errorf("got %s, want %s", text, c.want)
		}
		if back, err := ParseDate(text); err != nil || back != c.days {
			t.Errorf("%s reads back as %d, %v", text, back, err)
		}
	}
}

func TestJSONStringAgainstEncodingJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SliceOf(rapid.OneOf(rapid.Byte(),
			rapid.SampledFrom([]byte("\"\\\n\t\x00\x7f\xe2\x80\xa8\xa9")))).Draw(t, "s")
		text := AppendJSONString(nil, s)
		var got string
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("%q is no JSON: %v", text, err)
		}
		want := string([]rune(string(s))) // each invalid byte becomes U+FFFD
		if got != want || !utf8.Valid(text) {
			t.Fatalf("%q became %q", s, text)
		}
		for _, r := range string(text) {
			if r == '\u2028' || r == '\u2029' || r < ' ' {
				t.Fatalf("%q holds %U", text, r)
			}
		}
	})
}

func TestDoubleText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := math.Float64frombits(rapid.Uint64().Draw(t, "bits"))
		text := string(AppendDouble(nil, f))
		back, err := strconv.ParseFloat(text, 64)
		if err != nil || math.Float64bits(back) != math.Float64bits(f) && !math.IsNaN(f) {
			t.Fatalf("%x is %s, which is %v, %v", f, text, back, err)
		}
		if !math.IsNaN(f) && !math.IsInf(f, 0) && !json.Valid([]byte(text)) {
			t.Fatalf("%s is no JSON", text)
		}
	})
}

// FuzzParse looks for panics, for errors of other kinds than the documented ones, and for values that do not survive
// their text.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"1", "-1.50", "1e3", "true", "2020-01-31", "10:20:30.5", "2020-01-31T10:20:30.123+02:00", "15m",
		"NaN", "YWJj", "", "9223372036854775808", "-", "+12345-01-01", "0001-01-01 00:00",
		"700000000000", "-36523530108", "36523530107", "+999999999-01-01", "3155632999999999999",
	} {
		f.Add([]byte(s))
	}
	types := []Type{
		TBoolean, TInt, TBigInt, TDouble, TDecimal(5, 2), TDecimal(38, 10), TString, TBytes, TDate, TTime,
		TTimestamp, TInterval,
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, typ := range types {
			v := NewVector(typ, 1)
			err := ParseInto(v, text)
			if err != nil {
				if v.Len != 0 || !errors.Is(err, ErrSyntax) && !errors.Is(err, ErrRange) && !errors.Is(err,
					ErrDecimalRange) {
					t.Fatalf("%q as %s: %v, %d rows", text, typ, err, v.Len)
				}
				continue
			}
			again := NewVector(typ, 1)
			if err := ParseInto(again, AppendText(nil, v, 0)); err != nil {
				t.Fatalf("%q as %s is %s, which does not read: %v", text, typ, AppendText(nil, v, 0), err)
			}
			if a, b := AppendText(nil, v, 0), AppendText(nil, again, 0); string(a) != string(b) {
				t.Fatalf("%q as %s: %s became %s", text, typ, a, b)
			}
			if typ.Kind != Bytes && utf8.Valid(text) && !json.Valid(AppendJSON(nil, v, 0)) {
				t.Fatalf("%q as %s is no JSON: %s", text, typ, AppendJSON(nil, v, 0))
			}
		}
	})
}

func BenchmarkAppendJSON(b *testing.B) {
	v := NewVector(TString, 1)
	if err := ParseInto(v, []byte("a plain text of some length")); err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 0, 64)
	for b.Loop() {
		buf = AppendJSON(buf[:0], v, 0)
	}
}
