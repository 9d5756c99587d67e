package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/leatsql/leat/internal/direct"
	"github.com/leatsql/leat/internal/nexmark"
	"github.com/leatsql/leat/internal/script"
	"github.com/leatsql/leat/internal/stage"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// NexmarkConfig is a run of the Nexmark queries.
type NexmarkConfig struct {
	// Leat is this binary; each query runs in a process of its own.
	Leat string
	Only []string // queries; empty: all
	// Events of all kinds in direct mode, MessageEvents in message mode (0: not measured).
	Events, MessageEvents int64
	Rate, Group           int64
	Partitions            int
	// Changes runs each query as one that runs for ever does: its rows are changes, of windows what is final.
	Changes  bool
	Dir      string
	Progress func(line string)
}

// NexmarkResult is one query.
type NexmarkResult struct {
	Name   string `json:"name"`
	Does   string `json:"does"`
	Events int64  `json:"events"`
	// EventsPerCPUS counts the events of all kinds a CPU second of the whole process; Generator is that of making the
	// events of the streams that the query reads, alone.
	EventsPerCPUS  float64 `json:"events_per_cpu_s"`
	EventsPerS     float64 `json:"events_per_s"`
	Generator      float64 `json:"generator_events_per_cpu_s"`
	Floor          int     `json:"floor"`
	PeakRSSBytes   int64   `json:"peak_rss_bytes"`
	RowsOut        int64   `json:"rows_out"`
	MessagePerCPUS float64 `json:"message_events_per_cpu_s,omitempty"`
	OK             bool    `json:"ok"`
}

// NexmarkReport is what a run found out.
type NexmarkReport struct {
	Kind       string          `json:"kind"`
	Rate       int64           `json:"rate"`
	Group      int64           `json:"group"`
	Partitions int             `json:"partitions"`
	Changes    bool            `json:"changes,omitempty"`
	Results    []NexmarkResult `json:"results"`
}

// NexmarkNames lists the queries.
func NexmarkNames() []string {
	var out []string
	for _, q := range nexmark.Queries() {
		out = append(out, q.Name)
	}
	return out
}

// Nexmark measures the queries. One that cannot run is an error beside the report of the others.
func Nexmark(ctx context.Context, cfg NexmarkConfig) (*NexmarkReport, error) {
	for _, name := range cfg.Only {
		if !slices.Contains(NexmarkNames(), name) {
			return nil, fmt.Errorf("no query %q: one of %s", name, strings.Join(NexmarkNames(), ", "))
		}
	}
	dir, err := os.MkdirTemp(cfg.Dir, "leat-nexmark-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the run: %w", err)
	}
	b := &bench{cfg: Config{Leat: cfg.Leat, Progress: cfg.Progress}, dir: dir}
	report := &NexmarkReport{
		Kind: "leat.nexmark/v1", Rate: cfg.Rate, Group: cfg.Group, Partitions: cfg.Partitions, Changes: cfg.Changes,
	}
	var errs []error
	for _, q := range nexmark.Queries() {
		if len(cfg.Only) > 0 && !slices.Contains(cfg.Only, q.Name) {
			continue
		}
		r, err := b.nexmarkQuery(ctx, &cfg, q)
		if err != nil {
			if ctx.Err() != nil {
				errs = append(errs, context.Cause(ctx))
				break
			}
			errs = append(errs, fmt.Errorf("%s: %w", q.Name, err))
			cfg.Progress(fmt.Sprintf("%s failed: %v", q.Name, err))
			continue
		}
		report.Results = append(report.Results, r)
		cfg.Progress(fmt.Sprintf("%s: %.0f K events a CPU second", q.Name, r.EventsPerCPUS/1000))
	}
	if err := os.RemoveAll(dir); err != nil {
		errs = append(errs, fmt.Errorf("remove the folder of the run: %w", err))
	}
	return report, errors.Join(errs...)
}

func (b *bench) nexmarkQuery(ctx context.Context, cfg *NexmarkConfig, q nexmark.Query) (NexmarkResult, error) {
	r := NexmarkResult{Name: q.Name, Does: q.Does, Events: cfg.Events, Floor: q.Floor}
	args := []string{
		q.Name, strconv.FormatInt(cfg.Events, 10), strconv.FormatInt(cfg.Rate, 10),
		strconv.FormatInt(cfg.Group, 10), strconv.Itoa(cfg.Partitions), cfg.emit(q),
	}
	made, _, err := b.child(ctx, "nexmark", append(args, "generate")...)
	if err != nil {
		return r, err
	}
	ran, report, err := b.child(ctx, "nexmark", args...)
	if err != nil {
		return r, err
	}
	r.Generator = float64(cfg.Events) / made.cpu.Seconds()
	r.EventsPerCPUS, r.EventsPerS = float64(cfg.Events)/ran.cpu.Seconds(), float64(cfg.Events)/ran.wall.Seconds()
	r.PeakRSSBytes, r.RowsOut = ran.peak, report.Records
	r.OK = r.EventsPerCPUS >= float64(q.Floor)
	if cfg.MessageEvents > 0 {
		u, err := b.nexmarkMessage(ctx, cfg, q)
		if err != nil {
			return r, fmt.Errorf("message mode: %w", err)
		}
		r.MessagePerCPUS = float64(cfg.MessageEvents) / u.cpu.Seconds()
	}
	return r, nil
}

// nexmarkMessage runs the query through an embedded JetStream. The process makes its events as JSON, decodes them and
// writes every row to the log; all of it counts.
func (b *bench) nexmarkMessage(ctx context.Context, cfg *NexmarkConfig, q nexmark.Query) (usage, error) {
	sql := nexmark.Declare(func(name string) string {
		if name == "side_input" {
			return "path = '" + b.path("side.csv") + "', "
		}
		return fmt.Sprintf("generator = 'nexmark_%s', event_rate = '%d', group = '%d', limit = '%d', ", name, cfg.Rate,
			cfg.Group, cfg.MessageEvents)
	}) + q.SQL + cfg.emit(q) + ";\n"
	if err := errors.Join(os.WriteFile(b.path(q.Name+".sql"), []byte(sql), 0o600),
		os.WriteFile(b.path("side.csv"), nexmark.SideCSV(), 0o600)); err != nil {
		return usage{}, fmt.Errorf("write the script: %w", err)
	}
	return b.run(ctx, os.DevNull, "run", b.path(q.Name+".sql"), "--mode", "message", "-o", "jsonl", "-q", "--dead",
		"none", "--on-error", "fail_fast", "--partitions", strconv.Itoa(cfg.Partitions))
}

// emit is what is put behind a query.
func (c *NexmarkConfig) emit(q nexmark.Query) string {
	switch {
	case !c.Changes:
		return ""
	case strings.Contains(q.SQL, "WINDOW ") || strings.Contains(q.SQL, "TUMBLE("):
		return " EMIT FINAL"
	default:
		return " EMIT CHANGES"
	}
}

// counting is a sink that counts rows.
type counting struct {
	discard
	rows int64
}

func (c *counting) Result(_ string, _ int, b *vector.Batch) error {
	c.rows += int64(b.Live())
	return nil
}

const (
	nexmarkBatch   = 1024
	nexmarkDelayMs = 4000
)

// childNexmark runs a query over generated events: name, events, rate, group, partitions, what is put behind the
// query[, "generate"]. With the last it makes the events of the streams that the query reads, and nothing else. Records
// are the rows that came out.
func childNexmark(ctx context.Context, args []string) (*childReport, error) {
	var n [4]int64
	for i := range n {
		v, err := strconv.ParseInt(arg(args, i+1), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("number %q: %w", arg(args, i+1), err)
		}
		n[i] = v
	}
	events, gen, partitions := n[0], nexmark.Config{Seed: 1, Rate: n[1], Group: n[2]}, int(n[3])
	at := slices.IndexFunc(nexmark.Queries(), func(q nexmark.Query) bool { return q.Name == arg(args, 0) })
	if at < 0 {
		return nil, fmt.Errorf("no query %q", arg(args, 0))
	}
	prog, errs := script.Compile(ctx,
		nexmark.Declare(func(string) string { return "" })+nexmark.Queries()[at].SQL+arg(args, 5)+";",
		script.Options{Partitions: partitions, Push: arg(args, 5) != ""})
	if len(errs) > 0 {
		return nil, fmt.Errorf("compile: %w", errs[0])
	}
	inputs := NexmarkInputs(prog, gen, events)
	if arg(args, 6) == "generate" {
		return measured(func() (int64, error) { return drain(ctx, inputs) })
	}
	plans, _ := prog.Needed()
	sink := &counting{}
	run, err := direct.New(direct.Config{
		Plans: plans, Sink: sink, OnError: stage.FailFast, Inputs: inputs, Results: []string{""},
	})
	if err != nil {
		return nil, err
	}
	return measured(func() (int64, error) {
		err := run.Run(ctx)
		return sink.rows, err
	})
}

// NexmarkInputs gives the streams that a program reads.
func NexmarkInputs(prog *script.Program, gen nexmark.Config, events int64) []direct.Input {
	kinds := map[string]nexmark.Kind{"person": nexmark.Person, "auction": nexmark.Auction, "bid": nexmark.Bid}
	_, needed := prog.Needed()
	var out []direct.Input
	for _, name := range needed {
		o := prog.Objects[name]
		in := direct.Input{
			Topic: o.Topic, Writers: direct.One(stage.IngestWriter), Keys: o.Placement(), Partitions: o.Partitions,
		}
		if k, ok := kinds[name]; ok {
			in.Source = &nexmark.Source{
				Gen: nexmark.New(gen), Kind: k, Events: events, Rows: nexmarkBatch, DelayMs: nexmarkDelayMs,
				Writer: stage.IngestWriter,
			}
		} else {
			in.Source, in.Table = &nexmark.Side{Writer: stage.IngestWriter}, true
		}
		out = append(out, in)
	}
	return out
}

func drain(ctx context.Context, inputs []direct.Input) (int64, error) {
	rows := int64(0)
	for _, in := range inputs {
		for {
			item, err := in.Source.Next(ctx)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return rows, err
			}
			rows += int64(item.Batch.Rows)
		}
	}
	return rows, nil
}

// WriteJSON writes the report as one document.
func (r *NexmarkReport) WriteJSON(w io.Writer) error {
	if err := json.NewEncoder(w).Encode(r); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// WriteText writes the report as a table; rates are thousand events of all kinds a second.
func (r *NexmarkReport) WriteText(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "query\tevents\tK/CPU s\tfloor\t\tK/s\tgenerator K/CPU s\tmessage K/CPU s\tpeak MiB\trows out\t")
	for i := range r.Results {
		x := &r.Results[i]
		state := ""
		if x.Floor > 0 {
			state = "reached"
			if !x.OK {
				state = "not yet"
			}
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t\n", x.Name, x.Events, cell(x.EventsPerCPUS/1000, 0),
			cell(float64(x.Floor)/1000, 0), state, cell(x.EventsPerS/1000, 0), cell(x.Generator/1000, 0),
			cell(x.MessagePerCPUS/1000, 0), cell(float64(x.PeakRSSBytes)/(1<<20), 0), x.RowsOut)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}
