package plan

import (
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Select plans a client's query (Push or Bounded). A table's rows are folded to the last one per key in a bounded run.
func (b *Binder) Select(id string, q *ast.Query) (*Plan, error) {
	if err := b.ksqlPull(q); err != nil {
		return nil, err
	}
	n, err := b.bindQuery(q, false)
	if err != nil {
		return nil, err
	}
	if b.Profile == expr.Ksql {
		withoutNullValues(n)
	}
	if b.Mode == Bounded && n.Updating && q.Emit == ast.EmitDefault {
		n = foldTable(n)
		if b.selected > 0 && b.selected < len(n.Schema.Fields) { // the key was kept to fold by
			exprs, names := identity(n)
			n = project(n, exprs[:b.selected], names[:b.selected])
		}
	}
	n = visible(n)
	return makePlan(id, b.tolerant(n), "", 1), nil
}

// foldTable keeps the last row per key; a Sort or Limit on top stays on top.
func foldTable(n *Node) *Node {
	switch n.Spec.(type) {
	case *operator.Sort, *operator.Limit:
		return foldBelow(n)
	case *operator.Project: // hides sort keys
		if _, sorted := n.Inputs[0].Spec.(*operator.Sort); sorted {
			return foldBelow(n)
		}
	}
	p := n.Props
	p.Updating = false
	return &Node{Spec: &operator.Materialize{Keys: n.Key, Final: true, Schema: n.Schema}, Inputs: []*Node{n}, Props: p}
}

func foldBelow(n *Node) *Node {
	out := *n
	out.Inputs = []*Node{foldTable(n.Inputs[0])}
	out.Updating = false
	return &out
}

// CreateAs plans CREATE STREAM|TABLE .. AS query and makes the object of its result.
func (b *Binder) CreateAs(id string, c *ast.Create) (*Plan, *Object, error) {
	n, err := b.bindQuery(c.As, c.Kind == ast.Table)
	if err != nil {
		return nil, nil, err
	}
	if err := b.repeatable(n); err != nil {
		return nil, nil, err
	}
	d := &definition{
		profile: b.Profile,
		o:       &Object{Name: c.Name.Name, Kind: c.Kind, Statement: c.Text, Query: id}, s: &Source{},
	}
	if err := d.apply(c.With, derivedProperties); err != nil {
		return nil, nil, err
	}
	b.Warnings = append(b.Warnings, d.warnings...)
	if n, err = b.shape(c, d, n); err != nil {
		return nil, nil, err
	}
	if b.Profile == expr.Ksql {
		d.o.External, d.o.Topic = d.o.Topic, ksqlTopic(d.o.Name)
	}
	if d.o.Topic == "" {
		d.o.Topic = TopicName(d.o.Name)
	}
	if !validTopic(d.o.Topic) {
		return nil, nil, sqlerr.New(sqlerr.BadProperty, c.Name.At, "%q cannot name a topic", d.o.Topic).
			WithHint("WITH (topic = 'letters_digits_underscores') names one")
	}
	p := makePlan(id, b.tolerant(n), d.o.Topic, d.o.Partitions)
	fillObject(d.o, p)
	if err := b.derivedEncoding(c, d, n); err != nil {
		return nil, nil, err
	}
	if d.s.MaxBytes > 0 || d.s.Retention > 0 || d.s.OnError != "" {
		d.o.Source = nil
	}
	if strings.EqualFold(d.s.Late, "topic") {
		if err := p.lateRows(d.o, c); err != nil {
			return nil, nil, err
		}
	}
	return p, d.o, nil
}

var derivedProperties = []string{
	"topic", "partitions", "replicas", "event_time", "watermark", "key", "format",
	"key_format", "value_format", "delimiter", "key_delimiter", "event_time_format",
	"max_bytes", "retention", "on_error", "late", "retention_ms", "wrap_single_value",
}

// shape makes the query's result the kind of object that the statement wants, with its key and event time.
func (b *Binder) shape(c *ast.Create, d *definition, n *Node) (*Node, error) {
	if err := b.ksqlKind(c, n); err != nil {
		return nil, err
	}
	for i, f := range n.Schema.Fields {
		at := c.Name.At
		if i < len(c.As.Items) && !c.As.Items[0].Star {
			at = c.As.Items[i].At
		}
		if err := refuseReserved(f.Name, at); err != nil && b.Profile != expr.Ksql { // ksqlResult has looked already
			return nil, err
		}
		d.o.Columns = append(d.o.Columns, Column{Name: f.Name, Type: f.Type})
	}
	n, err := b.setKey(c, d, n)
	if err != nil {
		return nil, err
	}
	if d.o.EventTime != "" {
		if n, err = b.resultTime(d, n); err != nil {
			return nil, err
		}
	}
	if d.o.DelaySet {
		n.DelayMs, n.DelaySet = d.o.DelayMs, true
	}
	switch {
	case c.Kind == ast.Table && len(n.Key) == 0:
		if len(d.o.Key) == 0 && !isAggregated(n) {
			return nil, sqlerr.New(sqlerr.BadStatement, c.Name.At, "table %s needs a key", c.Name.Name).
				WithHint("GROUP BY makes one; or mark a column: SELECT id PRIMARY KEY, ...; or CREATE STREAM")
		}
	case c.Kind == ast.Stream && n.Updating:
		n = visible(toStream(n))
	}
	if c.Kind == ast.Table {
		n = toTable(n)
	}
	return n, nil
}

// setKey applies the property key and PRIMARY KEY marks of the select list.
func (b *Binder) setKey(c *ast.Create, d *definition, n *Node) (*Node, error) {
	var key []int
	for _, k := range d.key {
		i := d.column(k)
		if i < 0 {
			return nil, d.noColumn(k, d.keyAt)
		}
		key = append(key, i)
	}
	at := 0
	for _, it := range c.As.Items {
		if it.Star {
			at = -1
			break
		}
		if it.Key {
			key = append(key, at)
		}
		at++
	}
	if at < 0 && slices.ContainsFunc(c.As.Items, func(it ast.SelectItem) bool { return it.Key }) {
		return nil, unsupported(c.As.At, "KEY marks beside a * in the select list").WithHint("use WITH (key = '...')")
	}
	if len(key) == 0 {
		return n, nil
	}
	if n.Updating && !slices.Equal(key, n.Key) {
		return nil, sqlerr.New(sqlerr.BadStatement, c.Name.At,
			"the key of a table is its GROUP BY; it cannot be given another one")
	}
	out := *n
	out.Key = key
	return &out, nil
}

func isAggregated(n *Node) bool {
	if _, ok := n.Spec.(*operator.Aggregate); ok {
		return true
	}
	return slices.ContainsFunc(n.Inputs, isAggregated)
}

// resultTime makes a column of the result the event time.
func (b *Binder) resultTime(d *definition, n *Node) (*Node, error) {
	if err := d.eventTime(); err != nil {
		return nil, err
	}
	col := d.column(d.o.EventTime)
	if n.EventTime == col {
		return n, nil
	}
	if _, ok := n.Spec.(*operator.Project); !ok {
		exprs, names := identity(n)
		n = project(n, exprs, names)
	}
	if n.Schema.Fields[col].Type.Kind == vector.String {
		return b.resultTimeText(d, n, col)
	}
	setEventTime(n, col)
	if d.o.DelaySet {
		n.Spec.(*operator.Project).DelayMs = d.o.DelayMs //nolint:forcetypeassert // made a Project above
	}
	return n, nil
}

// holdsState tells that the rows of n lie in the state of an Aggregate below projections and conditions.
func holdsState(n *Node) bool {
	for {
		switch n.Spec.(type) {
		case *operator.Aggregate:
			return true
		case *operator.Project, *operator.Filter:
			n = n.Inputs[0]
		default:
			return false
		}
	}
}

// toTable puts a Materialize on a result whose state no operator holds, so that pull queries can read it.
func toTable(n *Node) *Node {
	out := *n
	out.Table, out.Updating = true, true
	if holdsState(n) {
		return &out
	}
	return &Node{Spec: &operator.Materialize{Keys: n.Key, Schema: n.Schema}, Inputs: []*Node{n}, Props: out.Props}
}

// toStream makes rows of a changelog: inserts and updates-after stay, deletes go.
func toStream(n *Node) *Node {
	p := n.Props
	p.Updating, p.Table = false, false
	return &Node{Spec: &operator.ToStream{Schema: n.Schema}, Inputs: []*Node{n}, Props: p}
}

// fillObject completes a derived object from its plan.
func fillObject(o *Object, p *Plan) {
	r := p.Result
	o.Columns = nil
	for i, f := range r.Schema.Fields {
		o.Columns = append(o.Columns, Column{Name: f.Name, Type: f.Type, Key: slices.Contains(r.Key, i)})
	}
	o.Key, o.Partitions, o.EventTime, o.Windowed, o.Updating = r.Key, r.Partitions, r.EventTime, r.Windowed, r.Updating
	o.DelayMs, o.DelaySet = r.DelayMs, r.DelaySet
	if o.Windowed {
		o.WindowType, o.WindowMs = windowOf(p.Logical)
	}
	if !slices.Equal(r.Part, r.Key) {
		o.Part = slices.Clone(r.Part)
		if o.Part == nil {
			o.Part = []int{}
		}
	}
}

// InsertSelect plans INSERT INTO target query.
func (b *Binder) InsertSelect(id string, s *ast.InsertSelect) (*Plan, *Object, error) {
	o, err := lookup(b.Catalog, s.Target)
	if err != nil {
		return nil, nil, err
	}
	if o.Kind == ast.Table || o.ReadOnly {
		return nil, nil, sqlerr.New(sqlerr.BadStatement, s.Target.At,
			"INSERT INTO .. SELECT needs a stream; %s is read-only or a table", o.Name)
	}
	b.renames = true
	n, err := b.bindQuery(s.Query, false)
	if err != nil {
		return nil, nil, err
	}
	if err := b.repeatable(n); err != nil {
		return nil, nil, err
	}
	if n.Updating && b.Profile == expr.Ksql {
		return nil, nil, sqlerr.New(sqlerr.BadStatement, s.Query.At, "the query makes a table; %s is a stream", o.Name).
			WithHint("CREATE TABLE .. AS keeps it")
	}
	if n.Updating {
		n = toStream(n)
	}
	n = visible(n)
	if n, err = b.fitTarget(n, o, s.Query.At); err != nil {
		return nil, nil, err
	}
	p := makePlan(id, b.tolerant(n), o.Topic, o.Partitions)
	p.Stages[len(p.Stages)-1].Output.Keys = o.Placement()
	return p, o, nil
}
