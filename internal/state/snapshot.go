package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/zeebo/xxh3"
)

// Snapshot is the state of a task after a step.
type Snapshot struct {
	Task   string
	Step   uint64
	Inputs []Input
	// Task's own: watermarks of the outputs, order of the steps, counts.
	Runner []byte
	// Machine is what the machine wrote.
	Machine []byte
}

// Input is the position in one input, with the identity of the message there and the last sequence of each subject.
type Input struct {
	Created int64
	Seq     uint64
	Hash    uint64
	Chain   map[string]uint64
}

// Version is the version of the frame; a larger one is refused by name.
const Version = 1

// Bounds of what a frame may hold; they are checked before anything is allocated.
const (
	MaxBytes    = 1 << 30
	maxInputs   = 64
	maxSubjects = 1 << 16
	maxName     = 1 << 10
)

const magic = "LEATSNAP"

// ErrDamaged is wrapped by every error about bytes that are no snapshot.
var ErrDamaged = errors.New("damaged snapshot")

// Append appends the frame of s: magic, version, xxh3 of what follows, then the fields. Equal snapshots give equal
// bytes.
func (s *Snapshot) Append(dst []byte) []byte {
	dst = append(dst, magic...)
	dst = binary.LittleEndian.AppendUint32(dst, Version)
	sum := len(dst)
	dst = binary.LittleEndian.AppendUint64(dst, 0)
	body := len(dst)
	dst = appendString(dst, s.Task)
	dst = binary.AppendUvarint(dst, s.Step)
	dst = binary.AppendUvarint(dst, uint64(len(s.Inputs)))
	for _, in := range s.Inputs {
		dst = binary.AppendVarint(dst, in.Created)
		dst = binary.AppendUvarint(dst, in.Seq)
		dst = binary.LittleEndian.AppendUint64(dst, in.Hash)
		dst = binary.AppendUvarint(dst, uint64(len(in.Chain)))
		for _, subject := range slices.Sorted(maps.Keys(in.Chain)) {
			dst = appendString(dst, subject)
			dst = binary.AppendUvarint(dst, in.Chain[subject])
		}
	}
	dst = appendString(dst, string(s.Runner))
	dst = binary.AppendUvarint(dst, uint64(len(s.Machine)))
	dst = append(dst, s.Machine...)
	binary.LittleEndian.PutUint64(dst[sum:], xxh3.Hash(dst[body:]))
	return dst
}

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// Decode reads a frame. The byte slices of the result alias data.
func Decode(data []byte) (*Snapshot, error) {
	const head = len(magic) + 4 + 8
	if len(data) < head || len(data) > MaxBytes || string(data[:len(magic)]) != magic {
		return nil, fmt.Errorf("%w: %d bytes without its mark", ErrDamaged, len(data))
	}
	if v := binary.LittleEndian.Uint32(data[len(magic):]); v != Version {
		return nil, fmt.Errorf("snapshot has version %d, this program reads version %d", v, Version)
	}
	body := data[head:]
	if want, got := binary.LittleEndian.Uint64(data[len(magic)+4:]), xxh3.Hash(body); got != want {
		return nil, fmt.Errorf("%w: its checksum is %016x, it says %016x", ErrDamaged, got, want)
	}
	r := reader{data: body}
	s := &Snapshot{Task: r.text(maxName), Step: r.number()}
	for range r.count(maxInputs) {
		in := Input{Created: r.signed(), Seq: r.number(), Hash: r.fixed()}
		n := r.count(maxSubjects)
		if n > 0 {
			in.Chain = make(map[string]uint64, min(n, 64))
		}
		for range n {
			subject := r.text(maxName)
			in.Chain[subject] = r.number()
		}
		s.Inputs = append(s.Inputs, in)
	}
	s.Runner = r.bytes(MaxBytes)
	s.Machine = r.bytes(MaxBytes)
	if r.bad || len(r.data) > 0 {
		return nil, fmt.Errorf("%w: its fields do not fit its length", ErrDamaged)
	}
	return s, nil
}

// reader reads fields; after the first that is cut off or out of bounds it gives zeros.
type reader struct {
	data []byte
	bad  bool
}

func (r *reader) fail() { r.bad, r.data = true, nil }

func (r *reader) number() uint64 {
	v, n := binary.Uvarint(r.data)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.data = r.data[n:]
	return v
}

func (r *reader) signed() int64 {
	v, n := binary.Varint(r.data)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.data = r.data[n:]
	return v
}

func (r *reader) fixed() uint64 {
	if len(r.data) < 8 {
		r.fail()
		return 0
	}
	v := binary.LittleEndian.Uint64(r.data)
	r.data = r.data[8:]
	return v
}

// count reads how many things follow; each takes a byte at least.
func (r *reader) count(most int) int {
	n := r.number()
	if n > uint64(most) || n > uint64(len(r.data)) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) bytes(most int) []byte {
	n := r.count(most)
	v := r.data[:n:n]
	r.data = r.data[n:]
	return v
}

func (r *reader) text(most int) string { return string(r.bytes(most)) }
