package ingest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/internal/source"
	"github.com/leatsql/leat/pkg/sql/plan"
)

const (
	lookupRows  = 1_000_000 // of a table
	lookupBytes = 256 << 20 // of the rows that one refresh changes
	lookupChunk = 256 << 10
)

// lookup reads a table of PostgreSQL again and again and gives what has changed: rows that are new or different, and
// the keys of those that are gone. What the log was told is kept as a hash of each row; those that may not have
// arrived are marked, and told again after a start.
type lookup struct {
	o       *plan.Object
	table   *pgTable
	known   *lookupState
	refresh time.Duration

	mu   sync.Mutex // guards safe: Commit comes from another goroutine than Next
	safe source.Position

	next  time.Time
	chunk source.Chunk
	out   []change
}

// change is a chunk that was not given out yet: rows one behind the other, or keys of rows that are gone.
type change struct {
	data []byte
	gone bool
	rows int
}

func newLookup(js jetstream.JetStream, o *plan.Object, replicas int) (source.Source, error) {
	t, err := newPgTable(o)
	if err != nil {
		return nil, &refusedError{err.Error()}
	}
	return &lookup{
		o: o, table: t, refresh: time.Duration(o.Source.RefreshMs) * time.Millisecond,
		known: &lookupState{js: js, name: o.Topic, replicas: replicas, spec: lookupSpec(o)},
	}, nil
}

// Open implements source.Source.
func (l *lookup) Open(ctx context.Context, from source.Position) error {
	l.safe = from
	return l.known.load(ctx, from)
}

// Next implements source.Source.
func (l *lookup) Next(ctx context.Context) (*source.Chunk, error) {
	for len(l.out) == 0 {
		timer := time.NewTimer(time.Until(l.next))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, context.Cause(ctx)
		case <-timer.C:
		}
		l.next = time.Now().Add(l.refresh)
		if err := l.look(ctx); err != nil {
			return nil, err
		}
	}
	c := l.out[0]
	l.out = l.out[1:]
	l.chunk = source.Chunk{
		Data: c.data, Delete: c.gone, Message: true, More: len(l.out) > 0, TimeMs: time.Now().UnixMilli(),
		Subject: l.o.Source.Table,
		Start:   source.Position{Seq: l.known.end.Seq - uint64(len(l.out))},
	}
	return &l.chunk, nil
}

// look reads the table and makes chunks of what has changed. The state is stored before the first of them is given out.
func (l *lookup) look(ctx context.Context) error {
	l.mu.Lock()
	if !l.safe.Less(l.known.end) {
		l.known.settled()
	}
	l.mu.Unlock()
	d := diff{known: l.known, seen: make(map[string]uint64, len(l.known.rows))}
	if err := l.table.read(ctx, d.row); err != nil {
		return fmt.Errorf("read table %s of PostgreSQL at %s: %w", l.o.Source.Table, l.table.host(), err)
	}
	d.goneRows()
	if len(d.out) == 0 {
		return nil
	}
	if err := l.known.store(ctx, &d); err != nil {
		return err
	}
	l.out = d.out
	return nil
}

// Commit implements source.Source.
func (l *lookup) Commit(_ context.Context, pos source.Position) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.safe = pos
	return nil
}

// Close implements source.Source.
func (l *lookup) Close() error { return nil }

// diff compares a reading of the table with what the log was told.
type diff struct {
	known   *lookupState
	seen    map[string]uint64
	changed []string // keys
	out     []change
	bytes   int
}

// row takes a row of the table.
func (d *diff) row(key, row []byte, hash uint64) error {
	if _, twice := d.seen[string(key)]; twice {
		return &refusedError{fmt.Sprintf("two rows have the key %s: the primary key of the table is another one", key)}
	}
	if len(d.seen) == lookupRows {
		return &refusedError{fmt.Sprintf("the table has more than %d rows", lookupRows)}
	}
	k := string(key)
	d.seen[k] = hash
	if was, ok := d.known.rows[k]; ok && was == hash && !d.known.dirty[k] {
		return nil
	}
	d.changed = append(d.changed, k)
	d.add(row, false)
	if d.bytes > lookupBytes {
		return &refusedError{fmt.Sprintf("more than %d MiB of rows have changed at once", lookupBytes>>20)}
	}
	return nil
}

// goneRows takes the keys that the log knows, or may know, and the table has no more.
func (d *diff) goneRows() {
	gone := map[string]bool{}
	for k := range d.known.rows {
		if _, there := d.seen[k]; !there {
			gone[k] = true
		}
	}
	for k := range d.known.dirty {
		if _, there := d.seen[k]; !there {
			gone[k] = true
		}
	}
	for _, k := range slices.Sorted(maps.Keys(gone)) {
		d.changed = append(d.changed, k)
		d.add([]byte(k), true)
	}
}

func (d *diff) add(row []byte, gone bool) {
	d.bytes += len(row) + 1
	n := len(d.out)
	if n == 0 || d.out[n-1].gone != gone || len(d.out[n-1].data)+len(row) > lookupChunk {
		d.out = append(d.out, change{gone: gone})
		n++
	}
	c := &d.out[n-1]
	c.data = append(append(c.data, row...), '\n')
	c.rows++
}
