package operator

import (
	"cmp"
	"math"
	"math/bits"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// sketchError is the relative error of APPROX_PERCENTILE.
const sketchError = 0.01

// sketchState is a DDSketch: how many values lie in each bucket of a logarithmic scale. A quantile is within 1 % of the
// exact value of its rank (rank floor(p * (n - 1)) from 0). Values can be taken out again.
type sketchState struct {
	pos, neg map[int32]int64
	zero     int64
	n        int64
	p        float64
}

var sketchGamma = math.Log((1 + sketchError) / (1 - sketchError))

func (s *sketchState) add(x *aggRow, sign int64) {
	if len(x.args) > 1 && !isNull(x.args[1], x.i) {
		s.p = number(x.args[1], uint32(x.i))
	}
	f := number(x.args[0], uint32(x.i))
	if f != f {
		return
	}
	s.n += sign
	switch {
	case f > 0:
		s.pos = bucketAdd(s.pos, sketchBucket(f), sign)
	case f < 0:
		s.neg = bucketAdd(s.neg, sketchBucket(-f), sign)
	default:
		s.zero += sign
	}
}

func sketchBucket(f float64) int32 {
	return int32(math.Ceil(math.Log(min(f, math.MaxFloat64)) / sketchGamma))
}

// bucketValue is the value in the middle of a bucket.
func bucketValue(k int32) float64 {
	return math.Exp(float64(k)*sketchGamma) * 2 / (1 + math.Exp(sketchGamma))
}

func bucketAdd(m map[int32]int64, k int32, n int64) map[int32]int64 {
	if m == nil {
		m = map[int32]int64{}
	}
	if m[k] += n; m[k] == 0 {
		delete(m, k)
	}
	return m
}

// buckets lists the buckets of m, ascending.
func buckets(m map[int32]int64) []int32 {
	out := make([]int32, 0, len(m))
	// any order: sorted below
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func (s *sketchState) merge(o aggState) {
	other, ok := o.(*sketchState)
	if !ok {
		return
	}
	s.n, s.zero, s.p = s.n+other.n, s.zero+other.zero, other.p
	// any order: sums of whole numbers
	for k, n := range other.pos {
		s.pos = bucketAdd(s.pos, k, n)
	}
	// any order: sums of whole numbers
	for k, n := range other.neg {
		s.neg = bucketAdd(s.neg, k, n)
	}
}

func (s *sketchState) result(out *vector.Vector) bool {
	if s.n <= 0 {
		vector.AppendNull(out)
		return true
	}
	out.F64 = append(out.F64, s.quantile(int64(s.p*float64(s.n-1))))
	vector.SetLen(out, out.Len+1)
	return true
}

// quantile is the value of a rank from 0.
func (s *sketchState) quantile(rank int64) float64 {
	neg := buckets(s.neg)
	slices.Reverse(neg)
	for _, k := range neg {
		if rank -= s.neg[k]; rank < 0 {
			return -bucketValue(k)
		}
	}
	if rank -= s.zero; rank < 0 {
		return 0
	}
	last := 0.0
	for _, k := range buckets(s.pos) {
		last = bucketValue(k)
		if rank -= s.pos[k]; rank < 0 {
			break
		}
	}
	return last
}

func (s *sketchState) snapshot(dst []byte) []byte {
	dst = putI64(putI64(putU64(dst, math.Float64bits(s.p)), s.n), s.zero)
	for _, m := range []map[int32]int64{s.pos, s.neg} {
		list := buckets(m)
		dst = putU64(dst, uint64(len(list)))
		for _, k := range list {
			dst = putI64(putU32(dst, uint32(k)), m[k])
		}
	}
	return dst
}

func (s *sketchState) restore(r *reader) {
	s.p, s.n, s.zero = math.Float64frombits(r.u64()), r.i64(), r.i64()
	if !(s.p >= 0 && s.p <= 1) {
		r.fail("percentile")
	}
	for _, m := range []*map[int32]int64{&s.pos, &s.neg} {
		for range r.count(12) {
			k, n := int32(r.u32()), r.i64()
			if n == 0 || (*m)[k] != 0 {
				r.fail("bucket")
			}
			if r.err != nil {
				return
			}
			*m = bucketAdd(*m, k, n)
		}
	}
}

func (s *sketchState) bytes() int { return 96 + 32*(len(s.pos)+len(s.neg)) }

// hllBits is the number of bits of a hash that choose a register: 2^12 registers give a standard error of 1.6 %.
const hllBits = 12

// hllState is a HyperLogLog. While there are few values it keeps their hashes, and the number is exact.
type hllState struct {
	few  []uint64 // ascending
	regs []byte
	buf  []byte
}

// hllFew is how many values are told apart exactly.
const hllFew = 256

func (h *hllState) add(x *aggRow, sign int64) {
	if sign < 0 {
		return // Aggregate makes a setState where rows are taken back
	}
	h.buf = appendValue(h.buf[:0], x.args[0], x.i)
	h.put(xxh3.Hash(h.buf))
}

func (h *hllState) put(hash uint64) {
	if h.regs == nil {
		at, found := slices.BinarySearch(h.few, hash)
		if found {
			return
		}
		if len(h.few) < hllFew {
			h.few = slices.Insert(h.few, at, hash)
			return
		}
		h.spill()
	}
	k := hash >> (64 - hllBits)
	rank := byte(min(bits.LeadingZeros64(hash<<hllBits), 64-hllBits) + 1)
	h.regs[k] = max(h.regs[k], rank)
}

// spill turns the hashes into registers.
func (h *hllState) spill() {
	h.regs = make([]byte, 1<<hllBits)
	few := h.few
	h.few = nil
	for _, x := range few {
		h.put(x)
	}
}

func (h *hllState) merge(o aggState) {
	other, ok := o.(*hllState)
	if !ok {
		return
	}
	for _, x := range other.few {
		h.put(x)
	}
	if other.regs == nil {
		return
	}
	if h.regs == nil {
		h.spill()
	}
	for i, r := range other.regs {
		h.regs[i] = max(h.regs[i], r)
	}
}

func (h *hllState) result(out *vector.Vector) bool {
	n := int64(len(h.few))
	if h.regs != nil {
		n = h.estimate()
	}
	appendWord(out, uint64(n))
	return true
}

func (h *hllState) estimate() int64 {
	m := float64(len(h.regs))
	sum, empty := 0.0, 0
	for _, r := range h.regs {
		sum += math.Ldexp(1, -int(r))
		if r == 0 {
			empty++
		}
	}
	e := 0.7213 / (1 + 1.079/m) * m * m / sum
	if e <= 2.5*m && empty > 0 {
		e = m * math.Log(m/float64(empty))
	}
	return int64(math.Round(e))
}

func (h *hllState) snapshot(dst []byte) []byte {
	dst = putU64(dst, uint64(len(h.few)))
	for _, x := range h.few {
		dst = putU64(dst, x)
	}
	return putBytes(dst, h.regs)
}

func (h *hllState) restore(r *reader) {
	for range r.count(8) {
		x := r.u64()
		if n := len(h.few); n >= hllFew || n > 0 && cmp.Compare(h.few[n-1], x) >= 0 {
			r.fail("hash")
			return
		}
		h.few = append(h.few, x)
	}
	switch regs := r.bytes(); {
	case len(regs) == 0:
	case len(regs) != 1<<hllBits || len(h.few) > 0:
		r.fail("registers")
	default:
		h.regs = slices.Clone(regs)
	}
}

func (h *hllState) bytes() int { return 96 + 8*cap(h.few) + cap(h.regs) + cap(h.buf) }
