package plan_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// corpus returns the scripts of the golden files.
func corpus(tb testing.TB) []string {
	tb.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		tb.Fatalf("no golden files: %v", err)
	}
	var out []string
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			tb.Fatal(err)
		}
		for c := range strings.SplitSeq(string(text), "====\n") {
			in, _, _ := strings.Cut(c, "----\n")
			out = append(out, in)
		}
	}
	return out
}

// planAnything plans a text and checks what holds for any: no panic, errors with a place inside of the text, and the
// same outcome twice.
func planAnything(tb testing.TB, text string) {
	tb.Helper()
	for _, bounded := range []bool{false, true} {
		first, second := start(tb), start(tb)
		first.bounded, second.bounded = bounded, bounded
		err1, err2 := first.run(text), second.run(text)
		if first.out.String() != second.out.String() || (err1 == nil) != (err2 == nil) || err1 != nil &&
			err1.Error() != err2.Error() {
			tb.Fatalf("two runs differ on %q:\n%s%v\n%s%v", text, first.out.String(), err1, second.out.String(), err2)
		}
		var e *sqlerr.Error
		if errors.As(err1, &e) && (e.Span.Start < 0 || e.Span.End < e.Span.Start || e.Span.End > len(text)) {
			tb.Fatalf("%q: the place of %v is %v", text, err1, e.Span)
		}
	}
}

// mutate changes a few words of a script: drops, doubles, swaps them, or puts in those of another script.
func mutate(r *rand.Rand, words, others []string) string {
	w := append([]string(nil), words...)
	for range 1 + r.IntN(4) {
		if len(w) < 2 {
			break
		}
		i, j := r.IntN(len(w)), r.IntN(len(w))
		switch r.IntN(5) {
		case 0:
			w = append(w[:i], w[i+1:]...)
		case 1:
			w = append(w[:i+1], w[i:]...)
		case 2:
			w[i], w[j] = w[j], w[i]
		case 3:
			w[i] = others[r.IntN(len(others))]
		default:
			from := r.IntN(len(others))
			part := others[from:min(len(others), from+1+r.IntN(6))]
			w = append(w[:i], append(append([]string(nil), part...), w[i:]...)...)
		}
	}
	return strings.Join(w, " ")
}

var spaced = strings.NewReplacer("(", " ( ", ")", " ) ", ",", " , ", ";", " ; ", "=", " = ")

// TestMutations plans random changes of all golden scripts.
func TestMutations(t *testing.T) {
	t.Parallel()
	scripts := corpus(t)
	rounds := 20
	if testing.Short() {
		rounds = 1
	}
	for n, s := range scripts {
		r := rand.New(rand.NewPCG(uint64(n), 1))
		for range rounds {
			other := strings.Fields(spaced.Replace(scripts[r.IntN(len(scripts))]))
			planAnything(t, mutate(r, strings.Fields(spaced.Replace(s)), other))
		}
	}
}

// FuzzPlan plans texts, seeded by the golden scripts.
func FuzzPlan(f *testing.F) {
	for _, s := range corpus(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			return
		}
		planAnything(t, text)
	})
}
