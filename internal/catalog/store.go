package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// Names of the KV buckets.
const (
	BucketCatalog = "LEAT_CATALOG"
	BucketLeases  = "LEAT_LEASES"
	BucketMembers = "LEAT_MEMBERS"
	BucketSinks   = "LEAT_SINKS"
	BucketTrim    = "LEAT_TRIM"
	BucketMarks   = "LEAT_DLQ_MARKS"
	key           = "catalog"
)

const bucketBytes = 32 << 20

// ErrConflict says that another statement changed the catalog in between; nothing was written.
var ErrConflict = errors.New("the catalog was changed by another statement at the same time")

// Store reads and changes the catalog.
type Store struct {
	kv jetstream.KeyValue
}

// OpenBucket opens or makes a KV bucket of Leat: with a limit, and without direct gets, so that reads ask the leader.
func OpenBucket(ctx context.Context, js jetstream.JetStream, name string, replicas int) (jetstream.KeyValue, error) {
	kv, err := js.KeyValue(ctx, name)
	if err == nil {
		return kv, nil
	}
	if !errors.Is(err, jetstream.ErrBucketNotFound) {
		return nil, fmt.Errorf("open KV bucket %s: %w", name, err)
	}
	cfg := jetstream.StreamConfig{
		Name: "KV_" + name, Subjects: []string{"$KV." + name + ".>"}, MaxMsgsPerSubject: 4, MaxBytes: bucketBytes,
		Discard: jetstream.DiscardNew, AllowRollup: true, DenyDelete: true, Storage: jetstream.FileStorage,
		Replicas: max(1, replicas), MaxMsgSize: -1, MaxConsumers: -1, MaxMsgs: -1,
		Description: "Leat: " + name,
	}
	if _, err := js.CreateStream(ctx, cfg); err != nil && !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return nil, fmt.Errorf("make KV bucket %s: %w", name, err)
	}
	kv, err = js.KeyValue(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("open KV bucket %s: %w", name, err)
	}
	return kv, nil
}

// Open opens the store; the bucket is made where it is missing.
func Open(ctx context.Context, js jetstream.JetStream, replicas int) (*Store, error) {
	kv, err := OpenBucket(ctx, js, BucketCatalog, replicas)
	if err != nil {
		return nil, err
	}
	return &Store{kv: kv}, nil
}

// Read returns the catalog; an empty one where there is none yet.
func (s *Store) Read(ctx context.Context) (*Catalog, error) {
	e, err := s.kv.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return New(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the catalog: %w", err)
	}
	return decode(e)
}

func decode(e jetstream.KeyValueEntry) (*Catalog, error) {
	c := New()
	if err := json.Unmarshal(e.Value(), c); err != nil {
		return nil, fmt.Errorf("decode the catalog at revision %d: %w", e.Revision(), err)
	}
	c.Revision = e.Revision()
	return c, c.Check()
}

// Write stores c if nobody wrote since it was read, and returns its new revision; else ErrConflict.
func (s *Store) Write(ctx context.Context, c *Catalog) (uint64, error) {
	data, err := json.Marshal(c)
	if err != nil {
		return 0, fmt.Errorf("encode the catalog: %w", err)
	}
	var rev uint64
	if c.Revision == 0 {
		rev, err = s.kv.Create(ctx, key, data)
	} else {
		rev, err = s.kv.Update(ctx, key, data, c.Revision)
	}
	var api *jetstream.APIError
	if errors.Is(err, jetstream.ErrKeyExists) || errors.As(err, &api) &&
		api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
		return 0, ErrConflict
	}
	if err != nil {
		return 0, fmt.Errorf("write the catalog: %w", err)
	}
	return rev, nil
}

// Watch calls f with the catalog now and after each change, until ctx ends. An empty catalog comes first where there is
// none. Errors of f stop the watch.
func (s *Store) Watch(ctx context.Context, f func(*Catalog) error) error {
	w, err := s.kv.Watch(ctx, key)
	if err != nil {
		return fmt.Errorf("watch the catalog: %w", err)
	}
	defer func() { _ = w.Stop() }()
	seen := false
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case e, ok := <-w.Updates():
			if !ok {
				return errors.New("the watch of the catalog ended")
			}
			c := New()
			if e != nil {
				if c, err = decode(e); err != nil {
					return err
				}
			} else if seen {
				continue // the marker behind the first values
			}
			seen = true
			if err := f(c); err != nil {
				return err
			}
		}
	}
}
