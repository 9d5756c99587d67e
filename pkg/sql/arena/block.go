package arena

import "unsafe"

// Block is the memory of several slices that are made once and freed together.
type Block struct {
	region []byte // nil: the slices stay where they are
	at     int
	size   int64
}

// align is the alignment of the slices in a block.
const align = 16

// BlockBytes is what n values take in a block.
func BlockBytes[T any](n int) int64 { return (int64(n)*sizeOf[T]() + align - 1) / align * align }

// Keep counts slices of size bytes together. Above the budget the block is a region of the store, into which Put
// copies; else the slices stay where they are.
func (s *Space) Keep(size int64) *Block {
	if s == nil || size == 0 {
		return nil
	}
	b := &Block{size: size}
	if s.b.take(size) {
		s.memory += size
		return b
	}
	if size >= int64(s.b.least) {
		b.region = s.open(int(size))
	}
	if b.region == nil {
		s.count(size, 0)
	}
	return b
}

// Put moves a slice without pointers into the block. It must not grow any more: its room ends with its length.
func Put[T any](b *Block, a []T) []T {
	if b == nil || b.region == nil || len(a) == 0 {
		return a
	}
	out := unsafe.Slice((*T)(unsafe.Pointer(&b.region[b.at])), len(a))
	copy(out, a)
	b.at += int(BlockBytes[T](len(a)))
	return out[:len(a):len(a)]
}

// Release frees the slices of a block; those in the store can be read until Collect.
func (s *Space) Release(b *Block) {
	switch {
	case s == nil || b == nil:
	case b.region == nil:
		s.count(-b.size, 0)
	default:
		s.drop(&b.region[0])
	}
}
