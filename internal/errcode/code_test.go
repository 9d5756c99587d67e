package errcode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

func TestExit(t *testing.T) {
	t.Parallel()
	for code, want := range map[Code]int{
		"LEAT-1001": 1, "LEAT-2001": 2, "LEAT-3101": 3, "LEAT-4001": 4, "LEAT-5003": 5, "LEAT-6001": 6,
		"": 1, "LEAT-": 1, "LEAT-7001": 1, "LEAT-0001": 1, "X-2001": 1,
	} {
		if got := code.Exit(); got != want {
			t.Errorf("%q exits with %d, want %d", code, got, want)
		}
	}
}

func TestOf(t *testing.T) {
	t.Parallel()
	own := New(PortTaken, "listen on %s: %w", "127.0.0.1:1", io.EOF).WithHint("try %d", 0)
	for _, c := range []struct {
		err  error
		code Code
		hint string
	}{
		{own, PortTaken, "try 0"},
		{fmt.Errorf("start: %w", own), PortTaken, "try 0"},
		{sqlerr.New(sqlerr.UnknownColumn, sqlerr.Span{}, "x").WithHint("y"), "LEAT-3101", "y"},
		{fmt.Errorf("ask: %w", context.DeadlineExceeded), Timeout, ""},
		{context.Canceled, Cancelled, ""},
		{io.ErrUnexpectedEOF, Internal, ""},
	} {
		if got := Of(c.err); got != c.code {
			t.Errorf("code of %v: got %s, want %s", c.err, got, c.code)
		}
		if got := Hint(c.err); got != c.hint {
			t.Errorf("hint of %v: got %q, want %q", c.err, got, c.hint)
		}
	}
	if !errors.Is(own, io.EOF) {
		t.Error("the cause is lost")
	}
	if own.Error() != "listen on 127.0.0.1:1: EOF" {
		t.Errorf("message: %q", own.Error())
	}
}

func TestTableIsSortedAndWhole(t *testing.T) {
	t.Parallel()
	if !slices.IsSortedFunc(table, func(a, b Entry) int { return strings.Compare(string(a.Code), string(b.Code)) }) {
		t.Error("the table is not sorted by code")
	}
	for i, e := range table {
		if i > 0 && table[i-1].Code == e.Code {
			t.Errorf("%s stands there twice", e.Code)
		}
		if e.Title == "" || !strings.HasSuffix(e.Text, ".") {
			t.Errorf("%s has no title or its text is no sentence: %q", e.Code, e.Text)
		}
	}
}

// Every code that the program or a test names has an explanation, and no two constants that others see share a code.
func TestEveryCodeInTheSourceIsExplained(t *testing.T) {
	t.Parallel()
	code := regexp.MustCompile(`LEAT-[0-9]{4}`)
	exported := regexp.MustCompile(`(?m)^(?:const )?\s*([A-Z]\w*)[\w ]*= "(LEAT-[0-9]{4})"`)
	declared := map[string]string{}
	for _, path := range sources(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range code.FindAllString(string(text), -1) {
			if _, ok := Lookup(Code(m)); !ok {
				t.Errorf("%s names %s, which internal/errcode/table.go does not explain", path, m)
			}
		}
		for _, m := range exported.FindAllStringSubmatch(string(text), -1) {
			if other, ok := declared[m[2]]; ok {
				t.Errorf("%s is %s in %s and %s", m[2], m[1], path, other)
			}
			declared[m[2]] = m[1] + " in " + path
		}
	}
	if declared["LEAT-5212"] == "" || declared["LEAT-3001"] == "" {
		t.Errorf("constants of known codes were not found; there are %d: %v", len(declared), declared)
	}
}

// sources returns the paths of all Go files of the repository but this one, whose cases have codes that do not exist.
func sources(t *testing.T) []string {
	t.Helper()
	var paths []string
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != root || d.Name() == "bin"):
			return filepath.SkipDir
		case !d.IsDir() && strings.HasSuffix(path, ".go") &&
			path != filepath.Join(root, "internal", "errcode", "code_test.go"):
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// A server without room for one more stream is no bug of ours.
func TestServerWithoutRoom(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("make the bucket: %w", &jetstream.APIError{ErrorCode: 10047, Description: "insufficient storage"})
	if Of(err) != StoreFull || Hint(err) == "" {
		t.Errorf("code %s, hint %q", Of(err), Hint(err))
	}
}
