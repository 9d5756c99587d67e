package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/leatsql/leat/internal/direct"
	"github.com/leatsql/leat/internal/errcode"
	"github.com/leatsql/leat/internal/format"
	"github.com/leatsql/leat/internal/script"
	"github.com/leatsql/leat/internal/source"
	"github.com/leatsql/leat/internal/spill"
	"github.com/leatsql/leat/internal/stage"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// runFlags are the flags of leat run.
type runFlags struct {
	in, out, define []string
	mode            string
	stats           bool
	now             string
	onError         string
	partitions      int
	dead            string
	batchRows       int
	state           stateFlags
}

func newRunCmd(g *globals) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run FILE.sql|-",
		Short: "Run a script on files or standard input and print the rows of its last SELECT",
		Long: "Runs the statements of a script over bounded input, without a server. The rows of the last SELECT go " +
			"to stdout; counts go to stderr. Every window closes at the end of the input, unless the query says EMIT " +
			"CHANGES.\n\n" +
			"FROM may name a file ('trades.csv', .json, .ndjson, .jsonl, each also .gz): its columns, and those of a " +
			"declaration without any, are made of a sample; the statement with them goes to stderr.\n\n" +
			"A record that cannot be read is a dead letter: it is told on stderr and kept in STREAM.dead.jsonl " +
			"(--dead names another folder, or none). Dead letters alone leave exit code 0; --on-error fail_fast " +
			"gives 5.",
		Example: "  leat run app.sql --define in=trades.csv -o csv\n  zcat trades.gz | leat run app.sql --in trades=-",
		Args:    argsBetween(1, 1),
		RunE:    func(cmd *cobra.Command, args []string) error { return g.run(cmd.Context(), args[0], f) },
	}
	fl := cmd.Flags()
	fl.StringArrayVar(&f.in, "in", nil, "STREAM=FILE: read the stream from a file, - is standard input (repeatable)")
	fl.StringArrayVar(&f.out, "out", nil, "OBJECT=FILE: write the rows of a stream or table to a file (repeatable)")
	fl.StringArrayVar(&f.define, "define", nil, "NAME=VALUE: what ${NAME} stands for (repeatable)")
	fl.Var(newChoice(&f.mode, "direct", "direct", "message"), "mode",
		"direct: in this process; message: through an embedded JetStream")
	fl.BoolVar(&f.stats, "stats", false, "counts of each stage on stderr")
	fl.StringVar(&f.now, "now", "", "append time of all rows (RFC 3339 or ms; default: the clock)")
	fl.Var(newChoice(&f.onError, "", "dlq", "skip", "fail_fast"), "on-error",
		"overrides on_error of all sources and queries")
	fl.IntVar(&f.partitions, "partitions", 1, "partitions of each source (1..1024)")
	fl.StringVar(&f.dead, "dead", ".", "folder for dead letters, or none")
	fl.IntVar(&f.batchRows, "batch-rows", 0, "most rows of a batch (0: the default)")
	f.state.add(fl, "the system's temporary folder")
	return takesOutput(cmd, outputTable, outputJSONL, outputCSV, outputVertical, outputJSON)
}

// pairs reads NAME=VALUE flags.
func pairs(flag string, list []string) (map[string]string, error) {
	out := map[string]string{}
	for _, s := range list {
		k, v, ok := strings.Cut(s, "=")
		if !ok || k == "" {
			return nil, usageErr("--%s %q: want NAME=VALUE", flag, s)
		}
		out[k] = v
	}
	return out, nil
}

const maxScript = 64 << 10

// readScript reads the script; - is standard input.
func (g *globals) readScript(name string) (string, error) {
	in := g.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return "", errcode.New(errcode.Usage, "%w", err).
				WithHint("leat run takes the path of a script, or - for standard input")
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxScript+1))
	if err != nil {
		return "", errcode.New(errcode.Usage, "read the script: %w", err)
	}
	return string(text), nil
}

// run runs a script.
func (g *globals) run(ctx context.Context, name string, f runFlags) error {
	vars, err := pairs("define", f.define)
	if err != nil {
		return err
	}
	inputs, err := pairs("in", f.in)
	if err != nil {
		return err
	}
	if f.partitions < 1 || f.partitions > 1024 {
		return usageErr("--partitions: %d is outside 1..1024", f.partitions)
	}
	nowMs, err := parseNow(f.now)
	if err != nil {
		return err
	}
	text, err := g.readScript(name)
	if err != nil {
		return err
	}
	outputs, err := outStatements(f.out)
	if err != nil {
		return err
	}
	text += outputs
	opt := script.Options{Vars: vars, Inputs: inputs, Partitions: f.partitions}
	if name != "-" {
		opt.Dir = filepath.Dir(name)
	}
	p, errs := script.Compile(ctx, text, opt)
	if len(errs) > 0 {
		all := make([]error, len(errs))
		for i, e := range errs {
			all[i] = e
		}
		return inSource(errors.Join(all...), name, text)
	}
	for _, n := range p.Notices {
		g.hintf("%s", n)
	}
	for _, w := range p.Warnings {
		g.hintf("warning: %s", w)
	}
	return g.runProgram(ctx, p, f, runFiles{name: name, nowMs: nowMs})
}

// runFiles is where a run stands.
type runFiles struct {
	name  string
	nowMs int64
}

// outStatements makes a sink statement of each --out.
func outStatements(list []string) (string, error) {
	var sb strings.Builder
	for i, s := range list {
		obj, path, ok := strings.Cut(s, "=")
		if !ok || obj == "" || path == "" {
			return "", usageErr("--out %q: want OBJECT=FILE", s)
		}
		fmt.Fprintf(&sb, "\n;CREATE SINK \"--out %d\" FROM %s TO FILE '%s';", i, obj,
			strings.ReplaceAll(path, "'", "''"))
	}
	return sb.String(), nil
}

func parseNow(s string) (int64, error) {
	if s == "" {
		return time.Now().UnixMilli(), nil
	}
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil {
		return ms, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return 0, usageErr("--now %q is neither RFC 3339 nor milliseconds", s)
	}
	return t.UnixMilli(), nil
}

const outBuffer = 64 << 10

// runProgram runs a checked script in the chosen mode and tells the counts.
func (g *globals) runProgram(ctx context.Context, p *script.Program, f runFlags, at runFiles) error {
	out := bufio.NewWriterSize(g.stdout, outBuffer)
	for _, e := range p.Explains {
		fmt.Fprint(out, e)
	}
	rows, err := format.NewWriter(g.output, out)
	if err != nil {
		return usageErr("%w", err)
	}
	d := &deadFiles{g: g, dir: f.dead}
	opt := script.RunOptions{
		Stdin: g.stdin, Out: rows, Stdout: out, NowMs: at.nowMs, OnError: f.onError,
		MaxRows: f.batchRows, Bad: d.bad, Failed: d.failed,
	}
	if opt.Budget, err = f.state.budget(""); err != nil {
		return err
	}
	if at.name != "-" {
		opt.Dir = filepath.Dir(at.name)
	}
	if g.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, g.timeout, errRunTimeout)
		defer cancel()
	}
	started := time.Now()
	var stats script.Stats
	if f.mode == "message" {
		stats, err = g.runMessages(ctx, p, opt)
	} else {
		stats, err = p.Run(ctx, opt)
	}
	err = errors.Join(err, out.Flush(), d.close())
	if errors.Is(err, syscall.EPIPE) { // head has seen enough
		return nil
	}
	if err != nil && errors.Is(context.Cause(ctx), errRunTimeout) {
		return errcode.New(errcode.Timeout, "the run is not over after %s", g.timeout).
			WithHint("--timeout waits longer; without it there is no limit")
	}
	if err != nil {
		return runError(err)
	}
	g.tellRun(p, stats, f, time.Since(started))
	return nil
}

// runError gives an error of a run its code.
func runError(err error) error {
	var bad *source.BadRowError
	var failed *stage.FailedError
	var full *spill.FullError
	switch {
	case errors.As(err, &bad):
		return errcode.New(errcode.Code(bad.Bad.Code), "%s", err.Error())
	case errors.As(err, &failed):
		return errcode.New(errcode.BadRow, "%s", err.Error())
	case errors.As(err, &full):
		return errcode.New(errcode.StoreBad, "%s", err.Error())
	case errors.Is(err, os.ErrNotExist), errors.Is(err, os.ErrPermission):
		return errcode.New(errcode.Code(sqlerr.NotFound), "%s", err.Error())
	}
	if code := errcode.Of(err); code != errcode.Internal {
		return err
	}
	return errcode.New(errcode.BadRow, "%s", err.Error()) // what a source or a file refuses
}

var errRunTimeout = errors.New("the run took too long")

// tellRun prints the counts.
func (g *globals) tellRun(p *script.Program, s script.Stats, f runFlags, took time.Duration) {
	if p.Result == nil && len(p.Explains) == 0 && len(p.Sinks) == 0 {
		g.hintf("nothing to print: the script has no SELECT")
	}
	line := fmt.Sprintf("%s in, %s out, %s dead", thousands(s.In), thousands(s.Out), thousands(s.Dead))
	if late := s.Late(); late > 0 {
		line += fmt.Sprintf(", %s late", thousands(late))
	}
	g.hintf("%s, %.2f s", line, took.Seconds())
	if f.stats {
		for _, c := range s.Stages {
			g.hintf("stage %s: in %d = used %d + filtered %d + late %d + dead-lettered %d + skipped %d, out %d, %s",
				c.Stage, c.In, c.Used, c.Filtered, c.Late, c.DeadLettered, c.Skipped, c.Out, stateText(c))
		}
	}
}

// stateText tells how large the state of a stage is, and what one of its keys takes.
func stateText(c direct.StageCounts) string {
	s := fmt.Sprintf("state %d bytes", c.StateBytes)
	if c.StateKeys > 0 {
		s += fmt.Sprintf(" of %d keys (%d bytes each)", c.StateKeys, c.StateBytes/c.StateKeys)
	}
	if c.StoredBytes > 0 {
		s += fmt.Sprintf(", %d bytes of it in files", c.StoredBytes)
	}
	return s
}

// thousands writes 12,345,678.
func thousands(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
