package conform

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/parser"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// engine holds the objects, topics and queries of one case.
type engine struct {
	objects plan.Objects
	set     map[string]string
	types   map[string]vector.Type
	vars    map[string]string
	queries []*query
	log     []entry
	ends    map[string]uint64 // offset of the next record, by topic
	next    int
	crash   bool
	// live: each statement is driven through all queries, and a new query begins where the log is now.
	live bool
}

// entry is a record of a topic, in the order in which all topics were written.
type entry struct {
	topic  string
	given  bool          // an input of the case
	object string        // that wrote it; "" for a record from outside
	row    *vector.Batch // of that object
	record Record
	offset uint64 // in the topic
}

// append puts an entry at the end of its topic.
func (e *engine) append(x entry) {
	x.offset = e.ends[x.topic]
	e.ends[x.topic]++
	e.log = append(e.log, x)
}

func newEngine() *engine {
	return &engine{
		objects: plan.Objects{}, set: map[string]string{"dialect": "ksql", "emit": "record"},
		types: map[string]vector.Type{}, vars: map[string]string{}, ends: map[string]uint64{},
	}
}

// execute runs the statements of a text.
func (e *engine) execute(text string) error {
	statements, errs := parser.Parse(text, parser.Options{
		Types: e.types, Vars: e.vars, Upper: e.set["dialect"] == "ksql",
	})
	if len(errs) > 0 {
		return errs[0]
	}
	for _, st := range statements {
		if err := e.statement(st); err != nil {
			return err
		}
	}
	return nil
}

func (e *engine) binder(mode plan.Mode) *plan.Binder {
	return &plan.Binder{
		Catalog: e.objects, Mode: mode, RecordEmission: e.set["emit"] == "record",
		Profile: plan.SettingProfile(e.set), KeyFormat: plan.SettingDefaults(e.set, 1).KeyFormat,
	}
}

func (e *engine) statement(st ast.Statement) error {
	switch st := st.(type) {
	case *ast.Create:
		return e.create(st)
	case *ast.InsertSelect:
		return e.insertSelect(st)
	case *ast.InsertValues:
		return e.insertValues(st)
	case *ast.Set:
		return e.setting(st)
	case *ast.CreateType:
		return e.createType(st)
	case *ast.Drop:
		return e.drop(st)
	case *ast.Alter:
		return e.alter(st)
	case *ast.Control:
		return e.control(st)
	case *ast.Show, *ast.Describe, *ast.Explain:
		return nil
	}
	if _, ok := st.(*ast.RunScript); ok {
		return sqlerr.New(sqlerr.BadStatement, st.Span(), "RUN SCRIPT belongs to the command line, not into a script")
	}
	return sqlerr.New(sqlerr.NotSupported, st.Span(), "this statement is not supported by the runner of cases")
}

func (e *engine) setting(st *ast.Set) error {
	into := e.set
	if st.Define {
		into = e.vars
	} else if err := plan.CheckSetting(st.Key, st.Value, st.Unset, st.At); err != nil {
		return err
	}
	if st.Unset {
		delete(into, st.Key)
	} else {
		into[st.Key] = st.Value
	}
	return nil
}

func (e *engine) createType(st *ast.CreateType) error {
	name := strings.ToUpper(st.Name.Name)
	if _, exists := e.types[name]; exists {
		if st.IfNotExists {
			return nil
		}
		return sqlerr.New(sqlerr.Exists, st.Name.At, "type %s exists already", name)
	}
	e.types[name] = st.Type
	return nil
}

func (e *engine) create(st *ast.Create) error {
	old, exists := e.objects.Object(st.Name)
	switch {
	case exists && st.IfNotExists:
		return nil
	case exists && !st.OrReplace:
		return sqlerr.New(sqlerr.Exists, st.Name.At, "%s exists already", old.Name)
	}
	if st.As == nil {
		o, _, err := plan.Define(st, plan.SettingDefaults(e.set, 1))
		if err != nil {
			return err
		}
		if exists {
			if err := plan.CheckReplace(old, o, st); err != nil {
				return err
			}
		}
		e.objects[o.Name] = o
		return nil
	}
	e.next++
	p, o, err := e.binder(plan.Persistent).CreateAs(fmt.Sprintf("q%d", e.next), st)
	if err != nil {
		return err
	}
	if exists {
		return e.replace(old, o, p, st)
	}
	e.objects[o.Name] = o
	return e.start(p, o)
}

// start begins a query that writes o.
func (e *engine) start(p *plan.Plan, o *plan.Object) error {
	q, err := newQuery(e, p, o)
	if err != nil {
		return err
	}
	if e.live {
		q.at = len(e.log)
	}
	e.queries = append(e.queries, q)
	return nil
}

func (e *engine) insertSelect(st *ast.InsertSelect) error {
	e.next++
	p, o, err := e.binder(plan.Persistent).InsertSelect(fmt.Sprintf("q%d", e.next), st)
	if err != nil {
		return err
	}
	return e.start(p, o)
}

// insertValues writes rows into the topic of the target, as a client would.
func (e *engine) insertValues(st *ast.InsertValues) error {
	o, rows, err := e.binder(plan.Persistent).InsertValues(st)
	if err != nil {
		return err
	}
	l := layoutOf(o)
	for i := range rows.Rows {
		row := vector.Slice(rows, i, i+1)
		if row.Time[0] == vector.NoTime {
			row.Time = []int64{0}
		}
		record := l.encode(row, 0)
		e.append(entry{topic: record.Topic, record: record, object: o.Name, row: row})
	}
	return e.settle()
}

// settle drives what is new through all queries of a live engine.
func (e *engine) settle() error {
	if !e.live {
		return nil
	}
	return e.drive()
}

// drive runs each query to its end in the order of the statements, until nothing is new.
func (e *engine) drive() error {
	for {
		before := len(e.log)
		for _, q := range e.queries {
			if err := q.run(); err != nil {
				return err
			}
		}
		if len(e.log) == before {
			return nil
		}
	}
}

// publish puts the inputs of a case into their topics.
func (e *engine) publish(records []Record) {
	for _, r := range records {
		e.append(entry{topic: r.Topic, given: true, record: r})
	}
}

// topic lists the records of a topic.
func (e *engine) topic(name string) []Record {
	var out []Record
	for i := range e.log {
		if e.log[i].topic == name {
			out = append(out, e.log[i].record)
		}
	}
	return out
}

// written lists the records of a topic that queries and INSERT wrote.
func (e *engine) written(name string) []Record {
	var out []Record
	for i := range e.log {
		if e.log[i].topic == name && !e.log[i].given {
			out = append(out, e.log[i].record)
		}
	}
	return out
}

// sinks are the topics of derived objects, sorted.
func (e *engine) sinks() []string {
	topics := map[string]bool{}
	for _, q := range e.queries {
		topics[external(q.out)] = true
	}
	return slices.Sorted(maps.Keys(topics))
}

func external(o *plan.Object) string {
	if o.External != "" {
		return o.External
	}
	return o.Topic
}

// rightful tells that a refusal names a cause in the statement, not something that the engine lacks.
func rightful(err error) bool {
	var e *sqlerr.Error
	return errors.As(err, &e) && e.Code != sqlerr.NotSupported
}
