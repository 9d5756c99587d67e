package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/leatsql/leat/internal/telemetry"
)

// The values of -o. Which of them a command takes, and the first as its default, it says with takesOutput.
const (
	outputText     = "text"
	outputJSON     = "json"
	outputTable    = "table"
	outputJSONL    = "jsonl"
	outputCSV      = "csv"
	outputVertical = "vertical"
)

// annotationOutputs lists the values of -o that a command takes.
const annotationOutputs = "leat.outputs"

// globals are the flags that every command has, and the process it runs in.
type globals struct {
	process

	output    string // settled before the command runs
	nats      string
	context   string
	config    string
	logLevel  string
	logFormat string
	color     string
	timeout   time.Duration // 0: the command's own
	quiet     bool

	shell   bool              // Ctrl-C stopped a query of the shell, not the process
	origins map[string]string // flag name -> flag, env, file; absent: default
}

func (g *globals) register(root *cobra.Command) {
	f := root.PersistentFlags()
	f.VarP(newChoice(&g.output, "", outputText, outputJSON, outputTable, outputJSONL, outputCSV, outputVertical),
		"output-format", "o", "form of the answer (default: the command's own)")
	f.StringVar(&g.nats, "nats", "", "NATS server, nats://HOST:PORT")
	f.StringVar(&g.context, "context", "", "context of the nats command to connect with")
	f.StringVar(&g.config, "config", "", "configuration file (default leat/leat.yaml in your configuration folder)")
	f.Var(newChoice(&g.logLevel, "info", "trace", "debug", "info", "warn", "error"), "log-level", "lowest level to log")
	f.Var(newChoice(&g.logFormat, "json", "json", "text"), "log-format", "form of log lines")
	f.Var(newChoice(&g.color, "auto", "auto", "always", "never"), "color", "colour the output")
	f.DurationVar(&g.timeout, "timeout", 0, "longest wait, such as 10s (default: the command's own)")
	f.BoolVarP(&g.quiet, "quiet", "q", false, "no hints and counts on stderr")
}

// takesOutput says which values of -o cmd takes; the first is its default. Without it: text and json.
func takesOutput(cmd *cobra.Command, outputs ...string) *cobra.Command {
	if cmd.Annotations == nil {
		cmd.Annotations = map[string]string{}
	}
	cmd.Annotations[annotationOutputs] = strings.Join(outputs, ",")
	return cmd
}

func outputsOf(cmd *cobra.Command) []string {
	if list := cmd.Annotations[annotationOutputs]; list != "" {
		return strings.Split(list, ",")
	}
	return []string{outputText, outputJSON}
}

// settleOutput checks -o against what cmd takes.
func (g *globals) settleOutput(cmd *cobra.Command) error {
	allowed := outputsOf(cmd)
	if g.output == "" {
		g.output = allowed[0]
	}
	if slices.Contains(allowed, g.output) {
		return nil
	}
	wrong := g.output
	if wrong != outputJSON {
		g.output = outputText
	}
	return usageErr("-o %s: %q does not have this form", wrong, cmd.CommandPath()).
		WithHint("one of %s", strings.Join(allowed, ", "))
}

// asksJSON tells whether the user asks for JSON, in whatever state the flags are.
func (g *globals) asksJSON() bool {
	if g.output != "" {
		return g.output == outputJSON
	}
	for i, a := range g.args {
		if a == "--" {
			break
		}
		next := i+1 < len(g.args) && g.args[i+1] == outputJSON
		switch a {
		case "-o", "--output-format":
			if next {
				return true
			}
		case "-ojson", "-o=json", "--output-format=json":
			return true
		}
	}
	return g.env(envName("output-format")) == outputJSON
}

// given tells whether the flag was set by the user in any way: on the command line, by environment or file.
func (g *globals) given(flag string) bool { return g.origins[flag] != "" }

// logConfig returns the settings of the logger.
func (g *globals) logConfig() (telemetry.LogConfig, error) {
	level, err := telemetry.ParseLevel(g.logLevel)
	if err != nil {
		return telemetry.LogConfig{}, usageErr("--log-level: %w", err)
	}
	return telemetry.LogConfig{Level: level, Format: telemetry.Format(g.logFormat), Output: g.stderr}, nil
}

// env returns an environment variable, or "".
func (g *globals) env(key string) string {
	if g.lookupEnv == nil {
		return ""
	}
	v, _ := g.lookupEnv(key)
	return v
}

// hintf writes a line for people to stderr, unless -q.
func (g *globals) hintf(format string, args ...any) {
	if !g.quiet {
		fmt.Fprintf(g.stderr, format+"\n", args...)
	}
}

// isTerminal tells whether w, a stream of the process, is a terminal.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && f.Name() != os.DevNull
}

// colored tells whether to colour what goes to w: --color, then CLICOLOR_FORCE, NO_COLOR and TERM=dumb, then whether w
// is a terminal.
func (g *globals) colored(w any) bool {
	force := g.env("CLICOLOR_FORCE")
	switch {
	case g.color == "always":
		return true
	case g.color == "never":
		return false
	case force != "" && force != "0":
		return true
	case g.env("NO_COLOR") != "" || g.env("TERM") == "dumb":
		return false
	}
	return isTerminal(w)
}
