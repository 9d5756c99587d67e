package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"

	"github.com/spf13/cobra"

	"github.com/leatsql/leat/internal/conform"
	"github.com/leatsql/leat/internal/errcode"
)

// testFlags are the flags of leat test.
type testFlags struct {
	format, run, mode, junit       string
	verbose, json, summary, update bool
	crash                          bool
	partitions                     int
	min                            []string
}

const testHelp = `Runs the tests in *.test.yaml files of a folder (by default this one) and below. A test gives rows to
streams and tables, runs statements over them to the end of the input, and compares the rows that come:

  file: app.sql                # a script beside this file (optional)
  sql: |                       # statements for all tests (optional)
    CREATE STREAM trades (symbol STRING KEY, price DOUBLE);
  tests:
    - name: average per symbol
      given:
        trades:
          - {symbol: A, price: 1.0}
          - {symbol: A, price: 3.0}
      sql: SELECT symbol, AVG(price) AS a FROM trades GROUP BY symbol;
      order: any               # list (default) or any
      want:                    # the rows of the last SELECT, all of them
        - {symbol: A, a: 2.0}
      objects: {}              # rows of streams and tables, by name
      dead: 0                  # how many rows must fail
    - name: a wrong statement
      sql: SELECT nothing FROM trades;
      error: LEAT-3101         # the code, or a part of the message

With --format it runs a file of cases of another system instead: one JSON object a line.`

func newTestCmd(g *globals) *cobra.Command {
	var f testFlags
	formats := slices.Sorted(maps.Keys(conform.Formats()))
	cmd := &cobra.Command{
		Use:     "test [DIR | FILE.test.yaml | --format FORMAT FILE.jsonl]",
		Short:   "Run tests of SQL: given rows, statements, wanted rows",
		Long:    testHelp,
		Example: "  leat test\n  leat test tests/trades.test.yaml --update\n  leat test --mode message --partitions 4",
		Args:    argsBetween(0, 1),
		RunE:    func(cmd *cobra.Command, args []string) error { return g.test(cmd.Context(), args, f) },
	}
	fl := cmd.Flags()
	fl.Var(newChoice(&f.format, "", formats...), "format", "the argument is a file of cases in this format")
	fl.StringVar(&f.run, "run", "", "only tests whose name this regular expression matches")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "every test, and the difference of cases that fail")
	fl.BoolVar(&f.json, "json", false, "one line of JSON a test")
	fl.BoolVar(&f.summary, "summary", false, "counts by file and by feature")
	fl.BoolVar(&f.crash, "crash", false,
		"run each test again with a snapshot and a restore of every machine after every step: the answer must "+
			"be the same")
	fl.BoolVar(&f.update, "update", false, "write the rows that come into the files as the wanted ones")
	fl.StringVar(&f.junit, "junit", "", "write the outcomes to a file in the form of JUnit")
	fl.Var(newChoice(&f.mode, "direct", "direct", "message"), "mode",
		"direct: in this process; message: through an embedded JetStream")
	fl.IntVar(&f.partitions, "partitions", 1, "partitions of each source (1..1024)")
	fl.StringArrayVar(&f.min, "min", nil,
		"GROUP=PERCENT: fewer cases of a group that pass are a failure, more are none "+
			"(repeatable; without it every failed case is one)")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// test runs test files or cases.
func (g *globals) test(ctx context.Context, args []string, f testFlags) error {
	only, err := regexp.Compile(f.run)
	if err != nil {
		return usageErr("--run: %w", err)
	}
	if f.partitions < 1 || f.partitions > 1024 {
		return usageErr("--partitions: %d is outside 1..1024", f.partitions)
	}
	floors, err := parseFloors(f.min)
	if err != nil {
		return err
	}
	t := &testRun{g: g, f: f, only: only, report: &conform.Report{
		Out: g.stdout, Verbose: f.verbose, Detail: f.verbose || f.format == "", JSON: f.json,
		Color: g.colored(g.stdout),
	}}
	if f.format != "" {
		err = t.cases(args)
	} else {
		err = t.files(ctx, args)
	}
	if err != nil {
		return err
	}
	return t.end(floors)
}

// parseFloors reads --min GROUP=PERCENT.
func parseFloors(list []string) (map[string]float64, error) {
	named, err := pairs("min", list)
	if err != nil {
		return nil, err
	}
	out := map[string]float64{}
	for group, v := range named { // any order: a map again
		var share float64
		if _, err := fmt.Sscanf(v, "%g", &share); err != nil || share < 0 || share > 100 {
			return nil, usageErr("--min %s=%s: want a number from 0 to 100", group, v)
		}
		out[group] = share
	}
	return out, nil
}

// testRun is a run of leat test.
type testRun struct {
	g        *globals
	f        testFlags
	only     *regexp.Regexp
	report   *conform.Report
	outcomes []conform.Outcome
}

func (t *testRun) add(o conform.Outcome) error {
	if t.f.junit != "" {
		t.outcomes = append(t.outcomes, o)
	}
	if err := t.report.Add(o); err != nil {
		return fmt.Errorf("print an outcome: %w", err)
	}
	return nil
}

// cases runs a file of cases.
func (t *testRun) cases(args []string) error {
	if len(args) == 0 {
		return usageErr("--format %s needs a file of cases", t.f.format)
	}
	if t.f.mode != "direct" || t.f.partitions != 1 || t.f.update {
		return usageErr(
			"--mode, --partitions and --update are for test files; cases run in this process on one partition",
		)
	}
	file, err := os.Open(args[0])
	if err != nil {
		return errcode.New(errcode.Usage, "%w", err)
	}
	defer file.Close()
	suite, err := conform.Formats()[t.f.format](file)
	if err != nil {
		return errcode.New(errcode.Usage, "%s: %w", args[0], err)
	}
	for i, id := range suite.IDs() {
		if !t.only.MatchString(id) {
			continue
		}
		for _, o := range suite.Run(i, conform.Options{Crash: t.f.crash}) {
			if err := t.add(o); err != nil {
				return err
			}
		}
	}
	return nil
}

// files runs the test files of a folder.
func (t *testRun) files(ctx context.Context, args []string) error {
	dir := "."
	if len(args) > 0 {
		dir = args[0]
	}
	paths, err := conform.FindTests(dir)
	if err != nil {
		return errcode.New(errcode.Usage, "%w", err)
	}
	if len(paths) == 0 {
		t.g.hintf("no %s below %s", "*"+conform.TestFileSuffix, dir)
	}
	opt := conform.TestOptions{Partitions: t.f.partitions, Crash: t.f.crash, Update: t.f.update}
	if t.f.mode == "message" {
		opt.Execute = t.g.runMessages
	}
	for _, p := range paths {
		file, err := conform.ReadTestFile(p)
		if err != nil {
			return errcode.New(errcode.Usage, "%w", err)
		}
		for i, test := range file.Tests {
			if !t.only.MatchString(test.Name) {
				continue
			}
			if err := t.add(file.Run(ctx, i, opt)); err != nil {
				return err
			}
		}
		if t.f.update {
			if err := file.Save(); err != nil {
				return errcode.New(errcode.Usage, "%w", err)
			}
		}
	}
	return nil
}

// end prints the counts; a failed case is a failure, and so is a group below its floor where there are floors.
func (t *testRun) end(floors map[string]float64) error {
	if t.f.summary && !t.f.json {
		if err := t.report.Summary(); err != nil {
			return err
		}
	}
	if err := t.report.End(); err != nil {
		return err
	}
	if t.f.junit != "" {
		file, err := os.Create(t.f.junit)
		if err != nil {
			return errcode.New(errcode.Usage, "%w", err)
		}
		defer file.Close()
		if err := conform.WriteJUnit(file, t.outcomes); err != nil {
			return err
		}
	}
	if len(floors) > 0 {
		if below := t.report.Below(floors); below != "" {
			return errcode.New(errcode.TestFailed, "%s", below)
		}
		return nil
	}
	if t.report.Failed() {
		return errcode.New(errcode.TestFailed, "%d failed", t.report.Failures())
	}
	return nil
}
