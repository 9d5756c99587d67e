package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/reeflective/readline"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/errcode"
	"github.com/leatsql/leat/internal/pause"
	"github.com/leatsql/leat/pkg/sql/parser"
)

const shellHelp = `A statement ends with ;   Tab completes, Ctrl-R searches the history, ` +
	`Ctrl-C drops the line or stops a query.
  \d            streams and tables          \d NAME   columns of one
  \dq           queries                     \dk       sinks
  \x            one column a line, on/off   \timing   time of each statement, on/off
  \o FILE       rows to a file; \o alone: back to the terminal
  \e            edit the last statement in $EDITOR and run it
  \i FILE       run a script                \watch N  run the last statement every N seconds
  \c            connection and status       \?        this help        \q  quit
`

// shell is the interactive form of leat sql.
func (s *sqlSession) shell(ctx context.Context) error {
	status, err := s.c.Status(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "Leat at %s. %d sources, %d queries, %d sinks. \\? for help, \\q to quit.\n", status.NATS,
		len(status.Sources), len(status.Queries), len(status.Sinks))
	// Ctrl-C is the shell's from here on: for the process it would be the end. A query that runs listens for itself.
	interrupts := make(chan os.Signal, 1)
	signal.Reset(os.Interrupt)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	rl := readline.NewShell()
	rl.Prompt.Primary(func() string { return "leat> " })
	rl.Prompt.Secondary(func() string { return "  ... " })
	rl.AcceptMultiline = func(line []rune) bool { return complete(string(line)) }
	rl.Completer = s.completions(ctx)
	if dir, err := s.g.stateDir(); err == nil && os.MkdirAll(dir, 0o700) == nil {
		rl.History.AddFromFile("leat", filepath.Join(dir, "history"))
	}
	sh := &shellState{s: s}
	for {
		line, err := rl.Readline()
		switch {
		case errors.Is(err, readline.ErrInterrupt):
			continue // Ctrl-C drops the line
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read a line: %w", err)
		}
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if quit := sh.run(ctx, line); quit {
			return nil
		}
	}
}

// complete tells whether a line is a command, or ends its last statement.
func complete(line string) bool {
	line = strings.TrimSpace(line)
	if line == "" || strings.HasPrefix(line, `\`) || line == "exit" || line == "quit" {
		return true
	}
	_, rest := parser.Split(line)
	return strings.TrimSpace(rest) == ""
}

// shellState is what the shell remembers between lines.
type shellState struct {
	s    *sqlSession
	last string
	file *os.File // of \o
}

// run runs a line; Ctrl-C stops what it runs, never the shell.
func (sh *shellState) run(ctx context.Context, line string) (quit bool) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	var err error
	if strings.HasPrefix(line, `\`) || line == "exit" || line == "quit" {
		quit, err = sh.command(ctx, line)
	} else {
		sh.last = line
		err = sh.s.script(ctx, "", line)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		sh.s.g.printError(err)
	}
	return quit
}

// command runs a backslash command.
func (sh *shellState) command(ctx context.Context, line string) (quit bool, err error) {
	name, arg, _ := strings.Cut(line, " ")
	arg = strings.TrimSpace(arg)
	s := sh.s
	switch name {
	case `\q`, "exit", "quit":
		return true, nil
	case `\?`:
		_, err = io.WriteString(s.out, shellHelp)
	case `\d`:
		if arg != "" {
			return false, s.script(ctx, "", "DESCRIBE "+arg)
		}
		err = s.script(ctx, "", "SHOW STREAMS; SHOW TABLES")
	case `\dq`:
		err = s.script(ctx, "", "SHOW QUERIES")
	case `\dk`:
		err = s.script(ctx, "", "SHOW SINKS")
	case `\x`:
		s.output = toggle(s.output == outputVertical, outputTable, outputVertical)
	case `\timing`:
		s.timing = !s.timing
	case `\o`:
		err = sh.redirect(arg)
	case `\i`:
		err = sh.include(ctx, arg)
	case `\e`:
		err = sh.edit(ctx)
	case `\watch`:
		err = sh.watch(ctx, arg)
	case `\c`:
		err = sh.connection(ctx)
	default:
		err = usageErr("no command %s", name).WithHint(`\? lists them`)
	}
	return false, err
}

func toggle(on bool, a, b string) string {
	if on {
		return a
	}
	return b
}

func (sh *shellState) redirect(path string) error {
	if sh.file != nil {
		err := sh.file.Close()
		sh.file, sh.s.out = nil, sh.s.g.stdout
		if err != nil {
			return err
		}
	}
	if path == "" {
		return nil
	}
	f, err := os.Create(path)
	if err != nil {
		return errcode.New(errcode.Usage, "%w", err)
	}
	sh.file, sh.s.out = f, f
	return nil
}

func (sh *shellState) include(ctx context.Context, path string) error {
	text, err := sh.s.g.readScript(path)
	if err != nil {
		return err
	}
	return sh.s.script(ctx, path, text)
}

func (sh *shellState) edit(ctx context.Context) error {
	f, err := os.CreateTemp("", "leat-*.sql")
	if err != nil {
		return errcode.New(errcode.Usage, "%w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // a temporary file
	_, err = f.WriteString(sh.last + "\n")
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := runEditor(ctx, orDefault(sh.s.g.env("EDITOR"), "vi"), f.Name()); err != nil {
		return errcode.New(errcode.Usage, "run the editor: %w", err).WithHint("EDITOR names it")
	}
	text, err := sh.s.g.readScript(f.Name())
	if err != nil || strings.TrimSpace(text) == "" {
		return err
	}
	sh.last = strings.TrimSpace(text)
	return sh.s.script(ctx, "", sh.last)
}

func (sh *shellState) watch(ctx context.Context, arg string) error {
	every, err := strconv.ParseFloat(orDefault(arg, "2"), 64)
	if err != nil || every < 0.1 || every > 3600 {
		return usageErr(`\watch %s: want seconds, 0.1 to 3600`, arg)
	}
	if sh.last == "" {
		return usageErr("there is no statement to watch yet")
	}
	for {
		if err := sh.s.script(ctx, "", sh.last); err != nil {
			return err
		}
		if !pause.For(ctx, time.Duration(every*float64(time.Second))) {
			return nil
		}
	}
}

func (sh *shellState) connection(ctx context.Context) error {
	st, err := sh.s.c.Status(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(sh.s.out, "NATS %s  HTTP %s  members %d\n", st.NATS, st.HTTP, len(st.Members))
	return err
}

// completions completes keywords from the parser and names from the server.
func (s *sqlSession) completions(ctx context.Context) func(line []rune, cursor int) readline.Completions {
	names := func() []string {
		cctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		resp, err := s.c.Execute(cctx, api.ExecuteRequest{Script: "SHOW STREAMS; SHOW TABLES; SHOW SINKS"})
		if err != nil {
			return nil
		}
		var out []string
		for _, r := range resp.Results {
			for _, row := range r.Rows {
				out = append(out, row[0])
			}
		}
		return out
	}
	return func(line []rune, cursor int) readline.Completions {
		text := string(line[:cursor])
		words := append(keywordsAfter(text), names()...)
		return readline.CompleteValues(words...).NoSpace(';')
	}
}
