package plan

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Select plans a client's query (Push or Bounded). A table's rows are folded to the last one per key in a bounded run.
func (b *Binder) Select(id string, q *ast.Query) (*Plan, error) {
	n, err := b.bindQuery(q, false)
	if err != nil {
		return nil, err
	}
	if b.Mode == Bounded && n.Updating && q.Emit == ast.EmitDefault {
		n = foldTable(n)
		if b.selected > 0 && b.selected < len(n.Schema.Fields) { // the key was kept to fold by
			exprs, names := identity(n)
			n = project(n, exprs[:b.selected], names[:b.selected])
		}
	}
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
	return p, d.o, nil
}

var derivedProperties = []string{
	"topic", "partitions", "replicas", "event_time", "watermark", "key", "format",
	"key_format", "value_format", "delimiter", "key_delimiter", "event_time_format",
	"max_bytes", "retention", "on_error", "late", "retention_ms", "wrap_single_value",
}

// shape makes the query's result the kind of object that the statement wants, with its key and event time.
func (b *Binder) shape(c *ast.Create, d *definition, n *Node) (*Node, error) {
	for i, f := range n.Schema.Fields {
		at := c.Name.At
		if i < len(c.As.Items) && !c.As.Items[0].Star {
			at = c.As.Items[i].At
		}
		if err := refuseReserved(f.Name, at); err != nil {
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
		n = toStream(n)
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
	setEventTime(n, col)
	if d.o.DelaySet {
		n.Spec.(*operator.Project).DelayMs = d.o.DelayMs //nolint:forcetypeassert // made a Project above
	}
	return n, nil
}

// toTable puts a Materialize on a result whose state no operator holds, so that pull queries can read it.
func toTable(n *Node) *Node {
	out := *n
	out.Table, out.Updating = true, true
	if isAggregated(n) {
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
	if n.Updating {
		n = toStream(n)
	}
	if len(n.Schema.Fields) != len(o.Columns) {
		return nil, nil, sqlerr.New(sqlerr.TypeMismatch, s.Query.At, "the query gives %d columns, %s has %d",
			len(n.Schema.Fields), o.Name, len(o.Columns))
	}
	exprs, names := identity(n)
	for i, c := range o.Columns {
		names[i] = c.Name
		if exprs[i], err = widen(exprs[i], c, s.Query.At); err != nil {
			return nil, nil, err
		}
	}
	n = project(n, exprs, names)
	n.Key = o.Key
	p := makePlan(id, b.tolerant(n), o.Topic, o.Partitions)
	p.Stages[len(p.Stages)-1].Output.Keys = o.Placement()
	return p, o, nil
}

func widen(x expr.Expr, c Column, at ast.Span) (expr.Expr, error) {
	if x.Type().Equal(c.Type) {
		return x, nil
	}
	t, err := expr.CommonType(x.Type(), c.Type)
	if err != nil || !t.Equal(c.Type) {
		return nil, sqlerr.New(sqlerr.TypeMismatch, at, "column %q is %s, the query gives %s", c.Name, c.Type,
			x.Type()).
			WithHint("CAST(... AS %s)", c.Type)
	}
	return expr.NewCast(x, c.Type, false, at)
}

// InsertValues evaluates INSERT INTO .. VALUES to a batch of the target's columns. Times are ROWTIME or NoTime.
func (b *Binder) InsertValues(s *ast.InsertValues) (*Object, *vector.Batch, error) {
	o, err := lookup(b.Catalog, s.Target)
	if err != nil {
		return nil, nil, err
	}
	if o.ReadOnly {
		return nil, nil, sqlerr.New(sqlerr.BadStatement, s.Target.At, "%s is read-only (SOURCE)", o.Name)
	}
	if o.Kind == ast.Table && o.Query != "" {
		return nil, nil, sqlerr.New(sqlerr.BadStatement, s.Target.At,
			"%s is the result of query %s; its rows come from there", o.Name, o.Query).
			WithHint("insert into the stream or table that it reads")
	}
	cols, rowtime, err := insertColumns(s, o)
	if err != nil {
		return nil, nil, err
	}
	batch := &vector.Batch{Schema: o.Schema(), Watermark: vector.NoTime}
	for _, row := range s.Rows {
		if len(row) != len(cols) {
			return nil, nil, sqlerr.New(sqlerr.BadStatement, rowSpan(row, s.At), "%d values for %d columns", len(row),
				len(cols))
		}
		one, at, err := b.insertRow(o, cols, rowtime, row)
		if err != nil {
			return nil, nil, err
		}
		one.Time = []int64{at}
		if batch.Rows == 0 {
			batch = one
		} else {
			vector.AppendBatch(batch, one)
		}
	}
	return o, batch, nil
}

func rowSpan(row []ast.Expr, at ast.Span) ast.Span {
	if len(row) > 0 {
		return row[0].Span().Join(row[len(row)-1].Span())
	}
	return at
}

// insertColumns maps the column list to columns; rowtime is the place of ROWTIME in the list or -1.
func insertColumns(s *ast.InsertValues, o *Object) (cols []int, rowtime int, err error) {
	rowtime = -1
	if len(s.Columns) == 0 {
		for i := range o.Columns {
			cols = append(cols, i)
		}
		return cols, rowtime, nil
	}
	d := &definition{o: o}
	for i, c := range s.Columns {
		col := d.column(c.Name)
		if col < 0 && same(c, "rowtime") {
			rowtime = i
		} else if col < 0 {
			return nil, 0, d.noColumn(c.Name, c.At)
		}
		if slices.Contains(cols, col) {
			return nil, 0, sqlerr.New(sqlerr.Ambiguous, c.At, "column %q is named twice", c.Name)
		}
		cols = append(cols, col)
	}
	return cols, rowtime, nil
}

// insertRow evaluates one row of constants.
func (b *Binder) insertRow(o *Object, cols []int, rowtime int, row []ast.Expr) (*vector.Batch, int64, error) {
	exprs := make([]expr.Expr, len(o.Columns))
	for i, c := range o.Columns {
		exprs[i] = &expr.Literal{T: c.Type}
	}
	eb := b.binder(&scope{node: &Node{Props: Props{Schema: &vector.Schema{}, WindowStart: -1, WindowEnd: -1}}})
	var when expr.Expr
	for i, a := range row {
		x, err := eb.bind(a)
		if err != nil {
			return nil, 0, err
		}
		t := vector.TBigInt
		if cols[i] >= 0 {
			t = o.Columns[cols[i]].Type
		}
		if !x.Type().Equal(t) {
			if x, err = b.Profile.Cast(x, t, false, a.Span()); err != nil {
				return nil, 0, err
			}
		}
		if i == rowtime {
			when = x
		} else {
			exprs[cols[i]] = x
		}
	}
	if when != nil {
		exprs = slices.Concat(exprs, []expr.Expr{when})
	}
	return evalRow(o, exprs, when != nil)
}

// evalRow computes constant expressions as one row; the last one is the time if timed.
func evalRow(o *Object, exprs []expr.Expr, timed bool) (*vector.Batch, int64, error) {
	one := &vector.Batch{Schema: &vector.Schema{}, Rows: 1, Time: []int64{0}}
	out := &vector.Batch{Schema: o.Schema(), Rows: 1, Watermark: vector.NoTime}
	at := vector.NoTime
	for i, x := range exprs {
		p, err := expr.Compile(x)
		if err != nil {
			return nil, 0, err
		}
		ctx := &expr.Context{}
		v := p.Eval(ctx, one)
		if len(ctx.Errors) > 0 {
			return nil, 0, sqlerr.New(sqlerr.TypeMismatch, x.Span(), "%s", ctx.Errors[0].Msg)
		}
		if timed && i == len(exprs)-1 {
			if !v.Null(0) {
				at = v.I64[0]
			}
			continue
		}
		out.Cols = append(out.Cols, vector.CloneVector(v))
	}
	if at == vector.NoTime && o.EventTime != "" {
		at = timeOf(o, out)
	}
	return out, at, nil
}

func timeOf(o *Object, b *vector.Batch) int64 {
	d := &definition{o: o}
	v := b.Cols[d.column(o.EventTime)]
	if v.Type.Phys() != vector.PhysI64 || v.Null(0) {
		return vector.NoTime
	}
	return v.I64[0]
}
