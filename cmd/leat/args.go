package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// noArgs refuses arguments.
func noArgs(cmd *cobra.Command, args []string) error { return countArgs(cmd, args, 0, 0) }

// argsBetween takes at least least and at most most arguments; most below 0 is no limit.
func argsBetween(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error { return countArgs(cmd, args, least, most) }
}

func countArgs(cmd *cobra.Command, args []string, least, most int) error {
	switch {
	case len(args) < least:
		return usageErr("%q needs more arguments", cmd.CommandPath()).WithHint("usage: %s", cmd.UseLine())
	case most >= 0 && len(args) > most:
		return usageErr("%q does not take %q", cmd.CommandPath(), strings.Join(args[most:], " ")).
			WithHint("usage: %s", cmd.UseLine())
	}
	return nil
}
