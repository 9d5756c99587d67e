package conform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/leatsql/leat/internal/format"
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// veloInputs are the inputs of a case in the order of the text.
type veloInputs struct{ list []*veloInput }

// veloInput is one stream or table with its rows.
type veloInput struct {
	name  string
	Rows  []veloFields `json:"rows"`
	Table bool         `json:"table"`
}

// veloFields is a row in the order of its text.
type veloFields struct {
	names  []string
	values map[string]any
}

// ordered reads the members of an object in their order.
func ordered(data []byte, member func(name string, d *json.Decoder) error) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("%.20q is no object", data)
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return fmt.Errorf("read an object: %w", err)
		}
		name, _ := t.(string)
		if err := member(name, d); err != nil {
			return err
		}
	}
	return nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (in *veloInputs) UnmarshalJSON(data []byte) error {
	return ordered(data, func(name string, d *json.Decoder) error {
		one := &veloInput{name: name}
		in.list = append(in.list, one)
		if err := d.Decode(one); err != nil {
			return fmt.Errorf("input %s: %w", name, err)
		}
		return nil
	})
}

// UnmarshalJSON implements json.Unmarshaler.
func (r *veloFields) UnmarshalJSON(data []byte) error {
	r.values = map[string]any{}
	return ordered(data, func(name string, d *json.Decoder) error {
		var v any
		if err := d.Decode(&v); err != nil {
			return fmt.Errorf("column %s: %w", name, err)
		}
		r.names = append(r.names, name)
		r.values[name] = v
		return nil
	})
}

// order lists the stream of each row: as the case says, else one input after the other.
func (in *veloInputs) order(given [][]any) ([]*veloInput, error) {
	var out []*veloInput
	add := func(one *veloInput, n int) {
		for range n {
			out = append(out, one)
		}
	}
	if given == nil {
		for _, one := range in.list {
			if !one.Table {
				add(one, len(one.Rows))
			}
		}
		return out, nil
	}
	for _, g := range given {
		name, _ := g[0].(string)
		n, _ := g[1].(json.Number)
		count, err := n.Int64()
		i := slices.IndexFunc(in.list, func(o *veloInput) bool { return o.name == name })
		if err != nil || i < 0 {
			return nil, fmt.Errorf("the order %v of the rows cannot be read", g)
		}
		add(in.list[i], int(count))
	}
	return out, nil
}

// systemFields are not columns of a row but what is known of it.
var systemFields = map[string]bool{
	"_timestamp": true, "_event_time": true, "_headers": true, "_key": true, "_offset": true, "_partition": true,
}

// object infers the columns: each has the type of its first value.
func (in *veloInput) object(sql string, guess vector.Type) (*plan.Object, error) {
	o := &plan.Object{
		Name: in.name, Topic: plan.TopicName(in.name), Partitions: 1, Statement: "CREATE STREAM " + in.name,
		Source: &plan.Source{Connector: "http", Format: "json", OnError: "dlq", Late: "drop"},
	}
	for _, row := range in.Rows {
		for _, name := range row.names {
			if systemFields[name] ||
				slices.ContainsFunc(o.Columns, func(c plan.Column) bool { return c.Name == name }) {
				continue
			}
			t, err := in.typeOf(name, guess)
			if err != nil {
				return nil, err
			}
			o.Columns = append(o.Columns, plan.Column{Name: name, Type: t})
		}
	}
	if len(in.Rows) == 0 { // no row shows a column: those that the statement names
		for _, name := range in.named(sql) {
			o.Columns = append(o.Columns, plan.Column{Name: name, Type: guess})
		}
	}
	if headerCall.MatchString(sql) {
		o.Columns = append(o.Columns, plan.Column{Name: headerColumnName, Type: headersType, Headers: true})
	}
	if in.Table {
		o.Kind, o.Updating = ast.Table, true
		o.Key = in.key(o)
		for _, k := range o.Key {
			o.Columns[k].Key = true
		}
	}
	return o, nil
}

// named lists the columns of the input that a statement qualifies by its name.
func (in *veloInput) named(sql string) []string {
	var out []string
	qualified := regexp.MustCompile(`(?i)\b` + regexp.QuoteMeta(in.name) + `\.([A-Za-z]\w*)`)
	for _, m := range qualified.FindAllStringSubmatch(sql, -1) {
		if !slices.Contains(out, m[1]) {
			out = append(out, m[1])
		}
	}
	return out
}

// guessed tells that the type of some column is not known from its values.
func (in *veloInputs) guessed(sql string) bool {
	for _, one := range in.list {
		if len(one.Rows) == 0 && len(one.named(sql)) > 0 {
			return true
		}
		for _, r := range one.Rows[:min(1, len(one.Rows))] {
			for _, name := range r.names {
				if !systemFields[name] && !slices.ContainsFunc(one.Rows, func(f veloFields) bool {
					return f.values[name] != nil
				}) {
					return true
				}
			}
		}
	}
	return false
}

// headerCall finds the functions that read the headers of a record.
var headerCall = regexp.MustCompile(`(?i)\b\w*HEADER\w*\s*\(`)

const headerColumnName = "_headers"

// headersType is the type of a column of headers.
var headersType = vector.Type{Kind: vector.Array, Elem: &vector.Type{Kind: vector.Struct, Fields: []vector.Field{
	{Name: "key", Type: vector.TString}, {Name: "value", Type: vector.TBytes},
}}}

// headers are those of a row, by name.
func (r *veloFields) headers() []Header {
	m, _ := r.values["_headers"].(map[string]any)
	var out []Header
	for _, k := range sortedKeys(m) {
		out = append(out, Header{Key: k, Value: []byte(text(m[k]))})
	}
	return out
}

// key is the first column where its values differ, else all columns.
func (in *veloInput) key(o *plan.Object) []int {
	if len(o.Columns) == 0 {
		return nil
	}
	seen := map[string]bool{}
	for _, r := range in.Rows {
		seen[show(r.values[o.Columns[0].Name])] = true
	}
	if len(seen) == len(in.Rows) {
		return []int{0}
	}
	all := make([]int, len(o.Columns))
	for i := range all {
		all[i] = i
	}
	return all
}

// typeOf is the type of a column: that of its first value; a whole number among fractions is one of them.
func (in *veloInput) typeOf(name string, guess vector.Type) (vector.Type, error) {
	out := guess
	for i, r := range in.Rows {
		v := r.values[name]
		if v == nil {
			continue
		}
		t, err := inferType(v)
		if err != nil || t.Kind != vector.BigInt {
			return t, err
		}
		for _, later := range in.Rows[i+1:] {
			u, err := inferType(later.values[name])
			switch {
			case err != nil || later.values[name] == nil:
			case u.Kind == vector.Double:
				return u, nil
			case u.Kind == vector.Boolean: // no number: the column holds texts
				return vector.TString, nil
			}
		}
		return t, nil
	}
	return out, nil
}

func inferType(v any) (vector.Type, error) {
	switch v := v.(type) {
	case nil, string:
		return vector.TString, nil
	case bool:
		return vector.TBoolean, nil
	case json.Number:
		if strings.ContainsAny(string(v), ".eE") {
			return vector.TDouble, nil
		}
		return vector.TBigInt, nil
	case []any:
		elem := vector.TString
		if len(v) > 0 {
			var err error
			if elem, err = inferType(v[0]); err != nil {
				return elem, err
			}
		}
		return vector.Type{Kind: vector.Array, Elem: &elem}, nil
	case map[string]any:
		return inferObject(v)
	}
	return vector.TNull, fmt.Errorf("%v has no type", v)
}

// inferObject tells marks ($dec, $ts) from maps; values of several types make a map of texts.
func inferObject(m map[string]any) (vector.Type, error) {
	if d, ok := m["$dec"].(string); ok {
		_, fraction, _ := strings.Cut(d, ".")
		return vector.TDecimal(38, uint8(min(18, len(fraction)))), nil
	}
	if _, ok := m["$ts"]; ok {
		return vector.TTimestamp, nil
	}
	elem, first := vector.TString, true
	for _, v := range m { // any order: all must agree
		t, err := inferType(v)
		if err != nil {
			return t, err
		}
		if first {
			elem, first = t, false
		} else if !elem.Equal(t) {
			elem = vector.TString
			break
		}
	}
	key := vector.TString
	return vector.Type{Kind: vector.Map, Key: &key, Elem: &elem}, nil
}

// unmark replaces marked values by what a record would hold.
func unmark(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return v
	}
	if d, ok := m["$dec"]; ok {
		return d
	}
	if ts, ok := m["$ts"]; ok {
		return ts
	}
	return v
}

// batch makes row i a batch of its own.
func (in *veloInput) batch(o *plan.Object, i int) (*vector.Batch, error) {
	row := in.Rows[i]
	at := int64(0)
	for _, name := range []string{"_timestamp", "_event_time"} {
		if n, ok := unmark(row.values[name]).(json.Number); ok {
			ms, err := n.Int64()
			if err != nil {
				return nil, fmt.Errorf("%s of row %d: %w", name, i, err)
			}
			at = ms
		}
	}
	schema, headed := o.Schema(), len(o.Columns) > 0 && o.Columns[len(o.Columns)-1].Headers
	if headed {
		schema.Fields = schema.Fields[:len(schema.Fields)-1]
	}
	withHeaders := func(b *vector.Batch) *vector.Batch {
		if headed {
			b.Schema = o.Schema()
			b.Cols = append(b.Cols, headerList(headersType, row.headers()))
		}
		return b
	}
	if len(schema.Fields) == 0 {
		return withHeaders(&vector.Batch{Schema: schema, Rows: 1, Time: []int64{at}, Watermark: vector.NoTime}), nil
	}
	value := map[string]any{}
	for _, c := range o.Columns {
		if c.Headers {
			continue
		}
		value[c.Name] = unmark(row.values[c.Name])
	}
	text, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("write row %d: %w", i, err)
	}
	b, err := format.NewBuilder(schema, format.Options{})
	if err != nil {
		return nil, fmt.Errorf("read row %d: %w", i, err)
	}
	b.Now = at
	d := format.NewJSON(false)
	d.Start()
	d.Decode(text, true, b)
	if bad := b.TakeBad(); len(bad) > 0 {
		return nil, fmt.Errorf("row %d: %s", i, bad[0].Reason)
	}
	return withHeaders(b.Take()), nil
}
