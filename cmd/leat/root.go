package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/leatsql/leat/internal/errcode"
)

// commands makes every command; each stands in a file cmd_<name>.go of its own.
var commands = []func(*globals) *cobra.Command{
	newSQLCmd,
	newDevCmd,
	newPrintCmd,
	newDLQCmd,
	newRunCmd,
	newTestCmd,
	newServeCmd,
	newBenchCmd,
	newHealthCmd,
	newEnvCmd,
	newCompletionCmd,
	newVersionCmd,
}

// newRoot makes the command tree.
func newRoot(g *globals) *cobra.Command {
	root := &cobra.Command{
		Use:           "leat",
		Short:         "Streaming SQL for NATS: exactly once, in one binary",
		SilenceErrors: true, // execute prints them, in our form
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs, // a wrong command is ours to answer
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return unknownCommand(cmd, args[0])
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := g.applySettings(cmd); err != nil {
				return err
			}
			return g.settleOutput(cmd)
		},
	}
	root.SetArgs(g.args)
	root.SetIn(g.stdin)
	root.SetOut(g.stdout)
	root.SetErr(g.stderr)
	root.CompletionOptions.DisableDefaultCmd = true // it takes any word and exits with 0
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(newHelpCmd(g))
	g.register(root)
	for _, newCmd := range commands {
		root.AddCommand(newCmd(g))
	}
	return root
}

// group makes a command that only has subcommands. cobra itself answers a wrong one with help and success.
func group(use, short string, subs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageErr("%q needs a subcommand", cmd.CommandPath()).WithHint("one of %s", subcommands(cmd))
			}
			return unknownCommand(cmd, args[0])
		},
	}
	cmd.AddCommand(subs...)
	return cmd
}

func unknownCommand(cmd *cobra.Command, name string) error {
	e := usageErr("%q has no command %q", cmd.CommandPath(), name)
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		return e.WithHint("did you mean %s?", strings.Join(near, " or "))
	}
	return e.WithHint("one of %s", subcommands(cmd))
}

func subcommands(cmd *cobra.Command) string {
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return strings.Join(names, ", ")
}

// flagError gives an error of the flag parser its code and a hint.
func flagError(cmd *cobra.Command, err error) error {
	if wrong, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		cause := strings.TrimPrefix(errors.Unwrap(wrong).Error(), "time: ")
		e := usageErr("--%s: %q is not allowed", wrong.GetFlag().Name, wrong.GetValue())
		return e.WithHint("%s", cause)
	}
	e := errcode.New(errcode.Usage, "%w", err)
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		if near := nearestFlag(cmd, unknown.GetSpecifiedName()); near != "" {
			return e.WithHint("did you mean --%s?", near)
		}
	}
	return e.WithHint("%s --help lists the flags", cmd.CommandPath())
}

// nearestFlag returns the flag of cmd that name most likely means, or "".
func nearestFlag(cmd *cobra.Command, name string) string {
	near := ""
	best := 3 // edits, exclusive
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if d := edits(name, f.Name); d < best && d < len(name) {
			near, best = f.Name, d
		}
	})
	return near
}

// edits is the Levenshtein distance of two short words.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			above := row[j+1]
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			row[j+1] = min(cost, above+1, row[j]+1)
			diagonal = above
		}
	}
	return row[len(b)]
}
