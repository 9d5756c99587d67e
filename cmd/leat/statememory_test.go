package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/leatsql/leat/internal/errcode"
)

func TestByteSize(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want byteSize
	}{
		{"64MiB", 64 << 20},
		{"1 GiB", 1 << 30},
		{"2gb", 2e9},
		{"1048576", 1 << 20},
		{"3TB", 3e12},
		{"none", noLimit},
		{"1000", 0},
		{"", 0},
		{"MiB", 0},
		{"-5MiB", 0},
		{"1.5GiB", 0},
		{"64 elephants", 0},
		{"9999999TiB", 0},
		{"99999999999999999999", 0},
	} {
		var got byteSize
		err := got.Set(c.text)
		if (err == nil) != (c.want != 0) || got != c.want {
			t.Errorf("%q: %d, error %v", c.text, got, err)
		}
	}
}

func TestStateBudget(t *testing.T) {
	t.Parallel()
	none := stateFlags{memory: noLimit}
	if b, err := none.budget(""); b != nil || err != nil {
		t.Errorf("none: %v, %v", b, err)
	}
	some := stateFlags{memory: 5 << 20, dir: t.TempDir()}
	if b, err := some.budget(""); err != nil || b.Limit() != 5<<20 {
		t.Errorf("5 MiB: %v, %v", b, err)
	}
	some.dir = filepath.Join(some.dir, "none")
	if _, err := some.budget(""); errcode.Of(err) != errcode.BadConfig {
		t.Errorf("no folder: %v", err)
	}
}

// TestStateInFilesRuns gives the same rows with a megabyte of memory for the state as without a limit, in direct and in
// message mode, and a folder that is full is told by name.
func TestStateInFilesRuns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var csv strings.Builder
	csv.WriteString("k,v\n")
	for i := range 60_000 {
		fmt.Fprintf(&csv, "customer-%05d,%d\n", i*7%30_000, i)
	}
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("in.csv", csv.String())
	query := write("q.sql", "CREATE STREAM s (k STRING, v BIGINT) WITH (file = 'in.csv');\n"+
		"SELECT k, COUNT(*) AS n, SUM(v) AS total, MAX(v) AS hi FROM s GROUP BY k;")
	run := func(args ...string) (string, string) {
		var out, errs bytes.Buffer
		code := runLeat(append([]string{"run", query, "-o", "csv", "--stats", "--state-dir", dir}, args...), &out,
			&errs)
		if code != 0 {
			t.Fatalf("leat run %v exits with %d: %s", args, code, errs.String())
		}
		return out.String(), errs.String()
	}
	want, stats := run("--state-memory", "none")
	if strings.Contains(stats, "in files") || strings.Count(want, "\n") != 30_001 {
		t.Fatalf("%d lines, %s", strings.Count(want, "\n"), stats)
	}
	inFiles := regexp.MustCompile(`of 30000 keys \(\d+ bytes each\), \d+ bytes of it in files`)
	for _, mode := range []string{"direct", "message"} {
		got, stats := run("--state-memory", "1MiB", "--mode", mode)
		if !inFiles.MatchString(stats) {
			t.Errorf("%s: %s", mode, stats)
		}
		if got != want {
			t.Errorf("%s: the rows differ from those in memory", mode)
		}
	}
}

func runLeat(args []string, out, errs *bytes.Buffer) int {
	return execute(process{
		args: args, lookupEnv: os.LookupEnv, stdin: strings.NewReader(""), stdout: out, stderr: errs,
	})
}
