package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/errcode"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

var update = flag.Bool("update", false, "rewrite the expected output of the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"leat": main})
}

// The scripts in testdata/script run the real main. A script is a file with its input and the output it wants.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:           filepath.Join("testdata", "script"),
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "until": until},
	})
}

// until RE ARG... runs leat again until it succeeds with an output that matches RE, for half a minute at most.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until RE ARG...")
	}
	re, err := regexp.Compile(args[0])
	ts.Check(err)
	for end := time.Now().Add(30 * time.Second); ; {
		err := ts.Exec("leat", args[1:]...)
		if err == nil && re.MatchString(ts.ReadFile("stdout")) {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("leat %s does not answer %s: %v\n%s%s", strings.Join(args[1:], " "), args[0], err,
				ts.ReadFile("stdout"), ts.ReadFile("stderr"))
		}
	}
}

// exits CODE [ARG...] runs leat and wants that exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: exits CODE [ARG...]")
	}
	err := ts.Exec("leat", args[1:]...)
	got := 0
	var status interface{ ExitCode() int }
	if errors.As(err, &status) {
		got = status.ExitCode()
	} else if err != nil {
		ts.Fatalf("run leat: %v", err)
	}
	if fmt.Sprint(got) != args[0] {
		ts.Fatalf("leat %s exits with %d, want %s", strings.Join(args[1:], " "), got, args[0])
	}
}

// Every command has its words, refuses what it does not know, and every group has an answer for a wrong subcommand.
func TestEveryCommand(t *testing.T) {
	t.Parallel()
	root := newRoot(&globals{process: process{lookupEnv: noEnv}, origins: map[string]string{}})
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		name := cmd.CommandPath()
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: %q is no short text", name, cmd.Short)
		}
		if cmd.RunE == nil || cmd.Run != nil {
			t.Errorf("%s: no RunE, so that errors and wrong subcommands get lost", name)
		}
		if cmd.Args == nil && cmd.Name() != "help" {
			t.Errorf("%s takes any arguments", name)
		}
		cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s --%s has no text", name, f.Name)
			}
			if root.PersistentFlags().Lookup(f.Name) != nil {
				t.Errorf("%s --%s hides the flag that every command has", name, f.Name)
			}
		})
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(root)
}

func noEnv(string) (string, bool) { return "", false }

func TestErrors(t *testing.T) {
	t.Parallel()
	const text = "CREATE STREAM a;\nSELECT pric FROM a"
	sql := sqlerr.New(sqlerr.UnknownColumn, sqlerr.Span{Start: 24, End: 28}, "no column %q", "pric").WithHint("price?")
	remote := &api.Error{
		Code: "LEAT-4007", Message: "no coordinator", Retryable: true,
		Position: &api.Position{Line: 1, Column: 2, Offset: 1, Length: 3},
	}
	for _, c := range []struct {
		name       string
		err        error
		exit       int
		text, json string
	}{
		{
			"in a file", inSource(fmt.Errorf("run: %w", sql), "a.sql", text), 3,
			"leat: no column \"pric\" [LEAT-3101]\n  --> a.sql:2:8\n" +
				"  2 | SELECT pric FROM a\n    |        ^^^^\n  hint: price?\n",
			`{"error":{"code":"LEAT-3101","message":"no column \"pric\"","hint":"price?","retryable":false,` +
				`"position":{"file":"a.sql","line":2,"column":8,"offset":24,"length":4}}}` + "\n",
		},
		{
			"without its text", sql, 3, "leat: no column \"pric\" [LEAT-3101]\n  hint: price?\n",
			`{"error":{"code":"LEAT-3101","message":"no column \"pric\"","hint":"price?","retryable":false}}` + "\n",
		},
		{
			"from a server", remote, 4, "leat: no coordinator [LEAT-4007]\n",
			`{"error":{"code":"LEAT-4007","message":"no coordinator","retryable":true,` +
				`"position":{"line":1,"column":2,"offset":1,"length":3}}}` + "\n",
		},
		{
			"from a server, about our text", inSource(remote, "", "SELECT 1"), 4,
			"leat: no coordinator [LEAT-4007]\n  --> statement:1:2\n  1 | SELECT 1\n    |  ^^^\n",
			`{"error":{"code":"LEAT-4007","message":"no coordinator","retryable":true,` +
				`"position":{"line":1,"column":2,"offset":1,"length":3}}}` + "\n",
		},
		{
			"two of one text", inSource(errors.Join(sql, sqlerr.New(sqlerr.Syntax, sqlerr.Span{}, "x")), "", text), 3,
			"leat: no column \"pric\" [LEAT-3101]\n  --> statement:2:8\n  2 | SELECT pric FROM a\n    |        ^^^^\n" +
				"  hint: price?\nleat: x [LEAT-3001]\n  --> statement:1:1\n  1 | CREATE STREAM a;\n    | ^\n", "",
		},
		{
			"of the command line", usageErr("-x: %w", os.ErrInvalid).WithHint("y"), 2,
			"leat: -x: invalid argument [LEAT-2001]\n  hint: y\n",
			`{"error":{"code":"LEAT-2001","message":"-x: invalid argument","hint":"y","retryable":false}}` + "\n",
		},
		{"a bug", errors.New("?"), 1, "leat: ? [LEAT-1001]\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := exitCode(c.err); got != c.exit {
				t.Errorf("exit %d, want %d", got, c.exit)
			}
			for output, want := range map[string]string{outputText: c.text, outputJSON: c.json} {
				var out strings.Builder
				g := &globals{process: process{stderr: &out}, output: output}
				g.printError(c.err)
				if want == "" {
					continue
				}
				if diff := cmp.Diff(want, out.String()); diff != "" {
					t.Errorf("%s (-want +got):\n%s", output, diff)
				}
			}
		})
	}
}

func TestManyErrorsAreCut(t *testing.T) {
	t.Parallel()
	var errs []error
	for range maxErrors + 3 {
		errs = append(errs, errcode.New(errcode.Usage, "x"))
	}
	var out strings.Builder
	g := &globals{process: process{stderr: &out}}
	g.printError(errors.Join(errs...))
	if got := out.String(); strings.Count(got, "\n") != maxErrors+1 || !strings.HasSuffix(got, "and 3 more errors\n") {
		t.Error(got)
	}
}

func TestDevState(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g := &globals{process: process{lookupEnv: func(k string) (string, bool) { return dir, k == "XDG_STATE_HOME" }}}
	if s, err := g.readDevState(); s != nil || err != nil {
		t.Fatal(s, err)
	}
	remove, err := g.writeDevState(devState{NATS: "nats://127.0.0.1:1", HTTP: "http://127.0.0.1:2"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := g.readDevState()
	if err != nil || s.NATS != "nats://127.0.0.1:1" || s.PID != syscall.Getpid() {
		t.Fatal(s, err)
	}
	if url, err := g.natsURL(); err != nil || url != s.NATS {
		t.Error(url, err)
	}
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	if url, err := g.natsURL(); err != nil || url != defaultNATS {
		t.Error(url, err)
	}
	g.nats = "localhost:5"
	if url, err := g.natsURL(); err != nil || url != "nats://localhost:5" {
		t.Error(url, err)
	}
}

func TestRedacted(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"nats://leat:secret@h:1,tls://a:b@c": "nats://leat:xxxxx@h:1,tls://a:xxxxx@c",
		"nats://h:1":                         "nats://h:1", "x": "x",
	} {
		if got := redacted(in); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}

func TestEdits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"nats", "nast", 2}, {"nat", "nats", 1}, {"kitten", "sitting", 3}} {
		if got := edits(c.a, c.b); got != c.want || edits(c.b, c.a) != c.want {
			t.Errorf("%s, %s: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
