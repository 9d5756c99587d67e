// Package catalog is what Leat knows of itself: objects, queries and sinks. The whole catalog is one document in one KV
// entry, changed by revision: a statement takes effect at once or not at all, and there is nothing to repair after a
// crash in the middle.
package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Version is the version of the document; a process refuses a larger one by name.
const Version = 1

// Catalog is the document. A value that others may see is never changed: Clone first.
type Catalog struct {
	Version   int                     `json:"version"`
	NextQuery int                     `json:"next_query"`
	NextSink  int                     `json:"next_sink,omitempty"`
	Objects   map[string]*plan.Object `json:"objects"`
	Queries   map[string]*Query       `json:"queries"`
	Sinks     map[string]*Sink        `json:"sinks"`
	// Types are those of CREATE TYPE, by name in capitals.
	Types map[string]vector.Type `json:"types,omitempty"`
	// Functions are those of CREATE FUNCTION, by name in capitals.
	Functions map[string]*plan.Function `json:"functions,omitempty"`
	// Revision is the KV revision this value was read at; it is not stored.
	Revision uint64 `json:"-"`
}

// State is what a query or sink is to do.
type State string

// The states.
const (
	Running State = "running"
	Paused  State = "paused"
)

// Query is a running CREATE .. AS or INSERT INTO. Engines plan it themselves: the statement over the objects as they
// were when it was made gives the same plan in every process.
type Query struct {
	ID         string                  `json:"id"` // q1, q2, ...
	Statement  string                  `json:"statement"`
	Result     string                  `json:"result"`  // name of the object it writes
	Sources    map[string]*plan.Object `json:"sources"` // objects it reads, as of creation
	State      State                   `json:"state"`
	OnError    string                  `json:"on_error"`
	Emit       string                  `json:"emit"`       // batch, record
	Generation int                     `json:"generation"` // grows when the query is made anew under its id
	Late       string                  `json:"late"`       // drop, topic
	// Before is the query as it was before CREATE OR REPLACE: what is kept of its state is of that text.
	Before *Query `json:"before,omitempty"`
	// Annotations are those of the comments in front of the statement.
	Annotations map[string]string `json:"annotations,omitempty"`
	// Bounded queries emit when their input ends (leat run in message mode); Topic is then the result's log.
	Bounded bool   `json:"bounded,omitempty"`
	Topic   string `json:"topic,omitempty"`
	// Profile, KeyFormat and Types are those of the session that made the query; it is planned under them again.
	Profile   string `json:"profile,omitempty"`
	KeyFormat string `json:"key_format,omitempty"`
	// StateTTLMs is the session's state.ttl.
	StateTTLMs int64                  `json:"state_ttl_ms,omitempty"`
	Types      map[string]vector.Type `json:"types,omitempty"`
	// Functions are those that the query calls, as they were when it was made.
	Functions map[string]*plan.Function `json:"functions,omitempty"`
}

// MaxGenerations is how many texts of a query are kept beside the one that runs.
const MaxGenerations = 8

// Forget returns the query with at most n earlier texts.
func (q *Query) Forget(n int) *Query {
	out := *q
	switch {
	case n <= 1:
		out.Before = nil
	case out.Before != nil:
		out.Before = out.Before.Forget(n - 1)
	}
	return &out
}

// Sink delivers an object to a target.
type Sink struct {
	// ID tells a sink from an earlier one of its name: what that one left behind is not its own.
	ID      string            `json:"id,omitempty"`
	Name    string            `json:"name"`
	From    string            `json:"from"`
	Target  string            `json:"target"`  // NATS, KV, FILE, CONSOLE
	Address string            `json:"address"` // subject pattern, bucket, path
	Props   map[string]string `json:"props,omitempty"`
	State   State             `json:"state"`
	// Statement is the text that made it.
	Statement string `json:"statement"`
}

// New returns an empty catalog.
func New() *Catalog {
	return &Catalog{
		Version: Version, NextQuery: 1, Objects: map[string]*plan.Object{}, Queries: map[string]*Query{},
		Sinks: map[string]*Sink{},
	}
}

// Clone returns a copy whose maps may be changed; entries are shared and must be replaced, not changed.
func (c *Catalog) Clone() *Catalog {
	n := *c
	n.Objects, n.Queries, n.Sinks = maps.Clone(c.Objects), maps.Clone(c.Queries), maps.Clone(c.Sinks)
	n.Types = maps.Clone(c.Types)
	n.Functions = maps.Clone(c.Functions)
	return &n
}

// Object implements plan.Catalog.
func (c *Catalog) Object(name ast.Ident) (*plan.Object, bool) {
	return plan.Objects(c.Objects).Object(name)
}

// Names implements plan.Catalog.
func (c *Catalog) Names() []string { return plan.Objects(c.Objects).Names() }

// Sink finds a sink by name, without regard to case.
func (c *Catalog) Sink(name string) (*Sink, bool) {
	for _, n := range slices.Sorted(maps.Keys(c.Sinks)) {
		if strings.EqualFold(n, name) {
			return c.Sinks[n], true
		}
	}
	return nil, false
}

// Query finds a query by id, or by the name of its result.
func (c *Catalog) Query(name string) (*Query, bool) {
	for _, id := range slices.Sorted(maps.Keys(c.Queries)) {
		if q := c.Queries[id]; strings.EqualFold(id, name) || strings.EqualFold(q.Result, name) {
			return q, true
		}
	}
	return nil, false
}

// Readers lists what reads an object: ids of queries and names of sinks.
func (c *Catalog) Readers(object string) []string {
	var out []string
	for _, id := range slices.Sorted(maps.Keys(c.Queries)) {
		if _, reads := c.Queries[id].Sources[object]; reads {
			out = append(out, "query "+id)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(c.Sinks)) {
		if c.Sinks[n].From == object {
			out = append(out, "sink "+n)
		}
	}
	return out
}

// Check refuses a document of a later version.
func (c *Catalog) Check() error {
	if c.Version > Version {
		return fmt.Errorf("the catalog has version %d, this leat knows up to %d: use a newer leat", c.Version, Version)
	}
	return nil
}
