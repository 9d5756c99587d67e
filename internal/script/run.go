package script

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/leatsql/leat/internal/direct"
	"github.com/leatsql/leat/internal/format"
	"github.com/leatsql/leat/internal/source"
	"github.com/leatsql/leat/internal/stage"
	"github.com/leatsql/leat/pkg/sql/arena"
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// RunOptions say where rows come from and go to.
type RunOptions struct {
	Stdin  io.Reader
	Out    format.RowWriter // rows of the last SELECT
	Stdout io.Writer        // console sinks
	NowMs  int64            // event time of rows without one, append time of all
	// Dir is where the script lies: relative paths that are not found from the working directory are looked up there.
	Dir     string
	OnError string        // overrides the sources' on_error; ""
	MaxRows int           // of a batch; 0: the default
	Crash   bool          // a snapshot and a restore of every machine after every step
	Budget  *arena.Budget // memory of the state, which lies in files above it; nil: no limit
	// Bad hears of records that became dead letters.
	Bad func(stream string, b source.BadRow)
	// Failed hears of rows that failed in a stage.
	Failed func(stage string, row []byte, code, msg string)
}

// Stats is what a run counted.
type Stats struct {
	In, Out, Dead, Skipped uint64
	Stages                 []direct.StageCounts
}

// Late sums the late rows of all stages, Filtered those filtered.
func (s Stats) Late() (n uint64) {
	for _, c := range s.Stages {
		n += c.Late
	}
	return n
}

// execution is one run.
type execution struct {
	p     *Program
	opt   RunOptions
	stats Stats
	files []io.Closer
	sinks map[string][]format.RowWriter // by topic
}

// Run runs the program without a broker.
func (p *Program) Run(ctx context.Context, opt RunOptions) (stats Stats, err error) {
	x := &execution{p: p, opt: opt, sinks: map[string][]format.RowWriter{}}
	defer func() {
		for _, f := range x.files {
			err = errors.Join(err, f.Close())
		}
	}()
	r, err := x.build(ctx)
	if err != nil {
		return x.stats, err
	}
	defer r.Close()
	if p.Result != nil {
		if err := opt.Out.Begin(p.Result.Result.Schema); err != nil {
			return x.stats, err
		}
	}
	err = r.Run(ctx)
	x.stats.Stages = r.Counts()
	for _, c := range x.stats.Stages {
		x.stats.Dead += c.DeadLettered
	}
	if p.Result != nil && err == nil {
		err = opt.Out.End()
	}
	for _, t := range slices.Sorted(maps.Keys(x.sinks)) {
		for _, w := range x.sinks[t] {
			err = errors.Join(err, w.End())
		}
	}
	return x.stats, err
}

// build opens sources and sinks and makes the graph.
func (x *execution) build(ctx context.Context) (*direct.Runner, error) {
	plans, objects := x.p.Needed()
	onError, err := stage.ParseOnError(x.opt.OnError)
	if err != nil {
		return nil, err
	}
	cfg := direct.Config{Plans: plans, Sink: x, OnError: onError, Crash: x.opt.Crash, Budget: x.opt.Budget}
	if x.p.Result != nil {
		cfg.Results = append(cfg.Results, "")
	}
	for _, name := range objects {
		in, err := x.input(ctx, x.p.Objects[name])
		if err != nil {
			return nil, err
		}
		cfg.Inputs = append(cfg.Inputs, in)
	}
	cfg.Inputs = x.insertsInto(cfg.Inputs)
	for _, s := range x.p.Sinks {
		t, err := x.openSink(s)
		if err != nil {
			return nil, err
		}
		cfg.Results = append(cfg.Results, t)
	}
	if len(plans) == 0 && len(x.p.Sinks) == 0 {
		return direct.New(direct.Config{Sink: x})
	}
	return direct.New(cfg)
}

// input opens the source of a declared object.
func (x *execution) input(ctx context.Context, o *plan.Object) (direct.Input, error) {
	in := direct.Input{
		Topic: o.Topic, Writers: direct.One(stage.IngestWriter), Keys: o.Placement(),
		Partitions: o.Partitions, Table: o.Kind == ast.Table,
	}
	r, err := x.open(ctx, o)
	if err != nil {
		return in, err
	}
	if r == nil { // rows come by INSERT alone
		in.Source = &inserts{}
		return in, nil
	}
	x.files = append(x.files, r)
	in.Source = &reading{x: x, r: r, o: o}
	return in, nil
}

// open opens the reader of a source; nil for one that only INSERT fills.
func (x *execution) open(ctx context.Context, o *plan.Object) (*source.Reader, error) {
	s := o.Source
	cfg := source.ConfigOf(o)
	cfg.Now, cfg.MaxRows = x.opt.NowMs, x.opt.MaxRows
	if x.opt.OnError != "" {
		cfg.OnError = x.opt.OnError
	}
	switch s.Connector {
	case "file":
		r, err := source.OpenFile(ctx, Locate(s.Path, x.opt.Dir), cfg)
		if err != nil {
			return nil, fmt.Errorf("stream %s: %w", o.Name, err)
		}
		return r, nil
	case "stdin":
		return source.Open(ctx, &source.File{Path: "-", Input: x.opt.Stdin}, cfg)
	case "generator":
		g, err := source.GeneratorOf(s.Generator, s.Options)
		if err != nil {
			return nil, err
		}
		if g.Limit == 0 {
			return nil, fmt.Errorf("stream %s: a generator needs a limit in leat run; add limit = '1000'", o.Name)
		}
		return source.Open(ctx, g, cfg)
	case "http":
		return nil, nil //nolint:nilnil // no source is neither a reader nor an error
	default:
		return nil,
			fmt.Errorf("stream %s: connector %s needs a broker; leat dev runs it, or give a file with --in %s=FILE",
				o.Name, s.Connector, o.Name)
	}
}

// Locate finds a relative path from the working directory, else from the script's.
func Locate(path, dir string) string {
	if filepath.IsAbs(path) || dir == "" || exists(path) {
		return path
	}
	if beside := filepath.Join(dir, path); exists(beside) {
		return beside
	}
	return path
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// reading is a direct.Source over a reader.
type reading struct {
	x *execution
	r *source.Reader
	o *plan.Object
}

// Next implements direct.Source.
func (s *reading) Next(ctx context.Context) (direct.Item, error) {
	b, err := s.r.NextContext(ctx)
	for _, bad := range s.r.Bad() {
		s.x.stats.In++
		s.x.stats.Dead++
		if s.x.opt.Bad != nil {
			s.x.opt.Bad(s.o.Name, bad)
		}
	}
	if err != nil {
		return direct.Item{}, err
	}
	s.x.stats.In += uint64(b.Rows)
	b.AppendTime = max(b.AppendTime, s.x.opt.NowMs)
	b.Topic = s.o.Topic
	return direct.Item{Batch: b, Writer: stage.IngestWriter, Partition: -1}, nil
}

// inserts is a direct.Source of the rows of INSERT VALUES, before the rows of the source itself.
type inserts struct {
	rows []*vector.Batch
	then direct.Source
}

// Next implements direct.Source.
func (s *inserts) Next(ctx context.Context) (direct.Item, error) {
	if len(s.rows) > 0 {
		b := s.rows[0]
		s.rows = s.rows[1:]
		return direct.Item{Batch: b, Writer: stage.IngestWriter, Partition: -1}, nil
	}
	if s.then == nil {
		return direct.Item{}, io.EOF
	}
	return s.then.Next(ctx)
}

// insertsInto puts INSERT VALUES before the inputs of their objects; derived streams get an input for them.
func (x *execution) insertsInto(inputs []direct.Input) []direct.Input {
	for _, ins := range x.p.Inserts {
		b := ins.Rows
		for i, t := range b.Time {
			if t == vector.NoTime {
				b.Time[i] = x.opt.NowMs
			}
		}
		x.stats.In += uint64(b.Rows)
		i := slices.IndexFunc(inputs, func(in direct.Input) bool { return in.Topic == ins.Object.Topic })
		if i < 0 {
			inputs = append(inputs, direct.Input{
				Topic: ins.Object.Topic, Writers: direct.One(stage.IngestWriter),
				Keys: ins.Object.Placement(), Partitions: ins.Object.Partitions,
				Source: &inserts{rows: []*vector.Batch{b}},
			})
			continue
		}
		if have, ok := inputs[i].Source.(*inserts); ok {
			have.rows = append(have.rows, b)
		} else {
			inputs[i].Source = &inserts{rows: []*vector.Batch{b}, then: inputs[i].Source}
		}
	}
	return inputs
}

// openSink opens a file or the console; it returns the topic whose rows go there.
func (x *execution) openSink(s *ast.CreateSink) (string, error) {
	o, _ := x.p.Objects.Object(s.From)
	w, end, err := OpenSink(s, x.opt.Stdout)
	if err != nil {
		return "", err
	}
	x.files = append(x.files, closer(end))
	x.sinks[o.Topic] = append(x.sinks[o.Topic], w)
	return o.Topic, w.Begin(o.Schema())
}

// closer makes an io.Closer of a function.
type closer func() error

func (c closer) Close() error { return c() }

// OpenSink opens the file of a sink, or takes the console. end closes it.
func OpenSink(s *ast.CreateSink, console io.Writer) (w format.RowWriter, end func() error, err error) {
	kind, out := "jsonl", console
	end = func() error { return nil }
	if s.Target == "FILE" {
		f, err := os.Create(s.Address)
		if err != nil {
			return nil, nil, fmt.Errorf("sink %s: %w", s.Name.Name, err)
		}
		out, end = f, f.Close
		if strings.HasSuffix(strings.ToLower(s.Address), ".csv") {
			kind = "csv"
		}
	}
	for _, p := range s.With {
		if p.Name == "format" {
			kind = p.Value
		}
	}
	if w, err = format.NewWriter(kind, out); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("sink %s: %w", s.Name.Name, err), end())
	}
	return w, end, nil
}

// Result implements direct.Sink.
func (x *execution) Result(name string, _ int, b *vector.Batch) error {
	if name == "" {
		x.stats.Out += uint64(b.Live())
		return x.opt.Out.Write(b)
	}
	for _, w := range x.sinks[name] {
		x.stats.Out += uint64(b.Live())
		if err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// Dead implements direct.Sink.
func (x *execution) Dead(stageID string, b *vector.Batch, row uint32, code, msg string) {
	if x.opt.Failed == nil {
		return
	}
	x.opt.Failed(stageID, format.AppendRow(nil, format.JSONKeys(b.Schema), b, int(row)), code, msg)
}

// Late implements direct.Sink; the stages count late rows.
func (x *execution) Late(string, *vector.Batch, []uint32) {}

var _ direct.Sink = (*execution)(nil)
