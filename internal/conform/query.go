package conform

import (
	"slices"

	"github.com/leatsql/leat/internal/direct"
	"github.com/leatsql/leat/internal/stage"
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// query is a persistent query of a case with its machines.
type query struct {
	e      *engine
	plan   *plan.Plan
	out    *plan.Object
	layout *layout // of out
	inputs []*input
	runner *direct.Runner
	at     int // place in the engine's log
	paused bool
	err    error
	noted  []string // what went wrong with single rows
	// headers are those of the record being taken: what it causes carries them on.
	headers []Header
}

// input is an object that a query reads.
type input struct {
	object *plan.Object
	layout *layout
	topic  string // outside
	wm     int64
	table  bool
}

// writer is the name under which inputs write.
const writer = stage.IngestWriter

func newQuery(e *engine, p *plan.Plan, o *plan.Object) (*query, error) {
	q := &query{e: e, plan: p, out: o, layout: layoutOf(o)}
	cfg := direct.Config{Plans: []*plan.Plan{p}, Sink: q, Results: []string{o.Topic}, Crash: e.crash}
	for _, name := range objectsOf(p) {
		in := e.objects[name]
		q.inputs = append(q.inputs, &input{
			object: in, layout: layoutOf(in), topic: external(in), wm: vector.NoTime, table: in.Kind == ast.Table,
		})
		cfg.Inputs = append(cfg.Inputs, direct.Input{
			Topic: in.Topic, Writers: direct.One(writer), Partitions: 1, Keys: in.Placement(),
		})
	}
	var err error
	q.runner, err = direct.New(cfg)
	return q, err
}

// objectsOf lists the objects that a plan reads.
func objectsOf(p *plan.Plan) []string {
	var out []string
	for _, s := range p.Stages {
		for _, in := range s.Inputs {
			if in.Object != "" && !slices.Contains(out, in.Object) {
				out = append(out, in.Object)
			}
		}
	}
	return out
}

// run feeds the query what its topics have got since it ran last.
func (q *query) run() error {
	if q.paused || q.err != nil {
		return q.err
	}
	for ; q.at < len(q.e.log); q.at++ {
		entry := q.e.log[q.at]
		for _, in := range q.inputs {
			if in.topic != entry.topic || !q.e.reads(in, &entry) {
				continue
			}
			if err := q.feed(in, &entry); err != nil {
				q.err = err
				return err
			}
		}
	}
	return nil
}

// reads tells whether an entry of the topic is for the reader of in: where a case publishes into the topic of a query's
// result, its readers see the inputs of the case alone.
func (e *engine) reads(in *input, entry *entry) bool {
	if in.object.Query == "" || entry.given || e.live {
		return true
	}
	return !slices.ContainsFunc(e.log, func(o other) bool { return o.given && o.topic == entry.topic })
}

// other is an entry, where the name is taken.
type other = entry

// feed hands one record to the query.
func (q *query) feed(in *input, e *entry) error {
	row := e.row
	if row == nil || e.object != in.object.Name {
		var err error
		if row, err = in.layout.decode(&e.record); err != nil {
			q.noted = append(q.noted, err.Error())
			return nil
		}
		if row == nil {
			return nil
		}
	}
	q.headers = e.record.Headers
	b := *row
	in.wm = max(in.wm, b.Time[0])
	b.Watermark = in.wm
	b.Topic, b.Seq = in.object.Topic, e.offset
	if err := q.runner.Feed(in.object.Topic, direct.Item{Batch: &b, Writer: writer}); err != nil {
		return err
	}
	if in.table {
		return nil
	}
	for _, other := range q.inputs { // the time of one stream is that of the others
		if other == in || other.table || other.wm >= in.wm {
			continue
		}
		other.wm = in.wm
		empty := &vector.Batch{Watermark: in.wm}
		if err := q.runner.Feed(other.object.Topic, direct.Item{Batch: empty, Writer: writer}); err != nil {
			return err
		}
	}
	return nil
}

// Result implements direct.Sink: it writes the records of the query's topic.
func (q *query) Result(_ string, _ int, b *vector.Batch) error {
	b = vector.CloneBatch(vector.Compact(b))
	for i := range b.Rows {
		if b.Op(i) == vector.UpdateBefore {
			continue
		}
		row := vector.Slice(b, i, i+1)
		record := q.layout.encode(row, 0)
		record.Headers, record.Headed = q.headers, q.headers != nil
		q.e.append(entry{topic: record.Topic, object: q.out.Name, row: row, record: record})
	}
	return nil
}

// Dead implements direct.Sink.
func (q *query) Dead(_ string, _ *vector.Batch, _ uint32, code, msg string) {
	q.noted = append(q.noted, msg+" ["+code+"]")
}

// Late implements direct.Sink.
func (q *query) Late(_ string, _ *vector.Batch, rows []uint32) {
	for range rows {
		q.noted = append(q.noted, "a late row")
	}
}
