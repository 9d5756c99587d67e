package wasm_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/leatsql/leat/internal/wasm"
	"github.com/leatsql/leat/internal/wasm/wasmtest"
	"github.com/leatsql/leat/pkg/sql/vector"
)

func load(t *testing.T, code []byte, export string, returns vector.Type, params ...vector.Type) *wasm.Module {
	t.Helper()
	m, err := wasm.Load(t.Context(), code, wasm.Signature{Export: export, Params: params, Returns: returns})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close(context.Background()) })
	return m
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	m := load(t, wasmtest.Module(), "add", vector.TBigInt, vector.TBigInt, vector.TBigInt)
	for _, c := range [][3]int64{{1, 2, 3}, {-1, 1, 0}, {math.MaxInt64, 1, math.MinInt64}} {
		got, err := m.Call(t.Context(), []any{c[0], c[1]})
		if err != nil || got != c[2] {
			t.Errorf("add(%d, %d) = %v, %v", c[0], c[1], got, err)
		}
	}
	half := load(t, wasmtest.Module(), "half", vector.TDouble, vector.TDouble)
	if got, err := half.Call(t.Context(), []any{3.0}); err != nil || got != 1.5 {
		t.Errorf("half(3) = %v, %v", got, err)
	}
	neg := load(t, wasmtest.Module(), "neg", vector.TInt, vector.TInt)
	if got, err := neg.Call(t.Context(), []any{int64(-7)}); err != nil || got != int64(7) {
		t.Errorf("neg(-7) = %v, %v", got, err)
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	m := load(t, wasmtest.Module(), "shout", vector.TString, vector.TString)
	for _, s := range []string{"", "abc", "héllo", strings.Repeat("x", 50_000)} {
		got, err := m.Call(t.Context(), []any{[]byte(s)})
		want := []byte(s)
		for i, c := range want {
			if c >= 'a' && c <= 'z' {
				want[i] = c - 32
			}
		}
		if b, ok := got.([]byte); err != nil || !ok || string(b) != string(want) {
			t.Errorf("shout(%.20q) = %.20q, %v", s, got, err)
		}
	}
}

// TestNothingStays: a call sees nothing of the one before, whether it wrote memory or a global.
func TestNothingStays(t *testing.T) {
	t.Parallel()
	m := load(t, wasmtest.Module(), "count", vector.TBigInt)
	for range 3 {
		if got, err := m.Call(t.Context(), nil); err != nil || got != int64(1) {
			t.Fatalf("count() = %v, %v; want 1 each time", got, err)
		}
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	m := load(t, wasmtest.Module(), "div", vector.TBigInt, vector.TBigInt, vector.TBigInt)
	if _, err := m.Call(t.Context(), []any{int64(1), int64(0)}); err == nil ||
		!strings.Contains(err.Error(), "divide by zero") {
		t.Errorf("1/0: %v", err)
	}
	if got, err := m.Call(t.Context(), []any{int64(6), int64(3)}); err != nil || got != int64(2) {
		t.Errorf("6/3 after a trap = %v, %v", got, err)
	}
	spin := load(t, wasmtest.Module(), "spin", vector.TBigInt)
	if _, err := spin.Call(t.Context(), nil); !errors.Is(err, wasm.ErrTimeout) {
		t.Errorf("an endless loop: %v", err)
	}
	wild := load(t, wasmtest.Module(), "wild", vector.TString)
	if _, err := wild.Call(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "outside of the memory") {
		t.Errorf("a result outside: %v", err)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	big := vector.TBigInt
	for name, c := range map[string]struct {
		code []byte
		sig  wasm.Signature
		want string
	}{
		"garbage":   {[]byte("hello"), wasm.Signature{}, "no WebAssembly"},
		"cut":       {wasmtest.Module()[:40], wasm.Signature{Export: "add"}, ""},
		"large":     {make([]byte, wasm.MaxModuleBytes+1), wasm.Signature{}, "the limit is"},
		"imports":   {wasmtest.Importing(), wasm.Signature{Export: "f"}, "imports env.clock"},
		"no export": {wasmtest.Module(), wasm.Signature{Export: "nope", Returns: big}, `no function "nope"`},
		"other types": {
			wasmtest.Module(),
			wasm.Signature{Export: "add", Params: []vector.Type{big}, Returns: big},
			"the declaration needs (i64) -> (i64)",
		},
		"no such type": {
			wasmtest.Module(), wasm.Signature{Export: "add", Returns: vector.TDecimal(9, 2)}, "takes no DECIMAL",
		},
	} {
		_, err := wasm.Load(t.Context(), c.code, c.sig)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(wasmtest.Module())
	f.Add(wasmtest.Importing())
	f.Fuzz(func(t *testing.T, code []byte) {
		if len(code) > 4096 {
			return
		}
		m, err := wasm.Load(
			t.Context(),
			code,
			wasm.Signature{
				Export:  "add",
				Params:  []vector.Type{vector.TBigInt, vector.TBigInt},
				Returns: vector.TBigInt,
			},
		)
		if err != nil {
			return
		}
		_, _ = m.Call(t.Context(), []any{int64(1), int64(2)})
		_ = m.Close(t.Context())
	})
}
