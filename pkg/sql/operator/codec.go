package operator

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// errSnapshot is a snapshot that is cut short or does not belong to the plan.
var errSnapshot = errors.New("snapshot is damaged or of another plan")

// Snapshots are fixed-width little-endian numbers and length-prefixed bytes.
func putU32(dst []byte, v uint32) []byte { return binary.LittleEndian.AppendUint32(dst, v) }
func putU64(dst []byte, v uint64) []byte { return binary.LittleEndian.AppendUint64(dst, v) }
func putI64(dst []byte, v int64) []byte  { return putU64(dst, uint64(v)) }

func putBytes(dst, v []byte) []byte { return append(putU32(dst, uint32(len(v))), v...) }

func putBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// framed appends what f appends, with its length in front.
func framed(dst []byte, f func([]byte) []byte) []byte {
	at := len(dst)
	dst = f(putU64(dst, 0))
	binary.LittleEndian.PutUint64(dst[at:], uint64(len(dst)-at-8))
	return dst
}

// reader takes a snapshot apart. After the first mistake everything it returns is zero and err is set.
type reader struct {
	src []byte
	err error
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%s: %w", what, errSnapshot)
	}
	r.src = nil
}

func (r *reader) take(n uint64) []byte {
	if r.err != nil || n > uint64(len(r.src)) {
		r.fail("cut short")
		return nil
	}
	out := r.src[:n]
	r.src = r.src[n:]
	return out
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (r *reader) f64() float64  { return math.Float64frombits(r.u64()) }
func (r *reader) i64() int64    { return int64(r.u64()) }
func (r *reader) bool() bool    { return r.byte() != 0 }
func (r *reader) bytes() []byte { return r.take(uint64(r.u32())) }
func (r *reader) frame() []byte { return r.take(r.u64()) }

// count reads a number of items of at least minBytes each, so that a hostile count cannot make anything allocate.
func (r *reader) count(minBytes int) int {
	n := r.u64()
	if n > uint64(len(r.src)/max(minBytes, 1)) {
		r.fail("count")
		return 0
	}
	return int(n)
}

// done is the error of the whole: also bytes that are left over are one.
func (r *reader) done() error {
	if r.err == nil && len(r.src) > 0 {
		r.fail("bytes left over")
	}
	return r.err
}
