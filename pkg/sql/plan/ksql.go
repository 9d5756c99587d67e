package plan

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// ProfileKsql is the name of the profile, as objects and queries keep it.
const ProfileKsql = "ksql"

// ProfileOf is the profile that a kept name means.
func ProfileOf(name string) expr.Profile {
	if name == ProfileKsql {
		return expr.Ksql
	}
	return expr.Leat
}

// ProfileName is the kept name of a profile.
func ProfileName(p expr.Profile) string {
	if p == expr.Ksql {
		return ProfileKsql
	}
	return ""
}

// declaredFormats decides the formats of a declared object. In the ksql profile there is no default for the value.
func (d *definition) declaredFormats(c *ast.Create, def Defaults) error {
	otherwise := Encoding{Value: "json", Key: "kafka"}
	if d.profile == expr.Ksql {
		otherwise.Value = ""
	}
	for _, o := range []struct {
		name string
		to   *string
	}{{def.ValueFormat, &otherwise.Value}, {def.KeyFormat, &otherwise.Key}} {
		if o.name == "" {
			continue
		}
		f, err := formatNamed(o.name, c.Name.At)
		if err != nil {
			return err
		}
		*o.to = f
	}
	if err := d.resolveFormats(otherwise); err != nil {
		return err
	}
	if d.o.Encoding.Value == "" {
		return sqlerr.New(sqlerr.BadProperty, c.Name.At, "%s has no value format", c.Name.Name).
			WithHint("WITH (value_format = 'JSON')")
	}
	if d.profile == expr.Ksql {
		d.s.Format = d.o.Encoding.Value
	}
	return nil
}

// windowed adds the bounds of the window to the key of a source whose keys are windowed.
func (d *definition) windowed(c *ast.Create) error {
	o := d.o
	if o.WindowType == "" {
		if o.WindowMs > 0 {
			return sqlerr.New(sqlerr.BadProperty, d.windowAt, "window_size needs a window_type")
		}
		return nil
	}
	o.WindowType = strings.ToUpper(o.WindowType)
	session := o.WindowType == "SESSION"
	switch {
	case len(o.Key) == 0:
		return sqlerr.New(sqlerr.BadProperty, c.Name.At, "windows are a part of the key; %s has no key column", o.Name).
			WithHint("mark a column with KEY")
	case session && o.WindowMs > 0:
		return sqlerr.New(sqlerr.BadProperty, d.windowAt, "a SESSION window has no size")
	case !session && o.WindowMs == 0:
		return sqlerr.New(sqlerr.BadProperty, c.Name.At, "a %s window needs a size", o.WindowType).
			WithHint("WITH (window_size = '10 SECONDS')")
	}
	o.Windowed = true
	o.Part = slices.Clone(o.Key)
	for _, name := range []string{windowStart, windowEnd} {
		o.Key = append(o.Key, len(o.Columns))
		o.Columns = append(o.Columns, Column{Name: name, Type: vector.TBigInt, Key: true})
	}
	return nil
}

// ksqlObject gives an object of the ksql profile its log: the topic that the statement names may be anything, and
// several objects may share it.
func (d *definition) ksqlObject(c *ast.Create) error {
	o := d.o
	if o.EventTimeFormat != "" {
		if err := expr.CheckTimePattern(o.EventTimeFormat); err != nil {
			return sqlerr.New(sqlerr.BadProperty, d.timeFmtAt, "%s", err)
		}
	}
	if err := keyWords(c); err != nil {
		return err
	}
	o.Profile = ProfileKsql
	o.External = o.Topic
	if o.External == "" {
		o.External = o.Name
	}
	o.Topic = ksqlTopic(o.Name)
	if c.As == nil && len(o.Key) == 0 && d.formats.key.name == "" && d.formats.both.name == "" {
		o.Encoding.Key = "none"
	}
	return d.checkEncoding(c.Name.At)
}

// keyWords wants PRIMARY KEY in tables and KEY in streams.
func keyWords(c *ast.Create) error {
	for _, col := range c.Columns {
		switch {
		case col.Primary && c.Kind == ast.Stream:
			return sqlerr.New(sqlerr.BadStatement, col.At, "a stream has no PRIMARY KEY, column %q is a KEY",
				col.Name.Name)
		case col.Key && !col.Primary && c.Kind == ast.Table:
			return sqlerr.New(sqlerr.BadStatement, col.At, "the key of a table is a PRIMARY KEY, column %q is a KEY",
				col.Name.Name)
		}
	}
	return nil
}

// ksqlTopic derives the name of a log from an object's name, which may hold any character in either case.
func ksqlTopic(name string) string {
	low := strings.ToLower(name)
	if name == strings.ToUpper(name) && validTopic(low) {
		return low
	}
	h := fnv.New64a()
	h.Write([]byte(name))
	keep := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, low)
	const most = 40
	return fmt.Sprintf("t_%.*s_%016x", most, keep, h.Sum64())
}

// derivedEncoding decides the formats of a query's result: what the statement says, else those of the leftmost object
// that the query reads.
func (b *Binder) derivedEncoding(c *ast.Create, d *definition, n *Node) error {
	otherwise := Encoding{Value: "json", Key: "kafka"}
	if o := leftmost(n); o != nil && o.Encoding.Value != "" {
		otherwise = o.Encoding
	}
	o := d.o
	keys := len(o.Key)
	if o.Windowed {
		keys -= 2
	}
	if otherwise.Key == "none" && keys > 0 {
		otherwise.Key = b.keyFormat()
	}
	if err := d.resolveFormats(otherwise); err != nil {
		return err
	}
	if b.Profile != expr.Ksql {
		return nil
	}
	o.Profile = ProfileKsql
	if o.External == "" {
		o.External = o.Name
	}
	if keys == 0 && d.formats.key.name == "" && d.formats.both.name == "" {
		o.Encoding.Key = "none"
	}
	return d.checkEncoding(c.Name.At)
}

// keyFormat is the format of keys where nothing else gives one.
func (b *Binder) keyFormat() string {
	if f, ok := formats[strings.ToLower(b.KeyFormat)]; ok {
		return f
	}
	return "kafka"
}

// leftmost is the object that stands first in FROM.
func leftmost(n *Node) *Object {
	for n.Scan == nil {
		if len(n.Inputs) == 0 {
			return nil
		}
		n = n.Inputs[0]
	}
	return n.Scan
}

// withoutNullValues puts an operator on each stream of a client's query that drops the records without a value: a
// client is sent rows only.
func withoutNullValues(n *Node) {
	for i, in := range n.Inputs {
		if in.Scan != nil && in.Scan.Kind == ast.Stream && !in.Updating {
			n.Inputs[i] = toStream(in)
			continue
		}
		withoutNullValues(in)
	}
}

// resultTimeText makes a column of text the event time of a result, read by the pattern of event_time_format.
func (b *Binder) resultTimeText(d *definition, n *Node, col int) (*Node, error) {
	at := d.timeFmtAt
	exprs, names := identity(n)
	text := exprs[col]
	ms, err := b.Profile.Call("PARSE_TIMESTAMP", []expr.Expr{
		text, &expr.Literal{V: d.o.EventTimeFormat, T: vector.TString, At: at},
	}, at)
	if err != nil {
		return nil, err
	}
	timed := project(n, append(exprs, ms), append(names, "event time"))
	setEventTime(timed, len(names))
	timed.Key = n.Key
	exprs, names = identity(timed)
	out := project(timed, exprs[:len(exprs)-1], names[:len(names)-1])
	out.Key = n.Key
	return out, nil
}
