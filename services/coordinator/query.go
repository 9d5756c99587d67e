package coordinator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/direct"
	"github.com/leatsql/leat/internal/feed"
	"github.com/leatsql/leat/internal/stage"
	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// query starts a client's SELECT: push with EMIT, pull without. Rows are fetched by the cursor.
func (c *Coordinator) query(ctx context.Context, s *session, st *ast.Select) (api.Result, error) {
	push := st.Query.Emit != ast.EmitDefault
	mode := plan.Bounded
	if push {
		mode = plan.Push
	}
	b := c.binder(s, mode)
	p, err := b.Select("x", st.Query)
	if err != nil {
		return api.Result{}, err
	}
	latest := push && (s.fromLatest || s.set["auto.offset.reset"] == "latest")
	cur, err := c.cursors.start(ctx, p.Result.Schema, func(ctx context.Context, cur *cursor) error {
		return c.runQuery(ctx, p, push, latest, cur)
	})
	if err != nil {
		return api.Result{}, err
	}
	r := api.Result{Kind: "rows", Cursor: cur.id, Instance: c.id, Push: push, Warnings: b.Warnings}
	for i, f := range p.Result.Schema.Fields {
		r.Columns = append(r.Columns, api.Column{
			Name: f.Name, Type: ast.FormatType(f.Type),
			Key: slices.Contains(p.Result.Key, i),
		})
	}
	return r, nil
}

// runQuery runs the plan in this process over the topics it reads.
func (c *Coordinator) runQuery(ctx context.Context, p *plan.Plan, push, latest bool, cur *cursor) error {
	cfg := direct.Config{
		Plans: []*plan.Plan{p}, Results: []string{""}, Sink: cur, Live: push, Budget: c.cfg.Budget,
	}
	var feeds []io.Closer
	defer func() {
		for _, f := range feeds {
			_ = f.Close()
		}
	}()
	for _, st := range p.Stages {
		for _, in := range st.Inputs {
			if in.Object == "" || slices.ContainsFunc(cfg.Inputs, func(have direct.Input) bool {
				return have.Topic == in.Topic
			}) {
				continue
			}
			table := in.Port == 1 && in.Table || p.FeedsTable(st)
			inputs, err := c.inputs(ctx, st, in, reading{push, latest, table, &feeds})
			if err != nil {
				return err
			}
			cfg.Inputs = append(cfg.Inputs, inputs...)
		}
	}
	r, err := direct.New(cfg)
	if err != nil {
		return err
	}
	defer r.Close()
	return r.Run(ctx)
}

// closer makes an io.Closer of a feed.
type closer struct{ f *feed.Feed }

func (c closer) Close() error {
	c.f.Close()
	return nil
}

// reading is how a query reads: as a push query, from now on, for the table side of a look-up, and what to close behind
// it.
type reading struct {
	push, latest, table bool
	feeds               *[]io.Closer
}

// inputs opens what a query reads of one object: the rows of a table's tasks, or its topic.
func (c *Coordinator) inputs(ctx context.Context, st *plan.Stage, in plan.Input, as reading) ([]direct.Input, error) {
	push, latest, feeds := as.push, as.latest, as.feeds
	o := c.Catalog().Objects[in.Object]
	if o == nil {
		return nil, fmt.Errorf("%s was dropped", in.Object)
	}
	log := c.shard(o.Topic)
	info, err := log.Info(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the state of topic %s: %w", o.Topic, err)
	}
	base := direct.Input{Topic: in.Topic, Partitions: o.Partitions, Table: in.Table && !push, Writers: c.writersOf(o)}
	if o.Kind == ast.Table && o.Query != "" && !push {
		s := &scan{c: c, o: o}
		if key, ok := plan.Pinned(st, o.Placement()); ok && in.Port == 0 {
			s.key = key
		}
		base.Source = s
		base.Writers = direct.One(scanWriter)
		if o.Windowed {
			base.Source, base.Keys = c.folded(o, feeds), o.Placement()
		}
		return []direct.Input{base}, nil
	}
	open := func(from, upTo uint64) (direct.Source, error) {
		f, err := feed.Open(ctx, feed.Config{
			Log: log, Topic: o.Topic, Schema: in.Schema, From: from, UpTo: upTo,
			Partition: -1,
		})
		if err != nil {
			return nil, err
		}
		*feeds = append(*feeds, closer{f})
		return f, nil
	}
	if !push {
		base.Source, err = bounded(open, info)
		return []direct.Input{base}, err
	}
	from := info.FirstSeq
	var out []direct.Input
	if as.table { // the table side: what it holds now first, then what comes
		table := base
		table.Table, table.Open = true, true
		if table.Source, err = bounded(open, info); err != nil {
			return nil, err
		}
		out = append(out, table)
		from = info.LastSeq + 1
	} else if latest {
		from = info.LastSeq + 1
	}
	if base.Source, err = open(from, 0); err != nil {
		return nil, err
	}
	base.Behind = info.LastSeq > 0 && from <= info.LastSeq
	return append(out, base), nil
}

// folded reads a windowed table: what its tasks hold, and its log.
func (c *Coordinator) folded(o *plan.Object, feeds *[]io.Closer) *folded {
	log := c.shard(o.Topic)
	return &folded{scan: &scan{c: c, o: o}, o: o, log: func(ctx context.Context) (direct.Source, error) {
		info, err := log.Info(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the state of topic %s: %w", o.Topic, err)
		}
		return bounded(func(from, upTo uint64) (direct.Source, error) {
			f, err := feed.Open(ctx, feed.Config{
				Log: log, Topic: o.Topic, Schema: o.Schema(), From: from, UpTo: upTo,
				Partition: -1,
			})
			if err != nil {
				return nil, err
			}
			*feeds = append(*feeds, closer{f})
			return f, nil
		}, info)
	}}
}

// bounded reads what a log holds now.
func bounded(open func(from, upTo uint64) (direct.Source, error), info topic.Info) (direct.Source, error) {
	if info.LastSeq == 0 || info.FirstSeq > info.LastSeq {
		return ended{}, nil
	}
	return open(info.FirstSeq, info.LastSeq)
}

// ended is a source without rows.
type ended struct{}

func (ended) Next(context.Context) (direct.Item, error) { return direct.Item{}, io.EOF }

// writersOf gives the writers of an object's topic as the readers wait for them.
func (c *Coordinator) writersOf(o *plan.Object) func(partition int) []string {
	cat := c.Catalog()
	planOf := func(id string) *plan.Plan {
		q := cat.Queries[id]
		if q == nil {
			return nil
		}
		p, err := q.Plan(cat.Objects[q.Result])
		if err != nil {
			return nil
		}
		return p
	}
	return func(partition int) []string { return stage.TopicWriters(o, partition, planOf) }
}

// print shows a topic's messages as rows.
func (c *Coordinator) print(ctx context.Context, st *ast.Print) (api.Result, error) {
	cat := c.Catalog()
	o, ok := cat.Object(st.Topic)
	if !ok {
		return api.Result{}, c.noObject(cat, st.Topic)
	}
	log := c.shard(o.Topic)
	info, err := log.Info(ctx)
	if err != nil {
		return api.Result{}, fmt.Errorf("read the state of topic %s: %w", o.Topic, err)
	}
	schema := printSchema(o)
	from := info.LastSeq + 1
	if st.FromBeginning {
		from = info.FirstSeq
	}
	cur, err := c.cursors.start(ctx, schema, func(ctx context.Context, cur *cursor) error {
		f, err := feed.Open(ctx, feed.Config{Log: log, Topic: o.Topic, Schema: o.Schema(), From: from, Partition: -1})
		if err != nil {
			return err
		}
		defer f.Close()
		return printRows(ctx, f, schema, st.Limit, cur)
	})
	if err != nil {
		return api.Result{}, err
	}
	r := api.Result{Kind: "rows", Cursor: cur.id, Instance: c.id, Push: true}
	for _, f := range schema.Fields {
		r.Columns = append(r.Columns, api.Column{Name: f.Name, Type: ast.FormatType(f.Type)})
	}
	return r, nil
}

// printSchema is the columns of an object with the place of each row in front.
func printSchema(o *plan.Object) *vector.Schema {
	s := &vector.Schema{Fields: []vector.Field{
		{Name: "_partition", Type: vector.TInt},
		{Name: "_offset", Type: vector.TBigInt},
		{Name: "_op", Type: vector.TString},
		{Name: "_event_time", Type: vector.TTimestamp},
	}}
	s.Fields = append(s.Fields, o.Schema().Fields...)
	return s
}

var opNames = [...]string{"insert", "update-before", "update-after", "delete"}

// printRows sends the rows of a topic until the limit (negative: none).
func printRows(ctx context.Context, f *feed.Feed, schema *vector.Schema, limit int64, cur *cursor) error {
	for limit != 0 {
		item, err := f.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		b := item.Batch
		if b.Rows == 0 {
			continue
		}
		if limit > 0 && int64(b.Rows) > limit {
			b = vector.Slice(b, 0, int(limit))
		}
		if limit > 0 {
			limit -= int64(b.Rows)
		}
		if err := cur.Result("", 0, withPlace(b, schema)); err != nil {
			return err
		}
	}
	return nil
}

// withPlace puts the columns of printSchema in front of a batch's own.
func withPlace(b *vector.Batch, schema *vector.Schema) *vector.Batch {
	n := b.Rows
	part := &vector.Vector{Type: vector.TInt, Len: n, I64: make([]int64, n)}
	off := &vector.Vector{Type: vector.TBigInt, Len: n, I64: make([]int64, n)}
	op := &vector.Vector{Type: vector.TString, Len: n, Codes: make([]uint32, n), Offs: []uint32{0}}
	for _, name := range opNames {
		op.Data = append(op.Data, name...)
		op.Offs = append(op.Offs, uint32(len(op.Data)))
	}
	at := &vector.Vector{Type: vector.TTimestamp, Len: n, I64: b.Time}
	for i := range n {
		part.I64[i], off.I64[i] = int64(b.Partition), int64(b.Seq)
		if b.Ops != nil {
			op.Codes[i] = uint32(b.Ops[i])
		}
	}
	out := *b
	out.Schema, out.Ops = schema, nil
	out.Cols = append([]*vector.Vector{part, off, op, at}, b.Cols...)
	return &out
}

// explain answers EXPLAIN.
func (c *Coordinator) explain(s *session, st *ast.Explain) (api.Result, error) {
	for _, opt := range slices.Sorted(maps.Keys(st.Options)) {
		if opt != "PLAN" && (opt != "FORMAT" || st.Options[opt] != "TEXT") {
			return api.Result{}, unsupported(st, "EXPLAIN ("+opt+")")
		}
	}
	p, err := c.planOf(s, st)
	if err != nil {
		return api.Result{}, err
	}
	return message(p.Explain()), nil
}

func (c *Coordinator) planOf(s *session, st *ast.Explain) (*plan.Plan, error) {
	cat := c.Catalog()
	next := fmt.Sprintf("q%d", cat.NextQuery)
	switch inner := st.Statement.(type) {
	case nil:
		q, ok := cat.Query(st.ID.Name)
		if !ok {
			return nil, sqlerr.New(sqlerr.NotFound, st.ID.At, "no query %q", st.ID.Name).
				WithHint("SHOW QUERIES lists them")
		}
		return q.Plan(cat.Objects[q.Result])
	case *ast.Select:
		mode := plan.Bounded
		if inner.Query.Emit != ast.EmitDefault {
			mode = plan.Push
		}
		return c.binder(s, mode).Select(next, inner.Query)
	case *ast.Create:
		if inner.As == nil {
			return nil, unsupported(st, "EXPLAIN of a declaration")
		}
		p, _, err := c.binder(s, plan.Persistent).CreateAs(next, inner)
		return p, err
	case *ast.InsertSelect:
		p, _, err := c.binder(s, plan.Persistent).InsertSelect(next, inner)
		return p, err
	default:
		return nil, unsupported(st, "EXPLAIN of this statement")
	}
}
