package plan

import (
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

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
		if err := refuseKeyless(o, one, rowSpan(row, s.At)); err != nil {
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
		cols = keysFirst(len(o.Columns), nil)
		if o.Profile == ProfileKsql {
			cols = keysFirst(len(o.Columns), o.Key)
		}
		return cols, rowtime, refuseHeaders(o, cols, s.At)
	}
	d := &definition{o: o}
	for i, c := range s.Columns {
		col := d.column(c.Name)
		if col < 0 && !c.Quoted && strings.EqualFold(c.Name, "rowtime") {
			rowtime = i
		} else if col < 0 {
			return nil, 0, d.noColumn(c.Name, c.At)
		}
		if slices.Contains(cols, col) {
			return nil, 0, sqlerr.New(sqlerr.Ambiguous, c.At, "column %q is named twice", c.Name)
		}
		cols = append(cols, col)
	}
	return cols, rowtime, refuseHeaders(o, cols, s.At)
}

// refuseHeaders refuses a column that the headers of a record fill.
func refuseHeaders(o *Object, cols []int, at ast.Span) error {
	for _, c := range cols {
		if c >= 0 && o.Columns[c].OfHeaders() {
			return sqlerr.New(sqlerr.BadStatement, at,
				"column %q of %s is filled from headers; nothing can be inserted", o.Columns[c].Name, o.Name)
		}
	}
	return nil
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
			if err := b.refuseNarrowing(x.Type(), t, a.Span()); err != nil {
				return nil, 0, err
			}
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

// refuseNarrowing keeps the ksql profile from inserting a number into a column that holds less than its type.
func (b *Binder) refuseNarrowing(from, to vector.Type, at ast.Span) error {
	if b.Profile != expr.Ksql || numberRank[from.Kind] <= numberRank[to.Kind] || numberRank[to.Kind] == 0 {
		return nil
	}
	return sqlerr.New(sqlerr.TypeMismatch, at, "a value of type %s does not go into a column of type %s", from, to).
		WithHint("CAST(... AS %s)", to)
}

// refuseKeyless refuses a row for a table of the ksql profile without a value of its key.
func refuseKeyless(o *Object, row *vector.Batch, at ast.Span) error {
	if o.Profile != ProfileKsql || o.Kind != ast.Table {
		return nil
	}
	for _, k := range o.Key {
		if row.Cols[k].Null(0) {
			return sqlerr.New(sqlerr.BadStatement, at, "a row of table %s needs a value for its primary key %q", o.Name,
				o.Columns[k].Name)
		}
	}
	return nil
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
