package source

import (
	"github.com/leatsql/leat/internal/format"
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/plan"
)

// nulls are what plan.Object.NullValues says.
var nulls = map[string]format.Nulls{"key": format.NullKey, "row": format.NullRow, "none": format.NullEmpty}

// ConfigOf says how the bytes of an object's source become rows. Limits and clocks are the caller's to set.
func ConfigOf(o *plan.Object) Config {
	c := Config{
		Format: o.Source.Format, Schema: o.Schema(), Headers: o.HeaderColumns(), EventTime: o.EventTime,
		EventTimeFormat: o.EventTimeFormat, Delimiter: o.Source.Delimiter, Header: o.Source.Header,
		WatermarkDelayMs: o.DelayMs, MaxFutureMs: o.Source.MaxFutureMs, OnError: o.Source.OnError,
		Table: o.Kind == ast.Table, Outside: o.Source.Connector == "kv", Nulls: nulls[o.NullValues()],
		Keys: o.KeyNames(),
	}
	for _, k := range o.Key {
		if o.Columns[k].OfHeaders() {
			c.Keys = nil // its record holds no key
		}
	}
	return c
}
