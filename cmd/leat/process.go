package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/leatsql/leat/internal/errcode"
)

// process is what the operating system gives; nothing else in this package asks it for arguments, streams or settings.
type process struct {
	args           []string
	lookupEnv      func(string) (string, bool)
	stdin          io.Reader
	stdout, stderr io.Writer
}

// stopped is the cause of a context that a signal ended.
type stopped struct{ signal os.Signal }

func (s stopped) Error() string { return fmt.Sprintf("stopped by %v", s.signal) }

// execute runs one command line and returns the exit code of the process.
func execute(p process) int {
	ctx, end := withSignals(context.Background())
	defer end()
	g := &globals{process: p, origins: map[string]string{}}
	err := newRoot(g).ExecuteContext(ctx)
	var by stopped
	if !g.shell && errors.As(context.Cause(ctx), &by) &&
		(err == nil || errors.Is(err, context.Canceled) || errors.As(err, &by)) {
		if by.signal == syscall.SIGTERM {
			return errcode.ExitTerminated
		}
		return errcode.ExitInterrupted
	}
	if err == nil || errors.Is(err, syscall.EPIPE) {
		return 0
	}
	if g.asksJSON() {
		g.output = outputJSON // the flags may not have been read when it failed
	}
	g.printError(err)
	return exitCode(err)
}

// withSignals returns a context that the first SIGINT or SIGTERM ends. The second one kills the process, as if nobody
// had asked for it: a stop that hangs must not need another terminal.
func withSignals(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case s := <-signals:
			signal.Stop(signals)
			cancel(stopped{s})
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
		<-done
	}
}
