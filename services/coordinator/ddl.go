package coordinator

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/catalog"
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

func kindName(k ast.ObjectKind) string {
	if k == ast.Table {
		return "table"
	}
	return "stream"
}

// create runs CREATE STREAM|TABLE, declared or AS a query.
func (c *Coordinator) create(ctx context.Context, s *session, st *ast.Create) (api.Result, error) {
	var done api.Result
	err := c.change(ctx, func(cat *catalog.Catalog) error {
		if o, exists := cat.Object(st.Name); exists {
			if st.IfNotExists {
				done = message(fmt.Sprintf("%s %s exists already", kindName(o.Kind), o.Name))
				return nil
			}
			if st.OrReplace {
				var err error
				done, err = c.replace(s, cat, st, o)
				return err
			}
			return sqlerr.New(sqlerr.Exists, st.Name.At, "%s %s exists already", kindName(o.Kind), o.Name).
				WithHint("CREATE ... IF NOT EXISTS, or DROP it first")
		}
		var err error
		if st.As == nil {
			done, err = c.declare(ctx, s, cat, st)
		} else {
			done, err = c.createAs(ctx, s, cat, st)
		}
		return err
	})
	return done, err
}

// declare adds a source.
func (c *Coordinator) declare(
	ctx context.Context, s *session, cat *catalog.Catalog, st *ast.Create,
) (api.Result, error) {
	def := plan.SettingDefaults(s.set, c.cfg.Partitions)
	note, err := c.infer(ctx, st, def)
	if err != nil {
		return api.Result{}, err
	}
	o, warnings, err := plan.Define(st, def)
	if err != nil {
		return api.Result{}, err
	}
	if err := c.checkSource(o, st); err != nil {
		return api.Result{}, err
	}
	if err := freeTopic(cat, o, st.Name); err != nil {
		return api.Result{}, err
	}
	if err := c.makeSourceTopics(ctx, o); err != nil {
		return api.Result{}, err
	}
	cat.Objects[o.Name] = o
	text := fmt.Sprintf("created %s %s", kindName(o.Kind), o.Name)
	if o.Source.Connector == "nats" {
		text += fmt.Sprintf(" from subject %q", o.Source.Subject)
	}
	if note != "" {
		text += "; " + note
	}
	return message(text, warnings...), nil
}

func (c *Coordinator) checkSource(o *plan.Object, st *ast.Create) error {
	switch o.Source.Connector {
	case "stdin":
		return unsupported(st, "connector stdin on a server").
			WithHint("leat run reads standard input; here POST rows to /api/v1/streams/%s/rows", o.Name)
	case "nats":
		return checkSubject(o.Source.Subject, st)
	}
	return nil
}

var badSubject = regexp.MustCompile(`[\s\x00-\x1f]|\.\.|^\.|\.$`)

func checkSubject(subject string, st *ast.Create) error {
	first, _, _ := strings.Cut(subject, ".")
	if badSubject.MatchString(subject) || len(subject) > 255 {
		return sqlerr.New(sqlerr.BadProperty, st.At, "%q is not a subject", subject)
	}
	if first == "leat" || first == ">" || first == "*" || strings.HasPrefix(first, "$") ||
		strings.HasPrefix(first, "_") {
		return sqlerr.New(sqlerr.BadProperty, st.At, "subject %q reaches subjects that are not the users'", subject).
			WithHint("begin it with a name of your own, such as orders.>")
	}
	return nil
}

// freeTopic refuses a topic that another object has.
func freeTopic(cat *catalog.Catalog, o *plan.Object, name ast.Ident) error {
	for _, n := range cat.Names() {
		other := cat.Objects[n]
		if o.External != "" && other.External == o.External {
			return sqlerr.New(sqlerr.NotSupported, name.At,
				"a second object on topic %q, which %s has, is not supported", o.External, other.Name).
				WithHint("CREATE STREAM or TABLE .. AS SELECT ... FROM %s reads its rows", other.Name)
		}
		if other.Topic == o.Topic {
			return sqlerr.New(sqlerr.Exists, name.At, "topic %q belongs to %s already", o.Topic, other.Name).
				WithHint("WITH (topic = '...') names another one")
		}
	}
	return nil
}

// createAs adds a query and the object it writes.
func (c *Coordinator) createAs(
	ctx context.Context, s *session, cat *catalog.Catalog, st *ast.Create,
) (api.Result, error) {
	b := c.binder(s, plan.Persistent)
	b.Catalog = cat
	q := c.newQuery(s, cat, st.Stmt, st.With)
	p, o, err := b.CreateAs(q.ID, st)
	if err != nil {
		return api.Result{}, err
	}
	if err := freeTopic(cat, o, st.Name); err != nil {
		return api.Result{}, err
	}
	q.Result, q.Sources = o.Name, sources(cat, p)
	if err := c.makeQueryTopics(ctx, q, p, o); err != nil {
		return api.Result{}, err
	}
	if p.Late != nil {
		if other, exists := cat.Objects[p.Late.Name]; exists {
			return api.Result{}, sqlerr.New(sqlerr.Exists, st.Name.At, "%s %s exists already", kindName(other.Kind),
				other.Name).WithHint("it would be the stream of the late rows")
		}
		cat.Objects[p.Late.Name] = p.Late
	}
	cat.Objects[o.Name], cat.Queries[q.ID] = o, q
	warnings := append(b.Warnings, c.beginsLate(ctx, q)...)
	return message(fmt.Sprintf("created %s %s, written by query %s", kindName(o.Kind), o.Name, q.ID), warnings...), nil
}

func (c *Coordinator) newQuery(s *session, cat *catalog.Catalog, st ast.Stmt, with []ast.Property) *catalog.Query {
	q := &catalog.Query{
		ID: fmt.Sprintf("q%d", cat.NextQuery), Statement: st.Text, Annotations: notes(st),
		State: catalog.Running, Emit: "batch", OnError: "dlq", Late: "drop",
		Profile: plan.ProfileName(plan.SettingProfile(s.set)), StateTTLMs: plan.SettingStateTTL(s.set),
		KeyFormat: plan.SettingDefaults(s.set, 1).KeyFormat, Types: maps.Clone(cat.Types),
		Functions: calledFunctions(cat, st.Text),
	}
	if s.set["emit"] == "record" {
		q.Emit = "record"
	}
	if v := s.set["on_error"]; v != "" {
		q.OnError = v
	}
	for _, w := range with {
		switch w.Name {
		case "on_error":
			q.OnError = strings.ToLower(w.Value)
		case "late":
			q.Late = strings.ToLower(w.Value)
		}
	}
	cat.NextQuery++
	return q
}

// sources collects the objects that a plan reads, as they are now.
func sources(cat *catalog.Catalog, p *plan.Plan) map[string]*plan.Object {
	out := map[string]*plan.Object{}
	for _, st := range p.Stages {
		for _, in := range st.Inputs {
			if in.Object != "" {
				out[in.Object] = cat.Objects[in.Object]
			}
		}
	}
	return out
}

// insertSelect adds one more writer to a stream.
func (c *Coordinator) insertSelect(ctx context.Context, s *session, st *ast.InsertSelect) (api.Result, error) {
	var done api.Result
	err := c.change(ctx, func(cat *catalog.Catalog) error {
		b := c.binder(s, plan.Persistent)
		b.Catalog = cat
		q := c.newQuery(s, cat, st.Stmt, nil)
		p, o, err := b.InsertSelect(q.ID, st)
		if err != nil {
			return err
		}
		q.Result, q.Sources = o.Name, sources(cat, p)
		if cycle := findCycle(cat, q); cycle != "" {
			return sqlerr.New(sqlerr.BadStatement, st.Target.At, "this makes a cycle: %s", cycle)
		}
		if err := c.makeQueryTopics(ctx, q, p, nil); err != nil {
			return err
		}
		cat.Queries[q.ID] = q
		done = message(fmt.Sprintf("query %s inserts into %s", q.ID, o.Name),
			append(b.Warnings, c.beginsLate(ctx, q)...)...)
		return nil
	})
	return done, err
}

// findCycle follows the queries from the result of q; it names the way back to one of q's sources.
func findCycle(cat *catalog.Catalog, q *catalog.Query) string {
	seen := map[string]bool{}
	todo := []string{q.Result}
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		if _, reads := q.Sources[name]; reads {
			return name + " is read to write " + q.Result
		}
		if seen[name] {
			continue
		}
		seen[name] = true
		for _, id := range slices.Sorted(maps.Keys(cat.Queries)) {
			if other := cat.Queries[id]; other.Sources[name] != nil {
				todo = append(todo, other.Result)
			}
		}
	}
	return ""
}

// sinkTargets are the targets there are, with what their address is.
var sinkTargets = map[string]string{
	"NATS": "a subject", "KV": "a bucket", "FILE": "a path", "CONSOLE": "", "HTTP": "a URL",
	"POSTGRES": "a connection string",
}

// sinkProperties are what WITH of a sink knows.
var sinkProperties = []string{
	"format", "max_bytes", "on_error", "rotate_bytes", "rotate_rows", "stream", "replicas",
	"max_retries", "delimiter", "table",
}

// SinkProperties lists the properties of a sink, for completion.
func SinkProperties() []string { return slices.Clone(sinkProperties) }

// createSink adds a sink.
func (c *Coordinator) createSink(ctx context.Context, st *ast.CreateSink) (api.Result, error) {
	var done api.Result
	if _, ok := sinkTargets[st.Target]; !ok {
		return done, sqlerr.New(sqlerr.NotSupported, st.AddressAt, "a sink TO %s is not supported", st.Target).
			WithHint("targets: NATS 'subject', KV 'bucket', FILE 'path', CONSOLE, HTTP 'url', POSTGRES 'dsn'")
	}
	sink := &catalog.Sink{
		Name: st.Name.Name, Target: st.Target, Address: st.Address, State: catalog.Running,
		Statement: st.Text, Props: map[string]string{},
	}
	for _, w := range st.With {
		if !slices.Contains(sinkProperties, w.Name) {
			return done, sqlerr.New(sqlerr.BadProperty, w.At, "a sink has no property %q", w.Name).
				WithHint("properties: %s", strings.Join(sinkProperties, ", "))
		}
		sink.Props[w.Name] = w.Value
	}
	err := c.change(ctx, func(cat *catalog.Catalog) error {
		if _, exists := cat.Sink(sink.Name); exists {
			if st.IfNotExists {
				done = message("sink " + sink.Name + " exists already")
				return nil
			}
			return sqlerr.New(sqlerr.Exists, st.Name.At, "sink %s exists already", sink.Name)
		}
		o, ok := cat.Object(st.From)
		if !ok {
			return c.noObject(cat, st.From)
		}
		if err := checkAddress(st, o); err != nil {
			return err
		}
		sink.From = o.Name
		if err := c.makeDead(ctx, sinkDead(sink.Name), o.Partitions); err != nil {
			return err
		}
		cat.NextSink++
		sink.ID = fmt.Sprintf("s%d", cat.NextSink)
		cat.Sinks[sink.Name] = sink
		done = message(fmt.Sprintf("created sink %s: %s to %s %s", sink.Name, o.Name, st.Target, st.Address))
		return nil
	})
	return done, err
}

func (c *Coordinator) noObject(cat *catalog.Catalog, name ast.Ident) error {
	e := sqlerr.New(sqlerr.UnknownObject, name.At, "no stream or table %q", name.Name)
	if near := sqlerr.Nearest(name.Name, cat.Names()); near != "" {
		return e.WithHint("did you mean %q?", near)
	}
	return e.WithHint("SHOW STREAMS and SHOW TABLES list them")
}

var placeholder = regexp.MustCompile(`\{([^{}]*)\}`)

// refusePassword keeps secrets out of the catalog, which SHOW and DESCRIBE print.
func refusePassword(st *ast.CreateSink) error {
	if !plan.HoldsPassword(st.Address) {
		return nil
	}
	hint := "the sink's environment holds it: PGPASSWORD, or a file that PGPASSFILE names"
	if st.Target == "HTTP" {
		hint = "a receiver behind a password needs a proxy that adds it"
	}
	return sqlerr.New(sqlerr.BadStatement, st.AddressAt, "a password in a statement would be kept in the catalog").
		WithHint("%s", hint)
}

// checkRemote refuses an address that no sink could open.
func checkRemote(st *ast.CreateSink) error {
	if st.Target == "POSTGRES" {
		if _, err := pgx.ParseConfig(st.Address); err != nil {
			return sqlerr.New(sqlerr.BadStatement, st.AddressAt, "%q is no connection string of PostgreSQL",
				st.Address).
				WithHint("TO POSTGRES 'host=db user=leat dbname=shop', or a postgres:// URL")
		}
		return nil
	}
	if u, err := url.Parse(st.Address); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return sqlerr.New(sqlerr.BadStatement, st.AddressAt, "%q is no URL of HTTP", st.Address).
			WithHint("TO HTTP 'https://example.com/hook'")
	}
	return nil
}

// checkAddress checks that the address is there and that its {columns} exist.
func checkAddress(st *ast.CreateSink, o *plan.Object) error {
	what := sinkTargets[st.Target]
	if what != "" && st.Address == "" {
		return sqlerr.New(sqlerr.BadStatement, st.At, "a sink TO %s needs %s", st.Target, what)
	}
	if st.Target == "HTTP" || st.Target == "POSTGRES" {
		if err := refusePassword(st); err != nil {
			return err
		}
		return checkRemote(st)
	}
	var names []string
	for _, col := range o.Columns {
		names = append(names, col.Name)
	}
	for _, m := range placeholder.FindAllStringSubmatch(st.Address, -1) {
		if !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, m[1]) }) {
			return sqlerr.New(sqlerr.UnknownColumn, st.AddressAt, "no column %q in %s", m[1], o.Name).
				WithHint("columns: %s", strings.Join(names, ", "))
		}
	}
	if st.Target == "NATS" {
		first, _, _ := strings.Cut(st.Address, ".")
		if badSubject.MatchString(st.Address) || first == "leat" || strings.HasPrefix(first, "$") ||
			strings.ContainsAny(st.Address, "*>") {
			return sqlerr.New(sqlerr.BadStatement, st.AddressAt, "%q is not a subject to publish on", st.Address).
				WithHint("out.{symbol}, for example")
		}
	}
	return nil
}

// drop runs DROP STREAM|TABLE|SINK.
func (c *Coordinator) drop(ctx context.Context, st *ast.Drop) (api.Result, error) {
	var done api.Result
	var gone []string // topics
	err := c.change(ctx, func(cat *catalog.Catalog) error {
		gone = nil
		if st.What == "SINK" {
			s, ok := cat.Sink(st.Name.Name)
			if !ok {
				return missing(st, &done)
			}
			delete(cat.Sinks, s.Name)
			done = message("dropped sink " + s.Name)
			return nil
		}
		if st.What == "TYPE" {
			name := strings.ToUpper(st.Name.Name)
			if _, ok := cat.Types[name]; !ok {
				return missing(st, &done)
			}
			delete(cat.Types, name)
			done = message("dropped type " + name)
			return nil
		}
		if st.What == "FUNCTION" {
			name := strings.ToUpper(st.Name.Name)
			if _, ok := cat.Functions[name]; !ok {
				return missing(st, &done)
			}
			delete(cat.Functions, name)
			done = message("dropped function " + name)
			return nil
		}
		o, ok := cat.Object(st.Name)
		if !ok {
			return missing(st, &done)
		}
		if err := plan.CheckDrop(o, st); err != nil {
			return err
		}
		if err := dropObject(cat, st, o, &gone); err != nil {
			return err
		}
		done = message(fmt.Sprintf("dropped %s %s", kindName(o.Kind), o.Name))
		return nil
	})
	if err != nil {
		return done, err
	}
	return done, c.deleteTopics(ctx, gone)
}

// dropObject removes an object, the query that writes it, and names the topics that go with them.
func dropObject(cat *catalog.Catalog, st *ast.Drop, o *plan.Object, gone *[]string) error {
	late := cat.Objects[o.Name+plan.LateSuffix]
	readers := cat.Readers(o.Name)
	if late != nil && late.Query == o.Query {
		readers = append(readers, cat.Readers(late.Name)...)
	}
	if main := strings.TrimSuffix(o.Name, plan.LateSuffix); main != o.Name && cat.Objects[main] != nil &&
		cat.Objects[main].Query == o.Query {
		return sqlerr.New(sqlerr.InUse, st.Name.At, "%s goes with %s, whose late rows it has", o.Name, main)
	}
	if len(readers) > 0 {
		return sqlerr.New(sqlerr.InUse, st.Name.At, "%s is read by %s", o.Name, strings.Join(readers, ", ")).
			WithHint("drop what reads it first")
	}
	for _, id := range slices.Sorted(maps.Keys(cat.Queries)) {
		q := cat.Queries[id]
		if q.Result != o.Name {
			continue
		}
		if id != o.Query {
			return sqlerr.New(sqlerr.InUse, st.Name.At, "query %s inserts into %s", id, o.Name).
				WithHint("TERMINATE %s first", id)
		}
		*gone = append(*gone, queryTopics(q, cat)...)
		delete(cat.Queries, id)
	}
	*gone = append(*gone, o.Topic)
	delete(cat.Objects, o.Name)
	if late != nil && late.Query == o.Query {
		*gone = append(*gone, late.Topic)
		delete(cat.Objects, late.Name)
	}
	return nil
}

func missing(st *ast.Drop, done *api.Result) error {
	what := strings.ToLower(st.What)
	if st.IfExists {
		*done = message(fmt.Sprintf("there is no %s %s", what, st.Name.Name))
		return nil
	}
	return sqlerr.New(sqlerr.NotFound, st.Name.At, "no %s %q", what, st.Name.Name).
		WithHint("SHOW %sS lists them", st.What)
}

// control runs TERMINATE, PAUSE and RESUME.
func (c *Coordinator) control(ctx context.Context, st *ast.Control) (api.Result, error) {
	var done api.Result
	var gone []string
	err := c.change(ctx, func(cat *catalog.Catalog) error {
		gone = nil
		ids := slices.Sorted(maps.Keys(cat.Queries))
		if !st.All {
			q, ok := cat.Query(st.ID.Name)
			if !ok {
				return sqlerr.New(sqlerr.NotFound, st.ID.At, "no query %q", st.ID.Name).
					WithHint("SHOW QUERIES lists them")
			}
			ids = []string{q.ID}
		}
		for _, id := range ids {
			if err := controlOne(cat, st, id, &gone); err != nil {
				return err
			}
		}
		verb := map[string]string{"TERMINATE": "terminated", "PAUSE": "paused", "RESUME": "resumed"}[st.Verb]
		done = message(verb + " " + strings.Join(ids, ", "))
		return nil
	})
	if err != nil {
		return done, err
	}
	return done, c.deleteTopics(ctx, gone)
}

func controlOne(cat *catalog.Catalog, st *ast.Control, id string, gone *[]string) error {
	q := *cat.Queries[id]
	switch st.Verb {
	case "PAUSE":
		q.State = catalog.Paused
	case "RESUME":
		q.State = catalog.Running
	default: // what the query wrote stays; nobody writes it any more
		*gone = append(*gone, queryTopics(&q, cat)...)
		delete(cat.Queries, id)
		return nil
	}
	cat.Queries[id] = &q
	return nil
}
