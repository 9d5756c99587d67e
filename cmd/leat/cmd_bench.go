package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/leatsql/leat/internal/bench"
	"github.com/leatsql/leat/internal/errcode"
)

// benchFlags are the flags of leat bench.
type benchFlags struct {
	only   []string
	rows   int
	rounds int
	max    time.Duration
	dir    string
	child  string
}

func newBenchCmd(g *globals) *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure this machine: the workloads of Leat beside their limits",
		Long: "Runs the workloads W1 to W5, latency, growth of groups, state of keys and the start of leat dev, each " +
			"beside a limit that is measured in turns with it: a program made for this one schema, one written by " +
			"hand, raw JetStream. Every answer is checked. Leat runs as child processes of this binary; CPU time and " +
			"memory are theirs.\n\n" +
			"workloads: " + strings.Join(bench.Names(), ", "),
		Example: "  leat bench -o json\n  leat bench --only w1,w2 --rows 2000000 --rounds 5",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.child != "" {
				return bench.Child(cmd.Context(), f.child, args, g.stdout)
			}
			if len(args) > 0 {
				return usageErr("leat bench takes no argument, got %q", args[0]).WithHint("--only names the workloads")
			}
			return g.bench(cmd.Context(), f)
		},
	}
	fl := cmd.Flags()
	fl.StringSliceVar(&f.only, "only", nil, "workloads to run, with commas (default: all)")
	fl.IntVar(&f.rows, "rows", 0, "rows of the direct workloads; the others take shares (default 1000000)")
	fl.IntVar(&f.rounds, "rounds", 0, "rounds that count, behind one that is thrown away (default 3)")
	fl.DurationVar(&f.max, "max-time", 0, "a workload that has used its share of this starts no further round "+
		"(default 3m)")
	fl.StringVar(&f.dir, "dir", "",
		"folder for inputs and stores while it runs (default: the system's temporary folder)")
	fl.StringVar(&f.child, "child", "", "run one of the programs of the benchmarks")
	_ = fl.MarkHidden("child")
	cmd.AddCommand(newBenchNexmarkCmd(g), newBenchSpillCmd(g))
	return takesOutput(cmd, outputText, outputJSON)
}

// newBenchSpillCmd is leat bench --only spill by a name of its own.
func newBenchSpillCmd(g *globals) *cobra.Command {
	f := benchFlags{only: []string{"spill"}}
	cmd := &cobra.Command{
		Use:   "spill",
		Short: "Measure state in files beside the same state in memory",
		Long: "Groups by many string keys, each of which comes twice, once with all state in memory and once with " +
			"64 MiB of memory and the rest in files, and prints CPU time a row and their ratio.",
		Example: "  leat bench spill\n  leat bench spill --rows 500000 -o json",
		Args:    argsBetween(0, 0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return g.bench(cmd.Context(), f) },
	}
	fl := cmd.Flags()
	fl.IntVar(&f.rows, "rows", 0, "a tenth of the keys (default 1000000)")
	fl.StringVar(&f.dir, "dir", "", "folder for the files (default: the system's temporary folder)")
	return takesOutput(cmd, outputText, outputJSON)
}

func (g *globals) bench(ctx context.Context, f benchFlags) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this binary: %w", err)
	}
	cfg := bench.Config{
		Leat: self, Only: f.only, Rows: f.rows, Rounds: f.rounds, MaxTime: f.max, Dir: f.dir,
		Progress: func(line string) { g.hintf("%s", line) },
	}
	if err := cfg.Validate(); err != nil {
		return errcode.New(errcode.Usage, "%w", err)
	}
	report, err := bench.Run(ctx, cfg)
	if report == nil {
		return err
	}
	write := report.WriteText
	if g.output == outputJSON {
		write = report.WriteJSON
	}
	if werr := write(g.stdout); werr != nil {
		err = errors.Join(err, werr)
	}
	return err
}
