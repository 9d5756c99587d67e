package source

import (
	"context"
	"slices"

	"github.com/leatsql/leat/pkg/messages"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Block is a batch with the place of each of its rows in the source.
type Block struct {
	Batch    *vector.Batch
	Records  []int // of each row: its record in the message or file, from 0
	Segments []Segment
	Bad      []BadRow
	Position Position // behind the block
	Largest  int64    // event time so far
	Done     []func(error)
}

// Block returns the next batch as NextContext does, with places. It belongs to the caller.
func (r *Reader) Block(ctx context.Context) (*Block, error) {
	b, err := r.NextContext(ctx)
	if err != nil {
		return nil, err
	}
	return &Block{
		Batch: b, Records: slices.Clone(r.records), Segments: slices.Clone(r.segments), Bad: r.Bad(), Position: r.pos,
		Largest: r.b.Largest(), Done: slices.Clone(r.done),
	}, nil
}

// Seen says that event times up to ms were read before this reader was made.
func (r *Reader) Seen(ms int64) {
	r.b.Seen(ms)
	r.wm = r.Watermark()
}

// Behind reports whether row i of the block, in segment s, comes behind pos.
func (b *Block) Behind(i int, s *Segment, pos Position) bool {
	return s.Seq > pos.Seq || s.Seq == pos.Seq && uint64(b.Records[i]) >= pos.Row
}

// Split lists, per partition, the rows of the block that belong there and come behind that partition's position in
// done. keys are the key columns; without any a row goes where its NATS subject puts it, or to partition 0 when
// bySubject is false.
func (b *Block) Split(keys []int, bySubject bool, done []Position) [][]uint32 {
	sels := make([][]uint32, len(done))
	n := b.Batch.Rows
	if n == 0 {
		return sels
	}
	if one := len(done) == 1 || len(keys) == 0 && !bySubject; one && done[0] == (Position{}) { // all of them
		sels[0] = make([]uint32, n)
		for i := range sels[0] {
			sels[0][i] = uint32(i)
		}
		return sels
	}
	where := b.partitions(keys, bySubject, len(done))
	seg := 0
	for i := range n {
		for seg+1 < len(b.Segments) && b.Segments[seg+1].First <= i {
			seg++
		}
		p := where[i]
		if b.Behind(i, &b.Segments[seg], done[p]) {
			sels[p] = append(sels[p], uint32(i))
		}
	}
	return sels
}

// partitions returns the partition of each row.
func (b *Block) partitions(keys []int, bySubject bool, count int) []uint32 {
	n := b.Batch.Rows
	where := make([]uint32, n)
	if count == 1 {
		return where
	}
	if len(keys) > 0 {
		cols := make([]*vector.Vector, len(keys))
		for i, k := range keys {
			cols[i] = b.Batch.Cols[k]
		}
		hashes := make([]uint64, n)
		vector.HashKeys(hashes, cols, n, nil)
		for i, h := range hashes {
			where[i] = uint32(h % uint64(count))
		}
		return where
	}
	if !bySubject {
		return where
	}
	var h messages.KeyHasher
	for k, s := range b.Segments {
		end := n
		if k+1 < len(b.Segments) {
			end = b.Segments[k+1].First
		}
		p := uint32(h.HashString([]byte(s.Subject)) % uint64(count))
		for i := s.First; i < end; i++ {
			where[i] = p
		}
	}
	return where
}
