package coordinator

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/catalog"
	"github.com/leatsql/leat/internal/wasm"
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

func table(columns ...string) api.Result {
	r := api.Result{Kind: "table", Rows: [][]string{}}
	for _, c := range columns {
		r.Columns = append(r.Columns, api.Column{Name: c, Type: "STRING"})
	}
	return r
}

// show answers SHOW and LIST.
func (c *Coordinator) show(s *session, st *ast.Show) (api.Result, error) {
	cat := c.Catalog()
	switch st.What {
	case "STREAMS":
		return c.showObjects(cat, ast.Stream), nil
	case "TABLES":
		return c.showObjects(cat, ast.Table), nil
	case "TOPICS":
		r := table("topic", "object", "partitions")
		for _, n := range cat.Names() {
			o := cat.Objects[n]
			r.Rows = append(r.Rows, []string{o.Topic, o.Name, strconv.Itoa(o.Partitions)})
		}
		return r, nil
	case "QUERIES":
		return c.showQueries(cat, st.Extended), nil
	case "SINKS":
		return c.showSinks(cat), nil
	case "TYPES":
		return showTypes(cat), nil
	case "FUNCTIONS":
		return showFunctions(cat), nil
	case "PROPERTIES":
		r := table("setting", "value")
		values := plan.DefaultSettings()
		maps.Copy(values, s.set)
		for _, k := range slices.Sorted(maps.Keys(values)) {
			r.Rows = append(r.Rows, []string{k, values[k]})
		}
		return r, nil
	case "VARIABLES":
		r := table("variable", "value")
		for _, k := range slices.Sorted(maps.Keys(s.vars)) {
			r.Rows = append(r.Rows, []string{k, s.vars[k]})
		}
		return r, nil
	default:
		return api.Result{}, unsupported(st, "SHOW "+st.What)
	}
}

func (c *Coordinator) showObjects(cat *catalog.Catalog, kind ast.ObjectKind) api.Result {
	r := table("name", "key", "topic", "partitions", "source", "state")
	status := c.Status()
	for _, n := range cat.Names() {
		o := cat.Objects[n]
		if o.Kind != kind {
			continue
		}
		r.Rows = append(r.Rows, []string{
			o.Name, keyText(o), o.Topic, strconv.Itoa(o.Partitions), sourceText(o),
			objectState(o, &status),
		})
	}
	return r
}

// objectState is what the source of an object, or the query that writes it, does, and why it does not run.
func objectState(o *plan.Object, s *api.Status) string {
	for _, src := range s.Sources {
		if src.Name == o.Name {
			return strings.TrimSuffix(src.State+": "+src.Reason, ": ")
		}
	}
	for _, q := range s.Queries {
		if q.ID == o.Query {
			return strings.TrimSuffix(q.State+": "+q.Reason, ": ")
		}
	}
	return ""
}

func keyText(o *plan.Object) string {
	names := make([]string, len(o.Key))
	for i, k := range o.Key {
		names[i] = o.Columns[k].Name
	}
	return strings.Join(names, ", ")
}

func sourceText(o *plan.Object) string {
	if o.Query != "" {
		return "query " + o.Query
	}
	s := o.Source
	if s == nil {
		return ""
	}
	return strings.TrimSpace(s.Connector + " " + s.Subject + s.Path + s.URL + s.Generator + s.Bucket + s.Table)
}

func (c *Coordinator) showQueries(cat *catalog.Catalog, extended bool) api.Result {
	cols := []string{"id", "result", "state", "statement"}
	if extended {
		cols = []string{
			"id", "result", "state", "in", "out", "filtered", "late", "dead", "skipped", "lag", "state bytes",
			"in files", "keys", "reason", "annotations",
		}
	}
	r := table(cols...)
	status := c.Status()
	for _, id := range slices.Sorted(maps.Keys(cat.Queries)) {
		q := cat.Queries[id]
		if !extended {
			r.Rows = append(r.Rows, []string{id, q.Result, string(q.State), oneLine(q.Statement)})
			continue
		}
		i := slices.IndexFunc(status.Queries, func(s api.QueryStatus) bool { return s.ID == id })
		qs := status.Queries[i]
		first, last := firstLast(qs)
		size := stateSize(qs)
		u := func(v uint64) string { return strconv.FormatUint(v, 10) }
		r.Rows = append(r.Rows, []string{
			id, q.Result, qs.State, u(first.In), u(last.Out), u(first.Filtered),
			u(first.Late), u(first.DeadLettered), u(first.Skipped), u(qs.Lag), u(uint64(size.StateBytes)),
			u(uint64(size.StoredBytes)), u(uint64(size.StateKeys)), qs.Reason, notesText(q.Annotations),
		})
	}
	return r
}

// stateSize is the state of all stages.
func stateSize(q api.QueryStatus) (sum api.StageStatus) {
	for _, s := range q.Stages {
		sum.StateBytes += s.StateBytes
		sum.StoredBytes += s.StoredBytes
		sum.StateKeys += s.StateKeys
	}
	return sum
}

func firstLast(q api.QueryStatus) (first, last api.Counts) {
	if len(q.Stages) == 0 {
		return first, last
	}
	return q.Stages[0].Counts, q.Stages[len(q.Stages)-1].Counts
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func (c *Coordinator) showSinks(cat *catalog.Catalog) api.Result {
	r := table("name", "from", "to", "state", "guarantee", "delivered")
	status := c.Status()
	for _, n := range slices.Sorted(maps.Keys(cat.Sinks)) {
		s := cat.Sinks[n]
		row := []string{n, s.From, strings.TrimSpace(s.Target + " " + s.Address), string(s.State), "", ""}
		for _, st := range status.Sinks {
			if st.Name == n {
				row[3], row[4], row[5] = st.State, st.Guarantee, strconv.FormatUint(st.Delivered, 10)
			}
		}
		r.Rows = append(r.Rows, row)
	}
	return r
}

func showFunctions(cat *catalog.Catalog) api.Result {
	r := table("function", "category", "usage", "description")
	for _, f := range expr.All() {
		if !f.Operator {
			r.Rows = append(r.Rows, []string{f.Name, f.Category, strings.Join(f.Usage, " | "), f.Doc})
		}
	}
	for _, f := range wasm.Functions(cat.Functions) { // any order: sorted below
		r.Rows = append(r.Rows, []string{f.Name, f.Category, strings.Join(f.Usage, " | "), f.Doc})
	}
	for _, a := range operator.Aggregates() {
		r.Rows = append(r.Rows, []string{a.Name, "aggregate", a.Usage, a.Doc})
	}
	slices.SortFunc(r.Rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	return r
}

// describe answers DESCRIBE n, DESCRIBE FUNCTION f and DESCRIBE SINK n.
func (c *Coordinator) describe(st *ast.Describe) (api.Result, error) {
	cat := c.Catalog()
	switch st.What {
	case "FUNCTION":
		return describeFunction(cat, st)
	case "SINK":
		return c.describeSink(cat, st)
	}
	o, ok := cat.Object(st.Name)
	if !ok {
		return api.Result{}, c.noObject(cat, st.Name)
	}
	r := table("column", "type", "key")
	for _, col := range o.Columns {
		key := ""
		if col.Key {
			key = "key"
		}
		r.Rows = append(r.Rows, []string{col.Name, ast.FormatType(col.Type), key})
	}
	r.Message = describeText(o)
	if st.Extended {
		r.Message += "\nread by: " + strings.Join(cat.Readers(o.Name), ", ") + "\nstatement: " + oneLine(o.Statement)
		if q := cat.Queries[o.Query]; q != nil && len(q.Annotations) > 0 {
			r.Message += "\nannotations: " + notesText(q.Annotations)
		}
	}
	return r, nil
}

func describeText(o *plan.Object) string {
	parts := []string{kindName(o.Kind) + " " + o.Name, "topic " + o.Topic, fmt.Sprintf("%d partitions", o.Partitions)}
	if o.EventTime != "" {
		parts = append(parts, "event time "+o.EventTime)
	}
	if o.DelaySet {
		parts = append(parts, fmt.Sprintf("watermark %d ms behind", o.DelayMs))
	}
	if src := sourceText(o); src != "" {
		parts = append(parts, "from "+src)
	}
	text := strings.Join(parts, ", ")
	if s := o.Source; s != nil {
		how := deliveries[s.Connector]
		if s.Delivery == "core" && s.Connector == "nats" {
			how = "at most once (a core NATS subject: what is published while ingest is away is lost)"
		}
		if how != "" {
			text += "\ndelivery: " + how
		}
	}
	return text
}

// deliveries say how often the records of a connector become rows.
var deliveries = map[string]string{
	"nats":   "exactly once (a JetStream stream captures the subject)",
	"kv":     "exactly once, by the revisions of the bucket; an entry that expires without a marker is no deletion",
	"object": "exactly once, a row for each version that the store still tells of",
	"postgres": "the table is read again and again; what has changed between two readings is told once, what came " +
		"and went between them is not seen",
	"file": "exactly once, by the position in the file",
}

func describeFunction(cat *catalog.Catalog, st *ast.Describe) (api.Result, error) {
	name := strings.ToUpper(st.Name.Name)
	if f, ok := cat.Functions[name]; ok {
		return message(strings.Join(wasm.Functions(cat.Functions)[name].Usage, "\n") + "\n" + oneLine(f.Statement)), nil
	}
	if f, ok := expr.Lookup(name); ok {
		return message(strings.Join(f.Usage, "\n") + "\n" + f.Doc), nil
	}
	for _, a := range operator.Aggregates() {
		if a.Name == name || slices.Contains(a.Aliases, name) {
			return message(a.Usage + "\n" + a.Doc + "\nan aggregate"), nil
		}
	}
	return api.Result{}, sqlerr.New(sqlerr.UnknownFunc, st.Name.At, "no function %q", name).
		WithHint("SHOW FUNCTIONS lists them")
}

func (c *Coordinator) describeSink(cat *catalog.Catalog, st *ast.Describe) (api.Result, error) {
	s, ok := cat.Sink(st.Name.Name)
	if !ok {
		return api.Result{}, sqlerr.New(sqlerr.NotFound, st.Name.At, "no sink %q", st.Name.Name).
			WithHint("SHOW SINKS lists them")
	}
	r := table("property", "value")
	r.Rows = append(r.Rows, []string{"from", s.From}, []string{"to", s.Target + " " + s.Address},
		[]string{"state", c.sinkState(s)})
	for _, k := range slices.Sorted(maps.Keys(s.Props)) {
		r.Rows = append(r.Rows, []string{k, s.Props[k]})
	}
	for _, status := range c.Status().Sinks {
		if status.Name == s.Name {
			r.Rows = append(r.Rows, []string{"guarantee", status.Guarantee}, []string{"reason", status.Reason},
				[]string{"delivered", strconv.FormatUint(status.Delivered, 10)})
		}
	}
	return r, nil
}

// sinkState is what a sink does, as its deliveries tell.
func (c *Coordinator) sinkState(s *catalog.Sink) string {
	for _, st := range c.Status().Sinks {
		if st.Name == s.Name && st.State != "" {
			return st.State
		}
	}
	return string(s.State)
}
