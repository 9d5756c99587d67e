package messages

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/zeebo/xxh3"
)

// Tags of the values in a canonical key. They are frozen: a change would move keys to other partitions.
const (
	tagNull      = 0x00
	tagBool      = 0x01
	tagInt       = 0x02 // INT and BIGINT
	tagDouble    = 0x03
	tagDecimal   = 0x04
	tagString    = 0x05
	tagBytes     = 0x06
	tagDate      = 0x07
	tagTime      = 0x08
	tagTimestamp = 0x09
	tagInterval  = 0x0a
	tagArray     = 0x0b
	tagMap       = 0x0c
	tagStruct    = 0x0d
)

// canonicalNaN is the one bit pattern that stands for every NaN in a key.
const canonicalNaN = 0x7ff8000000000000

// KeyHasher hashes the canonical bytes of a key: the columns in key order, each a tag and a value. Use Reset, one
// Append a column, Sum. It allocates only until its buffer has grown; the zero value is ready.
type KeyHasher struct {
	buf []byte
}

// Reset begins a new key.
func (h *KeyHasher) Reset() { h.buf = h.buf[:0] }

// Sum returns the xxh3-64 of the key; the partition is Sum modulo the number of partitions.
func (h *KeyHasher) Sum() uint64 { return xxh3.Hash(h.buf) }

// Canonical returns the canonical bytes so far; they are the hasher's own.
func (h *KeyHasher) Canonical() []byte { return h.buf }

// AppendNull appends a null of any type.
func (h *KeyHasher) AppendNull() { h.buf = append(h.buf, tagNull) }

// AppendBool appends a BOOLEAN.
func (h *KeyHasher) AppendBool(v bool) {
	var b byte
	if v {
		b = 1
	}
	h.buf = append(h.buf, tagBool, b)
}

// AppendInt appends an INT or BIGINT.
func (h *KeyHasher) AppendInt(v int64) { h.tagged(tagInt, uint64(v)) }

// AppendDate appends a DATE (days).
func (h *KeyHasher) AppendDate(v int64) { h.tagged(tagDate, uint64(v)) }

// AppendTime appends a TIME (ms of the day).
func (h *KeyHasher) AppendTime(v int64) { h.tagged(tagTime, uint64(v)) }

// AppendTimestamp appends a TIMESTAMP (ms).
func (h *KeyHasher) AppendTimestamp(v int64) { h.tagged(tagTimestamp, uint64(v)) }

// AppendInterval appends an INTERVAL (ms).
func (h *KeyHasher) AppendInterval(v int64) { h.tagged(tagInterval, uint64(v)) }

// AppendDouble appends a DOUBLE: -0 as 0, every NaN as one.
func (h *KeyHasher) AppendDouble(v float64) {
	bits := math.Float64bits(v)
	switch {
	case v == 0:
		bits = 0
	case v != v:
		bits = canonicalNaN
	}
	h.tagged(tagDouble, bits)
}

// AppendString appends a STRING.
func (h *KeyHasher) AppendString(v string) {
	h.buf = append(binary.LittleEndian.AppendUint32(append(h.buf, tagString), uint32(len(v))), v...)
}

// AppendStringBytes appends a STRING given as bytes.
func (h *KeyHasher) AppendStringBytes(v []byte) { h.counted(tagString, v) }

// AppendBytes appends a BYTES value.
func (h *KeyHasher) AppendBytes(v []byte) { h.counted(tagBytes, v) }

// AppendDecimal appends a DECIMAL of up to 18 digits: unscaled value and scale, without trailing zeros.
func (h *KeyHasher) AppendDecimal(unscaled int64, scale uint8) {
	for scale > 0 && unscaled%10 == 0 {
		unscaled /= 10
		scale--
	}
	h.decimal(uint64(unscaled), unscaled>>63, scale)
}

// AppendDecimal128 appends a DECIMAL of up to 38 digits.
func (h *KeyHasher) AppendDecimal128(v Int128, scale uint8) {
	for scale > 0 && v.Hi != int64(v.Lo)>>63 {
		q, rest := v.div10()
		if rest != 0 {
			h.decimal(v.Lo, v.Hi, scale)
			return
		}
		v, scale = q, scale-1
	}
	if v.Hi == int64(v.Lo)>>63 {
		h.AppendDecimal(int64(v.Lo), scale)
		return
	}
	h.decimal(v.Lo, v.Hi, scale)
}

// AppendArray begins an ARRAY of n elements, to be appended one by one.
func (h *KeyHasher) AppendArray(n int) { h.begin(tagArray, n) }

// AppendMap begins a MAP of n entries, to be appended in the order of the keys: key, value, key, value.
func (h *KeyHasher) AppendMap(n int) { h.begin(tagMap, n) }

// AppendStruct begins a STRUCT of n fields, to be appended in their order.
func (h *KeyHasher) AppendStruct(n int) { h.begin(tagStruct, n) }

func (h *KeyHasher) begin(tag byte, n int) {
	h.buf = binary.LittleEndian.AppendUint32(append(h.buf, tag), uint32(n))
}

func (h *KeyHasher) decimal(lo uint64, hi int64, scale uint8) {
	h.buf = binary.LittleEndian.AppendUint64(append(h.buf, tagDecimal, scale), lo)
	h.buf = binary.LittleEndian.AppendUint64(h.buf, uint64(hi))
}

func (h *KeyHasher) tagged(tag byte, v uint64) {
	h.buf = binary.LittleEndian.AppendUint64(append(h.buf, tag), v)
}

func (h *KeyHasher) counted(tag byte, v []byte) {
	at, n := len(h.buf), 5+len(v)
	h.buf = slices.Grow(h.buf, n)[:at+n]
	b := h.buf[at:]
	b[0] = tag
	binary.LittleEndian.PutUint32(b[1:], uint32(len(v)))
	copy(b[5:], v)
}

// HashInt returns the hash of a key of one INT or BIGINT.
func HashInt(v int64) uint64 {
	var b [9]byte
	b[0] = tagInt
	binary.LittleEndian.PutUint64(b[1:], uint64(v))
	return xxh3.Hash(b[:])
}

// HashString returns the hash of a key of one STRING, of up to 27 bytes without touching the heap or the hasher.
func (h *KeyHasher) HashString(v []byte) uint64 {
	var b [32]byte
	if len(v) > len(b)-5 {
		h.Reset()
		h.AppendStringBytes(v)
		return h.Sum()
	}
	b[0] = tagString
	binary.LittleEndian.PutUint32(b[1:], uint32(len(v)))
	copy(b[5:], v)
	return xxh3.Hash(b[:5+len(v)])
}
