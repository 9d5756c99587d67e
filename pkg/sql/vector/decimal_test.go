package vector

import (
	"math/big"
	"testing"

	"github.com/cockroachdb/apd/v3"
	"pgregory.net/rapid"
)

// anyDecimal draws values of all sizes, the borders of 64 bits and of 38 digits among them.
func anyDecimal() *rapid.Generator[Int128] {
	return rapid.Custom(func(t *rapid.T) Int128 {
		var v Int128
		switch rapid.IntRange(0, 4).Draw(t, "size") {
		case 0:
			v = FromInt64(rapid.Int64Range(-1000, 1000).Draw(t, "small"))
		case 1:
			v = FromInt64(rapid.Int64().Draw(t, "word"))
		case 2:
			v = Pow10(rapid.IntRange(0, 37).Draw(t, "power")).Add(FromInt64(rapid.Int64Range(-2, 2).Draw(t, "near")))
		default:
			b := new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 1, 16).Draw(t, "bytes"))
			b.Mod(b, Pow10(38).Big())
			v, _ = FromBig(b)
		}
		if rapid.Bool().Draw(t, "neg") {
			v = v.Neg()
		}
		return v
	})
}

var limit38 = new(big.Int).Exp(big.NewInt(10), big.NewInt(38), nil)

func fits38(b *big.Int) bool { return new(big.Int).Abs(b).Cmp(limit38) < 0 }

func check(t *rapid.T, what string, got Int128, ok bool, want *big.Int) {
	t.Helper()
	if ok != fits38(want) {
		t.Fatalf("%s: ok is %v, the result %s", what, ok, want)
	}
	if ok && got.Big().Cmp(want) != 0 {
		t.Fatalf("%s: got %s, want %s", what, got.Big(), want)
	}
}

func TestInt128Arithmetic(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyDecimal().Draw(t, "a"), anyDecimal().Draw(t, "b")
		x, y := a.Big(), b.Big()
		sum, ok := a.AddChecked(b)
		check(t, "add", sum, ok, new(big.Int).Add(x, y))
		diff, ok := a.SubChecked(b)
		check(t, "sub", diff, ok, new(big.Int).Sub(x, y))
		p, ok := a.MulChecked(b)
		check(t, "mul", p, ok, new(big.Int).Mul(x, y))
		if got := a.Cmp(b); got != x.Cmp(y) || a.Less(b) != (got < 0) {
			t.Fatalf("cmp %s %s: %d", x, y, got)
		}
		if a.Sign() != x.Sign() || a.Neg().Big().Cmp(new(big.Int).Neg(x)) != 0 {
			t.Fatalf("sign or neg of %s", x)
		}
		if b.Sign() != 0 {
			q, r := a.QuoRem(b)
			wq, wr := new(big.Int).QuoRem(x, y, new(big.Int))
			if q.Big().Cmp(wq) != 0 || r.Big().Cmp(wr) != 0 {
				t.Fatalf("%s / %s: got %s rest %s, want %s rest %s", x, y, q.Big(), r.Big(), wq, wr)
			}
		}
		n := rapid.Int64().Draw(t, "n")
		m := rapid.Int64().Draw(t, "m")
		if got := MulInt64(n, m).Big(); got.Cmp(new(big.Int).Mul(big.NewInt(n), big.NewInt(m))) != 0 {
			t.Fatalf("%d * %d: %s", n, m, got)
		}
	})
}

// apdContext rounds as DECIMAL does.
var apdContext = apd.Context{
	Precision: 200, MaxExponent: 10000, MinExponent: -10000, Rounding: apd.RoundHalfUp,
	Traps: apd.DefaultTraps,
}

func asAPD(v Int128, scale int) *apd.Decimal {
	return apd.NewWithBigInt(new(apd.BigInt).SetMathBigInt(v.Big()), int32(-scale))
}

func TestDecimalAgainstAPD(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyDecimal().Draw(t, "a"), anyDecimal().Draw(t, "b")
		exp := rapid.IntRange(-38, 60).Draw(t, "exp")
		if b.Sign() != 0 {
			want := new(apd.Decimal)
			if _, err := apdContext.Quo(want, asAPD(a, -exp), asAPD(b, 0)); err != nil {
				t.Skip(err)
			}
			got, ok := a.DivScaled(b, exp)
			checkAPD(t, "div", got, ok, want)
		}
		from, to := rapid.IntRange(0, 38).Draw(t, "from"), rapid.IntRange(0, 38).Draw(t, "to")
		got, ok := a.Rescale(from, to)
		checkAPD(t, "rescale", got, ok, asAPD(a, from-to))
		cut := rapid.IntRange(0, 38).Draw(t, "cut")
		product := new(apd.Decimal)
		if _, err := apdContext.Mul(product, asAPD(a, cut), asAPD(b, 0)); err != nil {
			t.Fatal(err)
		}
		got, ok = a.MulRescaled(b, cut)
		checkAPD(t, "mul", got, ok, product)
		text := AppendDecimal(nil, a, from)
		back, _, err := apd.NewFromString(string(text))
		if err != nil || back.Cmp(asAPD(a, from)) != 0 {
			t.Fatalf("text of %s scale %d is %s", a.Big(), from, text)
		}
		parsed, err := ParseDecimal(text, 38, to)
		checkAPD(t, "parse", parsed, err == nil, asAPD(a, from-to))
	})
}

// checkAPD compares with want, rounded to a whole number.
func checkAPD(t *rapid.T, what string, got Int128, ok bool, want *apd.Decimal) {
	t.Helper()
	exact := new(apd.Decimal)
	if _, err := apdContext.Quantize(exact, want, 0); err != nil {
		t.Fatal(err)
	}
	unscaled := exact.Coeff.MathBigInt()
	if exact.Negative {
		unscaled.Neg(unscaled)
	}
	check(t, what, got, ok, unscaled)
}

func TestParseDecimalForms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		p, s int
		want string // "" an error
	}{
		{"1", 5, 2, "1.00"},
		{"+1.5", 5, 2, "1.50"},
		{"-.5", 5, 2, "-0.50"},
		{"1.005", 5, 2, "1.01"},
		{"1.0049", 5, 2, "1.00"},
		{"1e3", 6, 2, "1000.00"},
		{"1.25E-1", 6, 2, "0.13"},
		{"-0", 5, 2, "0.00"},
		{"0.0000000000000000000000000000000000000000001", 38, 2, "0.00"},
		{"1e-999999999", 38, 2, "0.00"},
		{"0e999999999", 38, 2, "0.00"},
		{"00000000000000000000000000000000000000000012", 38, 2, "12.00"},
		{"99999999999999999999999999999999999999", 38, 0, "99999999999999999999999999999999999999"},
		{"99999999999999999999999999999999999999.4", 38, 0, "99999999999999999999999999999999999999"},
		{"99999999999999999999999999999999999999.5", 38, 0, ""},
		{"100000000000000000000000000000000000000", 38, 0, ""},
		{"1e999999999", 38, 2, ""},
		{"1000", 5, 2, ""},
		{"", 5, 2, ""},
		{"-", 5, 2, ""},
		{"1.2.3", 5, 2, ""},
		{"1e", 5, 2, ""},
		{"1e+", 5, 2, ""},
		{"1 ", 5, 2, ""},
		{"NaN", 5, 2, ""},
		{"0x1", 5, 2, ""},
		{"1_0", 5, 2, ""},
	} {
		v, err := ParseDecimal([]byte(c.text), c.p, c.s)
		got := ""
		if err == nil {
			got = string(AppendDecimal(nil, v, c.s))
		}
		if got != c.want {
			t.Errorf("%q as DECIMAL(%d, %d): got %q (%v), want %q", c.text, c.p, c.s, got, err, c.want)
		}
	}
}

func TestFloat64OfDecimal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, scale := anyDecimal().Draw(t, "a"), rapid.IntRange(0, 38).Draw(t, "scale")
		want, err := asAPD(a, scale).Float64()
		if err != nil {
			t.Skip(err)
		}
		if got := a.Float64(scale); got != want {
			t.Fatalf("%s e-%d: got %v, want %v", a.Big(), scale, got, want)
		}
	})
}

func BenchmarkInt128(b *testing.B) {
	x := make([]Int128, 1024)
	for i := range x {
		x[i] = Int128{Lo: uint64(i) * 0x9e3779b97f4a7c15, Hi: int64(i)}
	}
	perRow := func(b *testing.B) {
		b.Helper()
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(x)), "ns/row")
	}
	var sum Int128
	b.Run("add", func(b *testing.B) {
		for b.Loop() {
			for i := range x {
				sum = sum.Add(x[i])
			}
		}
		perRow(b)
	})
	b.Run("mul", func(b *testing.B) {
		for b.Loop() {
			for i := range x {
				p, _ := x[i].MulChecked(Int128{Lo: 12345})
				sum = sum.Add(p)
			}
		}
		perRow(b)
	})
	b.Run("div", func(b *testing.B) {
		for b.Loop() {
			for i := range x {
				q, _ := x[i].DivScaled(Int128{Lo: 12345}, 4)
				sum = sum.Add(q)
			}
		}
		perRow(b)
	})
	b.Run("text", func(b *testing.B) {
		buf := make([]byte, 0, 64)
		for b.Loop() {
			for i := range x {
				buf = AppendDecimal(buf[:0], Int128{Lo: x[i].Lo >> 20}, 4)
			}
		}
		perRow(b)
	})
	b.Run("parse", func(b *testing.B) {
		text := []byte("12345.6789")
		for b.Loop() {
			for range x {
				v, _ := ParseDecimal(text, 18, 4)
				sum = sum.Add(v)
			}
		}
		perRow(b)
	})
}
