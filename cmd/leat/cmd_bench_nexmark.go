package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/leatsql/leat/internal/bench"
	"github.com/leatsql/leat/internal/errcode"
)

func newBenchNexmarkCmd(g *globals) *cobra.Command {
	cfg := bench.NexmarkConfig{Progress: func(line string) { g.hintf("%s", line) }}
	cmd := &cobra.Command{
		Use:   "nexmark",
		Short: "Measure the queries of the Nexmark benchmark",
		Long: "Runs the queries q0 to q22 of Nexmark over generated events, each in a process of its own, and prints " +
			"events of all kinds a CPU second, beside the floor and beside the cost of making the events alone. Rows " +
			"go nowhere. --message-events measures message mode besides: events as JSON, every row through the log.",
		Example: "  leat bench nexmark --only q0,q4\n" +
			"  leat bench nexmark --events 10000000 --message-events 1000000 -o json",
		Args: argsBetween(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			self, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find this binary: %w", err)
			}
			cfg.Leat = self
			if cfg.Events < 1 || cfg.MessageEvents < 0 || cfg.Rate < 1 || cfg.Group < 1 || cfg.Partitions < 1 {
				return usageErr("--events, --rate, --group and --partitions must be positive")
			}
			report, err := bench.Nexmark(cmd.Context(), cfg)
			if report == nil {
				return errcode.New(errcode.Usage, "%w", err)
			}
			write := report.WriteText
			if g.output == outputJSON {
				write = report.WriteJSON
			}
			return errors.Join(write(g.stdout), err)
		},
	}
	fl := cmd.Flags()
	fl.StringSliceVar(&cfg.Only, "only", nil, "queries to run, with commas (default: all: "+
		strings.Join(bench.NexmarkNames(), ", ")+")")
	fl.Int64Var(&cfg.Events, "events", 10_000_000, "events of all kinds in direct mode")
	fl.Int64Var(&cfg.MessageEvents, "message-events", 0, "events in message mode; 0 leaves it out")
	fl.Int64Var(&cfg.Rate, "rate", 10_000_000, "events a second of event time")
	fl.Int64Var(&cfg.Group, "group", 1, "events within which the order is shuffled; 1 is in order")
	fl.BoolVar(
		&cfg.Changes,
		"changes",
		false,
		"run the queries as ones that run for ever do: emit changes, of windows "+
			"what is final",
	)
	fl.IntVar(&cfg.Partitions, "partitions", 1, "partitions of each stream")
	fl.StringVar(&cfg.Dir, "dir", "", "folder for scripts while it runs (default: the system's temporary folder)")
	return takesOutput(cmd, outputText, outputJSON)
}
