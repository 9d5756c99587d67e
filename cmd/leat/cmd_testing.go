package main

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/leatsql/leat/internal/conform"
	"github.com/leatsql/leat/internal/errcode"
)

// testFlags are the flags of leat test.
type testFlags struct {
	format, run            string
	verbose, json, summary bool
	crash                  bool
}

func newTestCmd(g *globals) *cobra.Command {
	var f testFlags
	formats := slices.Sorted(maps.Keys(conform.Formats()))
	cmd := &cobra.Command{
		Use:   "test --format " + strings.Join(formats, "|") + " FILE.jsonl",
		Short: "Run test cases",
		Long: "Runs cases against the engine in this process, each in an engine of its own, and prints the failures " +
			"and the counts.",
		Args: argsBetween(1, 1),
		RunE: func(_ *cobra.Command, args []string) error { return g.test(args[0], f) },
	}
	fl := cmd.Flags()
	fl.Var(newChoice(&f.format, "", formats...), "format", "format of the file of cases")
	fl.StringVar(&f.run, "run", "", "only cases whose id this regular expression matches")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "every case, and the difference of those that fail")
	fl.BoolVar(&f.json, "json", false, "one line of JSON a case")
	fl.BoolVar(&f.summary, "summary", false, "counts by file and by feature")
	fl.BoolVar(&f.crash, "crash", false, "a snapshot and a restore of every machine after every step")
	return cmd
}

func (g *globals) test(path string, f testFlags) error {
	read, ok := conform.Formats()[f.format]
	if !ok {
		return usageErr("--format: want one of the formats of cases")
	}
	only, err := regexp.Compile(f.run)
	if err != nil {
		return usageErr("--run: %w", err)
	}
	file, err := os.Open(path)
	if err != nil {
		return errcode.New(errcode.Usage, "%w", err)
	}
	defer file.Close()
	suite, err := read(file)
	if err != nil {
		return errcode.New(errcode.Usage, "%s: %w", path, err)
	}
	report := &conform.Report{Out: g.stdout, Verbose: f.verbose, JSON: f.json}
	for i, id := range suite.IDs() {
		if !only.MatchString(id) {
			continue
		}
		for _, o := range suite.Run(i, conform.Options{Crash: f.crash}) {
			if err := report.Add(o); err != nil {
				return fmt.Errorf("print an outcome: %w", err)
			}
		}
	}
	if f.summary && !f.json {
		if err := report.Summary(); err != nil {
			return err
		}
	}
	if err := report.End(); err != nil {
		return err
	}
	if report.Failed() {
		return errcode.New(errcode.TestFailed, "cases failed")
	}
	return nil
}
