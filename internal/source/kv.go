package source

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/internal/format"
)

// KV reads the entries of a bucket: a put is a row, a delete or a purge takes the row of its key away. Positions are
// revisions. What the history of the bucket has dropped was replaced by a later entry of its key.
type KV struct {
	Stream
	Bucket string
	Keys   int // key columns: one takes the whole key, several its parts between dots
	prefix string
}

// Ensure finds the bucket. It makes none: who writes it decides how.
func (k *KV) Ensure(ctx context.Context) error {
	if k.stream != nil {
		return nil
	}
	k.prefix = "$KV." + k.Bucket + "."
	k.Subject = k.prefix + ">"
	err := k.adopt(ctx, "KV_"+k.Bucket)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("there is no KV bucket %s: nats kv add %s makes one", k.Bucket, k.Bucket)
	}
	return err
}

// Open implements Source.
func (k *KV) Open(ctx context.Context, from Position) error {
	if err := k.Ensure(ctx); err != nil {
		return err
	}
	return k.Stream.Open(ctx, from)
}

// Next implements Source.
func (k *KV) Next(ctx context.Context) (*Chunk, error) {
	c, err := k.Stream.Next(ctx)
	if err != nil {
		return nil, err
	}
	c.Fill, c.Keys = true, format.SplitKey(strings.TrimPrefix(c.Subject, k.prefix), k.Keys)
	if c.Keys == nil {
		c.Keys = []string{} // the wrong number of parts, which is found with the row
	}
	if deletion(c.Headers) {
		c.Delete, c.Data = true, nil
	}
	return c, nil
}

// deletion tells the entries of a bucket that end a key: those of its clients, and the server's own when one expires.
func deletion(h map[string][]string) bool {
	for _, name := range []string{"KV-Operation", "Nats-Marker-Reason"} {
		for _, v := range h[name] {
			switch v {
			case "DEL", "PURGE", "MaxAge", "Purge", "Remove":
				return true
			}
		}
	}
	return false
}
