package conform

import (
	"encoding/json"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// equal compares what a case wants with what the engine gave.
func equal(want, got any) bool {
	switch g := got.(type) {
	case nil:
		return want == nil
	case bool:
		w, ok := want.(bool)
		return ok && w == g
	case int64:
		w, ok := number(want)
		return ok && w.Cmp(new(big.Rat).SetInt64(g)) == 0
	case decimal:
		return equalNumber(want, string(g))
	case json.Number:
		return equalNumber(want, string(g))
	case float64:
		return equalDouble(want, g)
	case string:
		w, ok := want.(string)
		return ok && w == g
	case []any:
		w, ok := want.([]any)
		return ok && slices.EqualFunc(w, g, equal)
	case map[string]any:
		w, ok := want.(map[string]any)
		return ok && equalFields(w, g)
	}
	return false
}

func equalNumber(want any, got string) bool {
	g, ok := new(big.Rat).SetString(got)
	w, fine := number(want)
	return ok && fine && w.Cmp(g) == 0
}

// number reads a JSON number, or text that is one.
func number(v any) (*big.Rat, bool) {
	switch v := v.(type) {
	case json.Number:
		return rat(string(v))
	case string:
		return rat(v)
	}
	return nil, false
}

// maxDigits bounds the exponent of a number in a case.
const maxDigits = 400

func rat(s string) (*big.Rat, bool) {
	if len(s) == 0 || len(s) > maxDigits || strings.ContainsAny(s, "/xXpP_") {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

func equalDouble(want any, got float64) bool {
	var w float64
	switch v := want.(type) {
	case json.Number:
		f, err := strconv.ParseFloat(string(v), 64)
		if err != nil {
			return false
		}
		w = f
	case string:
		f, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return false
		}
		w = f
	default:
		return false
	}
	switch {
	case math.IsNaN(w) || math.IsNaN(got):
		return math.IsNaN(w) && math.IsNaN(got)
	case math.IsInf(w, 0) || math.IsInf(got, 0):
		return w == got
	}
	const absolute, relative = 1e-6, 1e-12
	return math.Abs(w-got) <= math.Max(absolute, relative*math.Abs(w))
}

// equalFields wants the same set of names: as written, else in capitals.
func equalFields(want, got map[string]any) bool {
	if len(want) != len(got) {
		return false
	}
	for name, w := range want { // any order: all must hold
		g, ok := got[name]
		if !ok {
			g, ok = got[strings.ToUpper(name)]
		}
		if !ok || !equal(w, g) {
			return false
		}
	}
	return true
}
