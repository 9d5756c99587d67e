package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/client"
	"github.com/leatsql/leat/internal/format"
	"github.com/leatsql/leat/pkg/sql/parser"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// sqlFlags are the flags of leat sql.
type sqlFlags struct {
	commands []string
	files    []string
	define   []string
	latest   bool
}

func newSQLCmd(g *globals) *cobra.Command {
	var f sqlFlags
	cmd := &cobra.Command{
		Use:   "sql",
		Short: "Run statements on a running Leat, or open the shell",
		Long: "With -c or -f runs statements in order and stops at the first error. Without, and on a terminal, " +
			"opens the shell; on a pipe the statements are read from standard input. A push query (EMIT CHANGES) " +
			"ends by LIMIT, by --timeout (exit code 0), a closed pipe, or Ctrl-C. Queries read from the beginning " +
			"unless told otherwise.",
		Example: "  leat sql\n  leat sql -c \"SELECT * FROM stats_5m WHERE symbol = 'SYM0'\" -o jsonl",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return g.sql(cmd.Context(), f) },
	}
	fl := cmd.Flags()
	fl.StringArrayVarP(&f.commands, "command", "c", nil, "statements to run (repeatable)")
	fl.StringArrayVarP(&f.files, "file", "f", nil, "script to run (repeatable)")
	fl.StringArrayVar(&f.define, "define", nil, "NAME=VALUE: what ${NAME} stands for (repeatable)")
	fl.BoolVar(&f.latest, "latest", false, "push queries start now instead of at the beginning")
	return takesOutput(cmd, outputTable, outputJSONL, outputCSV, outputVertical, outputJSON)
}

// sqlSession is a conversation with a coordinator.
type sqlSession struct {
	g       *globals
	c       *client.Client
	out     io.Writer
	output  string // form of rows
	session map[string]string
	vars    map[string]string
	latest  bool
	timing  bool
	started time.Time
}

// sql runs leat sql.
func (g *globals) sql(ctx context.Context, f sqlFlags) error {
	vars, err := pairs("define", f.define)
	if err != nil {
		return err
	}
	nc, err := g.connect("sql")
	if err != nil {
		return err
	}
	defer nc.Close()
	s := &sqlSession{g: g, c: client.New(nc, 0), out: g.stdout, output: g.output, vars: vars, latest: f.latest}
	if g.timeout > 0 { // a push query ends in good order
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, g.timeout, errPushTimeout)
		defer cancel()
	}
	if len(f.commands) == 0 && len(f.files) == 0 {
		if isTerminal(g.stdin) && isTerminal(g.stdout) {
			g.shell = true
			return s.shell(ctx)
		}
		f.files = []string{"-"}
	}
	for _, name := range f.files {
		text, err := g.readScript(name)
		if err != nil {
			return err
		}
		if err := s.script(ctx, name, text); err != nil {
			return err
		}
	}
	for _, text := range f.commands {
		if err := s.script(ctx, "", text); err != nil {
			return err
		}
	}
	return nil
}

var errPushTimeout = errors.New("the time is up")

// script runs statements one by one, so that rows of one are shown before the next runs.
func (s *sqlSession) script(ctx context.Context, name, text string) error {
	statements, rest := parser.Split(text)
	if strings.TrimSpace(rest) != "" {
		statements = append(statements, rest)
	}
	for _, st := range statements {
		if err := s.statement(ctx, name, st); err != nil {
			return err
		}
	}
	return nil
}

// statement runs one statement and shows its answer.
func (s *sqlSession) statement(ctx context.Context, name, text string) error {
	s.started = time.Now()
	resp, err := s.c.Execute(ctx, api.ExecuteRequest{
		Script: text, Session: s.session, Vars: s.vars,
		FromLatest: s.latest,
	})
	if err != nil {
		return s.ended(ctx, err)
	}
	for _, r := range resp.Results {
		if err := s.show(ctx, r); err != nil {
			return s.ended(ctx, err)
		}
	}
	if resp.Error != nil {
		return inSource(resp.Error, name, text)
	}
	s.session, s.vars = resp.Session, resp.Vars
	if s.timing {
		s.g.hintf("%.3f s", time.Since(s.started).Seconds())
	}
	return nil
}

// ended turns the end by --timeout into success.
func (s *sqlSession) ended(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errPushTimeout) {
		return nil
	}
	return err
}

// show prints the answer of one statement. Messages of statements go to stderr, tables and rows to stdout.
func (s *sqlSession) show(ctx context.Context, r api.Result) error {
	for _, w := range r.Warnings {
		s.g.hintf("warning: %s", w)
	}
	switch r.Kind {
	case "table":
		if err := s.table(r); err != nil {
			return err
		}
		if r.Message != "" {
			s.g.hintf("%s", r.Message)
		}
		return nil
	case "rows":
		return s.rows(ctx, r)
	default:
		if strings.Contains(r.Message, "\n") { // a text that was asked for, such as a plan
			_, err := fmt.Fprintln(s.out, strings.TrimRight(r.Message, "\n"))
			return err
		}
		s.g.hintf("%s", r.Message)
		return nil
	}
}

// table prints a small table of text.
func (s *sqlSession) table(r api.Result) error {
	schema := &vector.Schema{}
	b := &vector.Batch{Schema: schema, Rows: len(r.Rows), Time: make([]int64, len(r.Rows))}
	for i, c := range r.Columns {
		schema.Fields = append(schema.Fields, vector.Field{Name: c.Name, Type: vector.TString})
		v := &vector.Vector{Type: vector.TString, Len: len(r.Rows), Offs: []uint32{0}}
		for _, row := range r.Rows {
			v.Data = append(v.Data, row[i]...)
			v.Offs = append(v.Offs, uint32(len(v.Data)))
		}
		b.Cols = append(b.Cols, v)
	}
	w, err := format.NewWriter(s.output, s.out)
	if err != nil {
		return usageErr("%w", err)
	}
	return errors.Join(w.Begin(schema), w.Write(b), w.End())
}

// waitingAfter is when a push query without rows says so.
const waitingAfter = 3 * time.Second

// rows prints rows as they come.
func (s *sqlSession) rows(ctx context.Context, r api.Result) (err error) {
	rows, err := s.c.Rows(r)
	if err != nil {
		return err
	}
	rows.Notice = func(text string) { s.g.hintf("%s", text) }
	defer func() {
		cctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = rows.Close(cctx) // the server closes it by itself when it hears nothing
	}()
	output := s.output
	if output == outputTable && r.Push { // a table that never ends is printed as it comes
		output = "live"
	}
	w, err := newRows(output, s.out)
	if err != nil {
		return err
	}
	if err := w.Begin(rows.Schema()); err != nil {
		return err
	}
	told := false
	n := 0
	for {
		b, err := rows.Next(ctx)
		switch {
		case errors.Is(err, io.EOF):
			return w.End()
		case err != nil:
			_ = w.End()
			return err
		case b == nil:
			if r.Push && n == 0 && !told && time.Since(s.started) > waitingAfter {
				told = true
				s.g.hintf("waiting: no rows yet")
			}
			continue
		}
		n += b.Rows
		if err := w.Write(b); err != nil {
			return err
		}
	}
}

// newRows makes a writer of rows; live is a table whose widths are settled by the first rows.
func newRows(kind string, out io.Writer) (format.RowWriter, error) {
	if kind == "live" {
		return &liveTable{out: out}, nil
	}
	w, err := format.NewWriter(kind, out)
	if err != nil {
		return nil, usageErr("%w", err)
	}
	return w, nil
}

// liveTable prints aligned rows as they come.
type liveTable struct {
	out    io.Writer
	schema *vector.Schema
	widths []int
}

const liveMinWidth = 12

// Begin implements format.RowWriter.
func (t *liveTable) Begin(schema *vector.Schema) error {
	t.schema = schema
	cells := make([]string, len(schema.Fields))
	for i, f := range schema.Fields {
		t.widths = append(t.widths, max(liveMinWidth, len(f.Name)))
		cells[i] = f.Name
	}
	return t.line(cells)
}

// Write implements format.RowWriter.
func (t *liveTable) Write(b *vector.Batch) error {
	for i := range b.Rows {
		cells := make([]string, len(b.Cols))
		for k, v := range b.Cols {
			if !v.Null(i) {
				cells[k] = printable(string(vector.AppendText(nil, v, i)))
			}
			t.widths[k] = max(t.widths[k], len(cells[k]))
		}
		if err := t.line(cells); err != nil {
			return err
		}
	}
	return nil
}

func (t *liveTable) line(cells []string) error {
	var sb strings.Builder
	for i, c := range cells {
		if i > 0 {
			sb.WriteString(" | ")
		}
		if i == len(cells)-1 {
			sb.WriteString(c)
			break
		}
		fmt.Fprintf(&sb, "%-*s", t.widths[i], c)
	}
	sb.WriteByte('\n')
	_, err := io.WriteString(t.out, sb.String())
	return err
}

// End implements format.RowWriter.
func (t *liveTable) End() error { return nil }

// printable makes control characters visible.
func printable(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) < 0 {
		return s
	}
	return strings.Trim(fmt.Sprintf("%q", s), `"`)
}
