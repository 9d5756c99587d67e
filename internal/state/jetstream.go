package state

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// The buckets. They are made by hand, because nats.go makes them so that any replica answers reads, maybe from the
// past.
const (
	SnapshotBucket = "LEAT_SNAPSHOTS"
	PointerBucket  = "LEAT_POINTERS"
)

// JetStreamConfig describes the buckets.
type JetStreamConfig struct {
	SnapshotBytes int64         // MaxBytes of the object store; 0: 4 GiB
	PointerBytes  int64         // MaxBytes of the pointers; 0: 64 MiB
	Replicas      int           // 0: 1
	Timeout       time.Duration // of a small request; 0: 5 s
	LoadTimeout   time.Duration // of reading or writing an object; 0: 2 min
}

// JetStream is a Store over an object store and a bucket of keys.
type JetStream struct {
	cfg     JetStreamConfig
	objects jetstream.ObjectStore
	keys    jetstream.KeyValue
	stream  jetstream.Stream // of the object store
}

// OpenJetStream makes the buckets, or finds them there.
func OpenJetStream(ctx context.Context, js jetstream.JetStream, cfg JetStreamConfig) (*JetStream, error) {
	if cfg.SnapshotBytes == 0 {
		cfg.SnapshotBytes = 4 << 30
	}
	if cfg.PointerBytes == 0 {
		cfg.PointerBytes = 64 << 20
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 5 * time.Second
	}
	if cfg.LoadTimeout == 0 {
		cfg.LoadTimeout = 2 * time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, cfg.Timeout)
	defer cancel()
	s := &JetStream{cfg: cfg}
	for _, sc := range []jetstream.StreamConfig{
		{
			Name: "OBJ_" + SnapshotBucket, Description: "snapshots of Leat's tasks",
			Subjects: []string{"$O." + SnapshotBucket + ".C.>", "$O." + SnapshotBucket + ".M.>"},
			MaxBytes: cfg.SnapshotBytes,
		},
		{
			Name: "KV_" + PointerBucket, Description: "which snapshots of Leat's tasks are the newest",
			Subjects: []string{"$KV." + PointerBucket + ".>"}, MaxBytes: cfg.PointerBytes, MaxMsgsPerSubject: 1,
			MaxMsgSize: 1 << 20, DenyDelete: true,
		},
	} {
		sc.Replicas, sc.Discard, sc.AllowRollup = max(cfg.Replicas, 1), jetstream.DiscardNew, true
		stream, err := js.CreateStream(ctx, sc)
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // with other limits: whoever made it knows why
			stream, err = js.Stream(ctx, sc.Name)
		}
		if err != nil {
			return nil, fmt.Errorf("make the bucket %s: %w", sc.Name, err)
		}
		if stream.CachedInfo().Config.AllowDirect {
			return nil, fmt.Errorf("bucket %s: allow_direct must be off: replicas would answer reads from the past",
				sc.Name)
		}
		if s.stream == nil {
			s.stream = stream
		}
	}
	var err error
	if s.objects, err = js.ObjectStore(ctx, SnapshotBucket); err != nil {
		return nil, fmt.Errorf("open the bucket %s: %w", SnapshotBucket, err)
	}
	if s.keys, err = js.KeyValue(ctx, PointerBucket); err != nil {
		return nil, fmt.Errorf("open the bucket %s: %w", PointerBucket, err)
	}
	return s, nil
}

// The codes of the broker that decide what a caller may do.
const (
	codeWrongLast        = 10071
	codeStoreFailed      = 10077
	codeWrongLastPending = 10164
)

// storeError maps what a request answered to the errors of a Store.
func storeError(what string, err error) error {
	var api *jetstream.APIError
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound), errors.Is(err, jetstream.ErrObjectNotFound):
		return fmt.Errorf("%s: %w", what, ErrNotFound)
	case errors.Is(err, jetstream.ErrDigestMismatch):
		return fmt.Errorf("%s: %w: %w", what, ErrDamaged, err)
	case !errors.As(err, &api), api.ErrorCode == codeWrongLastPending:
		return fmt.Errorf("%s: %w: %w", what, ErrNoAnswer, err)
	case api.ErrorCode == codeWrongLast:
		return fmt.Errorf("%s: %w", what, ErrMoved)
	case api.ErrorCode == codeStoreFailed && strings.Contains(api.Description, "maximum bytes exceeded"):
		return fmt.Errorf("%s: %w", what, ErrFull)
	case api.Code == 503:
		return fmt.Errorf("%s: %w: %w", what, ErrNoAnswer, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// Put implements Objects.
func (s *JetStream) Put(ctx context.Context, name string, data []byte) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.LoadTimeout)
	defer cancel()
	meta := jetstream.ObjectMeta{Name: name, Opts: &jetstream.ObjectMetaOptions{ChunkSize: 128 << 10}}
	if _, err := s.objects.Put(ctx, meta, bytes.NewReader(data)); err != nil {
		return storeError("put snapshot "+name, err)
	}
	return nil
}

// Get implements Objects.
func (s *JetStream) Get(ctx context.Context, name string) ([]byte, error) {
	what := "get snapshot " + name
	ctx, cancel := context.WithTimeout(ctx, s.cfg.LoadTimeout)
	defer cancel()
	r, err := s.objects.Get(ctx, name)
	if err != nil {
		return nil, storeError(what, err)
	}
	defer func() { _ = r.Close() }() // nothing is written
	info, err := r.Info()
	if err != nil {
		return nil, storeError(what, err)
	}
	if info.Size > MaxBytes {
		return nil, fmt.Errorf("%s: %d bytes, the limit is %d", what, info.Size, MaxBytes)
	}
	data := make([]byte, info.Size)
	if _, err = io.ReadFull(r, data); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) && info.Size > 0 {
			return nil, fmt.Errorf("%s: %w: a part is missing", what, ErrDamaged)
		}
		return nil, storeError(what, err)
	}
	return data, nil
}

// Delete implements Objects. It leaves no mark behind: the client's own Delete keeps a message for every name for ever.
func (s *JetStream) Delete(ctx context.Context, name string) error {
	what := "delete snapshot " + name
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	info, err := s.objects.GetInfo(ctx, name, jetstream.GetObjectInfoShowDeleted())
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return nil
	}
	if err != nil {
		return storeError(what, err)
	}
	prefix := "$O." + SnapshotBucket
	for _, subject := range []string{
		prefix + ".C." + info.NUID,
		prefix + ".M." + base64.URLEncoding.EncodeToString([]byte(name)),
	} {
		if err = s.stream.Purge(ctx, jetstream.WithPurgeSubject(subject)); err != nil {
			return storeError(what, err)
		}
	}
	return nil
}

// List implements Objects.
func (s *JetStream) List(ctx context.Context, prefix string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	list, err := s.objects.List(ctx)
	if errors.Is(err, jetstream.ErrNoObjectsFound) {
		return nil, nil
	}
	if err != nil {
		return nil, storeError("list snapshots "+prefix, err)
	}
	var names []string
	for _, o := range list {
		if strings.HasPrefix(o.Name, prefix) {
			names = append(names, o.Name)
		}
	}
	return names, nil
}

// Load implements Pointers.
func (s *JetStream) Load(ctx context.Context, task string) ([]byte, uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	e, err := s.keys.Get(ctx, task)
	if err != nil {
		return nil, 0, storeError("read the pointer of "+task, err)
	}
	return e.Value(), e.Revision(), nil
}

// Switch implements Pointers.
func (s *JetStream) Switch(ctx context.Context, task string, value []byte, revision uint64) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	rev, err := s.keys.Update(ctx, task, value, revision)
	if err != nil {
		return 0, storeError("switch the pointer of "+task, err)
	}
	return rev, nil
}
