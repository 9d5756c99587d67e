package bench

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The limit program and the one written by hand share nothing but the input, and agree.
func TestLimitAndHandAgree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in, table := filepath.Join(dir, "in"), filepath.Join(dir, "table")
	const rows = 200_000
	if err := writeTrades(in, rows); err != nil {
		t.Fatal(err)
	}
	if err := writeSymbols(table); err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(in)
	if err != nil {
		t.Fatal(err)
	}
	if per := float64(st.Size()) / rows; per < 104 || per > 107 {
		t.Errorf("a row has %.1f bytes, want about 105", per)
	}
	for _, w := range []struct {
		name string
		min  int64
	}{{"w1", rows / 10}, {"w2", rows / 40}, {"w3", 4000}, {"w4", rows}} {
		cols := strings.Split(handColumns[w.name], ",")
		var a, b bytes.Buffer
		if n, err := runLimit(w.name, in, table, &a); err != nil || n != rows {
			t.Fatalf("%s: limit: %d rows, %v", w.name, n, err)
		}
		if n, err := runHand(w.name, in, table, &b); err != nil || n != rows {
			t.Fatalf("%s: hand: %d rows, %v", w.name, n, err)
		}
		la, lb := writeTemp(t, dir, a.Bytes()), writeTemp(t, dir, b.Bytes())
		x, err := answerOf(la, cols)
		if err != nil {
			t.Fatal(err)
		}
		y, err := answerOf(lb, cols)
		if err != nil {
			t.Fatal(err)
		}
		if x != y || x.Rows < w.min {
			t.Errorf("%s: limit %+v, hand %+v, want the same and at least %d rows", w.name, x, y, w.min)
		}
	}
}

func writeTemp(t *testing.T, dir string, b []byte) string {
	t.Helper()
	f, err := os.CreateTemp(dir, "answer")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(b); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	base := `{"a":"x","n":1.50,"m":7}` + "\n" + `{"a":"y","n":"2","m":-1}` + "\n"
	want, err := answerOf(writeTemp(t, dir, []byte(base)), []string{"a", "n", "m"})
	if err != nil || want.Rows != 2 {
		t.Fatal(want, err)
	}
	for _, c := range []struct {
		name, text string
		same       bool
	}{
		{
			"another order, other spellings", `{"a":"y","n":2.000,"m":-1}` + "\n" + `{"a":"x","n":"1.5","m":7}` + "\n",
			true,
		},
		{"other columns, another order of them", `{"n":2.000,"b":3,"a":"y","m":-1}` + "\n" +
			`{"m":7,"n":"1.5","a":"x"}` + "\n", true},
		{"a row twice", base + `{"a":"x","n":1.5,"m":7}` + "\n", false},
		{"a row less", `{"a":"x","n":1.5,"m":7}` + "\n", false},
		{"another value", `{"a":"x","n":1.51,"m":7}` + "\n" + `{"a":"y","n":2,"m":-1}` + "\n", false},
		{"values moved", `{"a":"x1","n":".50","m":7}` + "\n" + `{"a":"y","n":2,"m":-1}` + "\n", false},
	} {
		got, err := answerOf(writeTemp(t, dir, []byte(c.text)), []string{"a", "n", "m"})
		if err != nil || (got == want) != c.same {
			t.Errorf("%s: %+v %v, base %+v", c.name, got, err, want)
		}
	}
	for _, bad := range []string{"x", `{"a":1`, `[1]`, `{}`, `{"a":1,"n":2}`, "{\"a\":1}\n\n{"} {
		if a, err := answerOf(writeTemp(t, dir, []byte(bad+"\n")), []string{"a", "n", "m"}); err == nil {
			t.Errorf("%q gives %+v", bad, a)
		}
	}
}

func TestAverage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sum, n int64
		want   string
	}{
		{10_000, 1, "1.0000000000000000"},
		{10_000, 3, "0.3333333333333333"},
		{20_000, 3, "0.6666666666666667"},
		{1, 2, "0.0000500000000000"},
		{59_999, 6, "0.9999833333333333"},
	} {
		if got := string(appendAverage(nil, c.sum, c.n)); got != c.want {
			t.Errorf("%d/%d = %s, want %s", c.sum, c.n, got, c.want)
		}
	}
}

// Every key comes equally often.
func TestSpread(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 7, 1000, 100_000} {
		seen := make([]bool, n)
		for i := range n {
			seen[spread(i, n)] = true
		}
		for k, ok := range seen {
			if !ok {
				t.Fatalf("%d keys: key %d never comes", n, k)
			}
		}
	}
}

func BenchmarkScanTrade(b *testing.B) {
	t, rows := newTrades(), [][]byte{}
	for range 4096 {
		rows = append(rows, t.append(nil))
	}
	names, out, i := newNames(), trade{}, 0
	b.ReportAllocs()
	for b.Loop() {
		if err := scanTrade(rows[i&4095], names, &out); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
