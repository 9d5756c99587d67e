package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/leatsql/leat/internal/broker"
	"github.com/leatsql/leat/internal/catalog"
	"github.com/leatsql/leat/internal/direct"
	"github.com/leatsql/leat/internal/errcode"
	"github.com/leatsql/leat/internal/format"
	"github.com/leatsql/leat/internal/script"
	"github.com/leatsql/leat/internal/source"
	"github.com/leatsql/leat/internal/stage"
	"github.com/leatsql/leat/internal/task"
	"github.com/leatsql/leat/internal/telemetry"
	"github.com/leatsql/leat/pkg/messages"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
	"github.com/leatsql/leat/services/coordinator"
)

// resultTopic is the log of the last SELECT; its capital letter keeps it apart from users' names.
const resultTopic = "R-result"

// runMessages runs a checked script through an embedded JetStream: the services of leat dev, with inputs that end.
func (g *globals) runMessages(
	ctx context.Context, p *script.Program, opt script.RunOptions,
) (stats script.Stats, err error) {
	dir, err := os.MkdirTemp("", "leat-run-")
	if err != nil {
		return stats, errcode.New(errcode.StoreBad, "make a temporary folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // a temporary folder
	b, err := boundedProgram(p, opt, dir)
	if err != nil {
		return stats, err
	}
	s, err := broker.Start(ctx, broker.Config{StoreDir: filepath.Join(dir, "store")})
	if err != nil {
		return stats, err
	}
	defer func() { err = errors.Join(err, s.Shutdown()) }()
	cfg := nodeConfig{roles: allRoles, console: io.Discard, fresh: true, state: opt.Budget}
	if cfg.leat, err = s.Leat("leat run"); err != nil {
		return stats, err
	}
	if cfg.app, err = s.App("leat run (users)"); err != nil {
		return stats, err
	}
	logs := telemetry.LogConfig{Level: hclog.Off, Output: io.Discard}
	if g.given("log-level") {
		if logs, err = g.logConfig(); err != nil {
			return stats, err
		}
	}
	if cfg.telemetry, err = telemetry.New(ctx, telemetry.Config{
		Service: "leat-run", Version: version,
		Log: logs,
	}); err != nil {
		return stats, err
	}
	defer shutdownTelemetry(ctx, cfg.telemetry)
	m := &messageRun{p: p, b: b, opt: opt}
	err = m.run(ctx, cfg)
	return m.stats, err
}

// messageRun is one run in message mode.
type messageRun struct {
	p     *script.Program
	b     *coordinator.Bounded
	opt   script.RunOptions
	stats script.Stats
	node  *node
}

// run starts the services, runs the program and reads its results.
func (m *messageRun) run(ctx context.Context, cfg nodeConfig) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ready := make(chan *coordinator.Coordinator, 1)
	cfg.onReady = func(c *coordinator.Coordinator) { ready <- c }
	cfg.onOpen = func(n *node) { m.node = n }
	done := make(chan error, 1)
	go func() { done <- runNode(ctx, cfg) }()
	var c *coordinator.Coordinator
	select {
	case err := <-done:
		return err
	case c = <-ready:
	}
	err := c.RunBounded(ctx, m.b)
	if err == nil {
		err = m.results(ctx, c)
	}
	m.count(ctx, c)
	cancel(errRunEnded)
	if e := <-done; e != nil && !errors.Is(e, errRunEnded) && !errors.Is(e, context.Canceled) {
		err = errors.Join(err, e)
	}
	if stopped, ok := errors.AsType[*coordinator.StoppedError](err); ok {
		return errcode.New(errcode.BadRow, "%s", stopped.Error())
	}
	return err
}

var errRunEnded = errors.New("the run has ended")

// results prints the rows of the SELECT, then writes the sinks.
func (m *messageRun) results(ctx context.Context, c *coordinator.Coordinator) error {
	if m.p.Result != nil {
		last := m.p.Result.Stages[len(m.p.Result.Stages)-1]
		if err := m.opt.Out.Begin(m.p.Result.Result.Schema); err != nil {
			return err
		}
		result := coordinator.Ending{
			Topic: resultTopic, Schema: m.p.Result.Result.Schema, Partitions: last.Output.Partitions,
			Writers: func(part int) []string { return stage.Writers(last, part) },
		}
		err := c.ReadToEnd(ctx, result, func(b *vector.Batch) error {
			m.stats.Out += uint64(b.Rows)
			return m.opt.Out.Write(b)
		})
		if err = errors.Join(err, m.opt.Out.End()); err != nil {
			return err
		}
	}
	return m.sinks(ctx, c)
}

// sinks writes the rows of each sink's object.
func (m *messageRun) sinks(ctx context.Context, c *coordinator.Coordinator) error {
	for _, s := range m.p.Sinks {
		o, _ := m.p.Objects.Object(s.From)
		out, end, err := script.OpenSink(s, m.opt.Stdout)
		if err != nil {
			return err
		}
		writers := stage.TopicWritersOf(o, m.p.Plans)
		err = out.Begin(o.Schema())
		if err == nil {
			rows := coordinator.Ending{Topic: o.Topic, Schema: o.Schema(), Partitions: o.Partitions, Writers: writers}
			err = c.ReadToEnd(ctx, rows, func(b *vector.Batch) error {
				m.stats.Out += uint64(b.Rows)
				return out.Write(b)
			})
		}
		if err = errors.Join(err, out.End(), end()); err != nil {
			return err
		}
	}
	return nil
}

const countWait = 5 * time.Second

// count collects the counts and tells the dead letters.
func (m *messageRun) count(ctx context.Context, c *coordinator.Coordinator) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), countWait)
	defer cancel()
	var dead uint64
	_ = c.DeadLetters(ctx, func(d *messages.DeadLetter) { // a run that was cut short has none to tell
		dead++
		if d.Query != "" {
			m.opt.Failed(d.Stage, d.Original, d.Code, d.Error)
			return
		}
		m.opt.Bad(d.Source, source.BadRow{
			Origin: source.Origin{Subject: d.Subject},
			BadRow: format.BadRow{
				Line: d.Row, Original: d.Original, Truncated: d.Truncated, Code: d.Code,
				Reason: d.Error,
			},
		})
	})
	m.stats.Dead = dead
	r := m.node.report()
	for _, src := range r.Sources {
		m.stats.In += src.Counts.In
	}
	for _, t := range r.Tasks {
		c := t.Counts
		m.stats.Stages = append(m.stats.Stages, direct.StageCounts{
			Stage: t.Name, StateBytes: t.StateBytes, StoredBytes: t.StoredBytes, StateKeys: t.StateKeys,
			Counts: task.Counts{
				In: c.In, Used: c.Used, Out: c.Out, Filtered: c.Filtered, Late: c.Late,
				DeadLettered: c.DeadLettered, Skipped: c.Skipped,
			},
		})
	}
}

// boundedProgram makes what the coordinator runs of a script: paths are made absolute, standard input and the rows of
// INSERT VALUES into streams without a source become files.
func boundedProgram(p *script.Program, opt script.RunOptions, dir string) (*coordinator.Bounded, error) {
	plans, names := p.Needed()
	b := &coordinator.Bounded{Inserts: map[string][]*vector.Batch{}}
	for _, ins := range p.Inserts {
		b.Inserts[ins.Object.Name] = append(b.Inserts[ins.Object.Name], ins.Rows)
	}
	for _, name := range names {
		o, err := boundedSource(p.Objects[name], opt, dir, b)
		if err != nil {
			return nil, err
		}
		for _, s := range p.Sinks { // nobody else may read it
			if from, _ := p.Objects.Object(s.From); from.Name == name && o.Source.Connector == "file" {
				o.Source.Options = map[string]string{plan.OptionEager: "true"}
			}
		}
		b.Objects = append(b.Objects, o)
	}
	for _, pl := range plans {
		q := &catalog.Query{
			Profile: p.Profile, KeyFormat: p.KeyFormat, Types: p.Types,
			Functions: p.Functions,
			ID:        pl.Query, Statement: p.Texts[pl.Query], State: catalog.Running,
			OnError: orDefault(opt.OnError, "dlq"), Emit: p.Emit, Bounded: true,
		}
		if pl == p.Result {
			q.Topic, q.Result = resultTopic, resultTopic
		} else {
			o := objectOfTopic(p.Objects, pl.Stages[len(pl.Stages)-1].Output.Topic)
			q.Result = o.Name
			if o.Query == pl.Query {
				b.Derived = append(b.Derived, o)
			}
			if pl.Late != nil {
				b.Derived = append(b.Derived, pl.Late)
			}
		}
		b.Queries = append(b.Queries, q)
	}
	return b, nil
}

func objectOfTopic(objects plan.Objects, topic string) *plan.Object {
	for _, n := range objects.Names() {
		if objects[n].Topic == topic {
			return objects[n]
		}
	}
	return nil
}

// boundedSource is a declared object as a file that ingest can read.
func boundedSource(o *plan.Object, opt script.RunOptions, dir string, b *coordinator.Bounded) (*plan.Object, error) {
	out, s := *o, *o.Source
	out.Source = &s
	if opt.OnError != "" {
		s.OnError = opt.OnError
	}
	switch s.Connector {
	case "file":
		path, err := filepath.Abs(script.Locate(s.Path, opt.Dir))
		if err != nil {
			return nil, err
		}
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("stream %s: %w", o.Name, err)
		}
		s.Path, s.Follow = path, false
	case "stdin":
		s.Connector, s.Path = "file", filepath.Join(dir, o.Topic+".in")
		if err := spool(s.Path, opt.Stdin); err != nil {
			return nil, err
		}
	case "http":
		s.Connector, s.Path, s.Format = "file", filepath.Join(dir, o.Topic+".in"), "json"
		rows := b.Inserts[o.Name]
		delete(b.Inserts, o.Name)
		if err := writeRows(s.Path, o, rows); err != nil {
			return nil, err
		}
	case "generator":
		if s.Options["limit"] == "" {
			return nil, fmt.Errorf("stream %s: a generator needs a limit in leat run; add limit = '1000'", o.Name)
		}
	default:
		return nil, fmt.Errorf("stream %s: connector %s is not supported by leat run; leat dev runs it", o.Name,
			s.Connector)
	}
	return &out, nil
}

// spool copies standard input to a file, so that ingest can read it again after a restart.
func spool(path string, in io.Reader) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("keep standard input: %w", err)
	}
	_, err = io.Copy(f, in)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("keep standard input: %w", err)
	}
	return nil
}

// writeRows writes the rows of INSERT VALUES as NDJSON.
func writeRows(path string, o *plan.Object, rows []*vector.Batch) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("keep the rows of INSERT: %w", err)
	}
	w, err := format.NewWriter("jsonl", f)
	if err == nil {
		err = w.Begin(o.Schema())
	}
	for _, b := range rows {
		if err == nil {
			err = w.Write(b)
		}
	}
	if err = errors.Join(err, w.End(), f.Close()); err != nil {
		return fmt.Errorf("keep the rows of INSERT: %w", err)
	}
	return nil
}
