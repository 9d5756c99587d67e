package ingest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/zeebo/xxh3"

	"github.com/leatsql/leat/internal/source"
	"github.com/leatsql/leat/pkg/sql/plan"
)

// The object store of Leat's account that holds what logs were told of tables.
const (
	lookupBucket = "LEAT_LOOKUP"
	lookupStore  = 256 << 20 // bytes of all of them
)

// lookupState is what the log was told of a table: the hash of each row by its key. dirty are the keys of rows that may
// not be in the log: those of the last difference, until it is known to be there.
type lookupState struct {
	js       jetstream.JetStream
	objects  jetstream.ObjectStore
	name     string
	spec     string // of the statement: another one begins anew
	replicas int

	rows  map[string]uint64
	dirty map[string]bool
	end   source.Position // behind the last difference
}

// lookupSpec names what the hashes hang on.
func lookupSpec(o *plan.Object) string {
	return fmt.Sprintf("%016x", xxh3.HashString(fmt.Sprint(o.Columns, o.Key, o.Source.Table, o.Source.DSN)))
}

// load reads the state. from is where the log stands.
func (s *lookupState) load(ctx context.Context, from source.Position) (err error) {
	s.rows, s.dirty, s.end = map[string]uint64{}, map[string]bool{}, source.Position{Seq: from.Seq}
	s.objects, err = s.js.CreateOrUpdateObjectStore(ctx, jetstream.ObjectStoreConfig{
		Bucket: lookupBucket, Replicas: max(1, s.replicas), MaxBytes: lookupStore,
		Description: "Leat: what logs were told of lookup tables",
	})
	if err != nil {
		return fmt.Errorf("open object store %s: %w", lookupBucket, err)
	}
	data, err := s.objects.GetBytes(ctx, s.name)
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read what the log was told of table %s: %w", s.name, err)
	}
	if err := s.parse(data); err != nil {
		return fmt.Errorf("read what the log was told of table %s: %w", s.name, err)
	}
	switch end := s.end; {
	case from == source.Position{}: // a new log, or one that was being filled for the first time
		for k := range s.rows { // any order: it is a set
			s.dirty[k] = true
		}
	case !from.Less(end):
		s.settled()
	}
	s.end.Seq = max(s.end.Seq, from.Seq)
	return nil
}

// settled says that the last difference is in the log.
func (s *lookupState) settled() { clear(s.dirty) }

// store keeps the state behind a difference, with its keys marked.
func (s *lookupState) store(ctx context.Context, d *diff) error {
	next := lookupState{
		spec: s.spec, rows: d.seen, dirty: s.dirty,
		end: source.Position{Seq: s.end.Seq + uint64(len(d.out)), Row: uint64(d.out[len(d.out)-1].rows)},
	}
	for _, k := range d.changed {
		next.dirty[k] = true
	}
	if _, err := s.objects.PutBytes(ctx, s.name, next.format()); err != nil {
		return fmt.Errorf("keep what the log is told of table %s: %w", s.name, err)
	}
	s.rows, s.dirty, s.end = next.rows, next.dirty, next.end
	return nil
}

// format writes the state: a line for the whole, and one a key.
func (s *lookupState) format() []byte {
	out := fmt.Appendf(nil, "%s %d %d %d\n", s.spec, s.end.Seq, s.end.Row, len(s.rows)+len(s.dirty))
	line := func(kind byte, hash uint64, key string) {
		out = append(out, kind)
		out = append(strconv.AppendUint(out, hash, 16), ' ')
		out = append(append(out, key...), '\n')
	}
	for _, k := range slices.Sorted(maps.Keys(s.rows)) {
		line('r', s.rows[k], k)
	}
	for _, k := range slices.Sorted(maps.Keys(s.dirty)) {
		line('d', 0, k)
	}
	return out
}

// parse reads what format writes. Keys are JSON, which has no newlines.
func (s *lookupState) parse(data []byte) error {
	in := bufio.NewReader(bytes.NewReader(data))
	var spec string
	var end source.Position
	var lines int
	if _, err := fmt.Fscanf(in, "%s %d %d %d\n", &spec, &end.Seq, &end.Row, &lines); err != nil {
		return fmt.Errorf("the first line: %w", err)
	}
	if spec != s.spec {
		return nil
	}
	s.end = end
	for ; lines > 0; lines-- {
		text, err := in.ReadBytes('\n')
		if err != nil {
			return fmt.Errorf("%d lines are missing: %w", lines, err)
		}
		hash, key, ok := bytes.Cut(text[1:len(text)-1], []byte(" "))
		v, err := strconv.ParseUint(string(hash), 16, 64)
		if !ok || err != nil {
			return fmt.Errorf("line %q", text)
		}
		if text[0] == 'd' {
			s.dirty[string(key)] = true
		} else {
			s.rows[string(key)] = v
		}
	}
	if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
		return errors.New("there is more than was counted")
	}
	return nil
}
