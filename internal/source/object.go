package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// MaxObject is the largest object whose bytes are read; the row of a larger one has no data.
const MaxObject = 1 << 20

// ObjectSchema is the columns of the rows of an object store.
func ObjectSchema() *vector.Schema {
	f := func(name string, t vector.Type) vector.Field { return vector.Field{Name: name, Type: t} }
	return &vector.Schema{Fields: []vector.Field{
		f("name", vector.TString), f("size", vector.TBigInt), f("digest", vector.TString),
		f("modified", vector.TTimestamp), f("data", vector.TBytes), f("deleted", vector.TBoolean),
	}}
}

// Objects reads an object store: a row for each version of an object and for its end. The bytes are those of the
// version; a version that has been replaced when its turn comes has none any more.
type Objects struct {
	Stream
	Bucket string
	Data   bool // the bytes are wanted
	store  jetstream.ObjectStore
	buf    []byte
}

// Ensure finds the store.
func (o *Objects) Ensure(ctx context.Context) (err error) {
	if o.stream != nil {
		return nil
	}
	o.Subject = "$O." + o.Bucket + ".M.>"
	err = o.adopt(ctx, "OBJ_"+o.Bucket)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("there is no object store %s: nats object add %s makes one", o.Bucket, o.Bucket)
	}
	if err != nil {
		return err
	}
	if o.store, err = o.JS.ObjectStore(ctx, o.Bucket); err != nil {
		return fmt.Errorf("open object store %s: %w", o.Bucket, err)
	}
	return nil
}

// Open implements Source.
func (o *Objects) Open(ctx context.Context, from Position) error {
	if err := o.Ensure(ctx); err != nil {
		return err
	}
	return o.Stream.Open(ctx, from)
}

// objectRow is a row as the decoder of JSON reads it.
type objectRow struct {
	Name     string  `json:"name"`
	Size     *uint64 `json:"size"`
	Digest   *string `json:"digest"`
	Modified int64   `json:"modified"`
	Data     []byte  `json:"data"`
	Deleted  bool    `json:"deleted"`
}

// Next implements Source.
func (o *Objects) Next(ctx context.Context) (*Chunk, error) {
	c, err := o.Stream.Next(ctx)
	if err != nil {
		return nil, err
	}
	var info jetstream.ObjectInfo
	if err := json.Unmarshal(c.Data, &info); err != nil {
		return c, nil //nolint:nilerr // the reader finds that it is no row
	}
	row := objectRow{Name: info.Name, Modified: c.TimeMs, Deleted: info.Deleted}
	if !info.Deleted {
		row.Size, row.Digest = &info.Size, &info.Digest
		if row.Data, err = o.bytes(ctx, &info); err != nil {
			return nil, err
		}
	}
	if o.buf, err = json.Marshal(row); err != nil {
		return nil, fmt.Errorf("object %s: %w", info.Name, err)
	}
	c.Data = o.buf
	return c, nil
}

// bytes reads an object of a version; nil where the version is gone, large, or no object but a link.
func (o *Objects) bytes(ctx context.Context, info *jetstream.ObjectInfo) ([]byte, error) {
	if !o.Data || info.Size > MaxObject || info.Opts != nil && info.Opts.Link != nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	r, err := o.store.Get(ctx, info.Name)
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read object %s: %w", info.Name, err)
	}
	defer r.Close()
	now, err := r.Info()
	if err != nil {
		return nil, fmt.Errorf("read object %s: %w", info.Name, err)
	}
	if now.NUID != info.NUID {
		return nil, nil
	}
	data, err := io.ReadAll(io.LimitReader(r, MaxObject+1))
	if err != nil {
		now, e := o.store.GetInfo(ctx, info.Name)
		if errors.Is(e, jetstream.ErrObjectNotFound) || e == nil && now.NUID != info.NUID {
			return nil, nil // it was replaced while it was read
		}
		return nil, fmt.Errorf("read object %s: %w", info.Name, err)
	}
	if data == nil {
		data = []byte{}
	}
	return data, nil
}
