package vector

// Int128 is a signed 128-bit integer in two's complement.
type Int128 struct {
	Lo uint64
	Hi int64
}

// Vector is one column of a batch. Only the slice that Type.Phys names is used. A vector that has been handed on is
// immutable; operators that make vectors own them until they emit.
type Vector struct {
	Type Type
	Len  int
	// Valid has one bit a row, 1 = not null; nil means no row is null. Bits beyond Len are undefined.
	Valid []uint64

	Bool []bool
	I64  []int64
	F64  []float64
	I128 []Int128

	// Strings: value k is Data[Offs[k]:Offs[k+1]]. Codes maps a row to its k; nil Codes is the identity. With Codes the
	// values are a dictionary, in which a value may occur twice. The code of a null row is valid (0 where the
	// dictionary is empty: then Offs has at least 2 entries).
	Codes []uint32
	Offs  []uint32
	Data  []byte

	// Nested values. ARRAY: Kids[0] holds the elements, row i has [Offs[i], Offs[i+1]); Offs[0] may be above 0. MAP:
	// the same with Kids[0] the keys and Kids[1] the values; the entries of a row ascend by key (Compare), no key
	// twice, none null. STRUCT: a kid a field, as long as the vector; no Offs. A null row of an ARRAY or MAP has no
	// elements, one of a STRUCT has null fields. The kids of an ARRAY or MAP end with the last row's elements.
	Kids []*Vector
}

// Elements returns the range of row i of an ARRAY or MAP in the kids.
func (v *Vector) Elements(i int) (from, to int) { return int(v.Offs[i]), int(v.Offs[i+1]) }

// Null reports whether row i is null.
func (v *Vector) Null(i int) bool { return v.Valid != nil && v.Valid[i>>6]&(1<<(uint(i)&63)) == 0 }

// Bytes returns the value of row i of a string or bytes vector; it aliases the vector.
func (v *Vector) Bytes(i int) []byte {
	if v.Codes != nil {
		i = int(v.Codes[i])
	}
	return v.Data[v.Offs[i]:v.Offs[i+1]]
}

// Schema is the columns of a batch, in order.
type Schema struct {
	Fields []Field
}

// Op is what a row does to a table; a stream has inserts only.
type Op uint8

// The operations of a changelog. UpdateBefore is sent only where a reader retracts.
const (
	Insert Op = iota
	UpdateBefore
	UpdateAfter
	Delete
)

// NoTime is an event time or watermark that is not known yet; MaxTime is the watermark of an input that has ended.
const (
	NoTime  int64 = -1 << 63
	MaxTime int64 = 1<<63 - 1
)

// Batch is a set of rows in columns. Rows counts all rows; Sel, if not nil, lists the ones that are there, ascending.
type Batch struct {
	Schema *Schema
	Rows   int
	Cols   []*Vector
	Sel    []uint32
	Ops    []Op    // nil: all inserts
	Time   []int64 // event time of each row in ms; never nil when Rows > 0
	// Clock is the watermark of the row's source just before it: it tells whether a row is late, however rows are cut
	// into batches and partitions. nil: no row is behind it.
	Clock []int64
	// Watermark is a lower bound of the event times that come after this batch's rows (NoTime: none yet). It holds
	// after the rows. Idle says that the input has gone idle and is not to be waited for.
	Watermark int64
	Idle      bool
	// AppendTime is the broker's append time of the message, in ms: the only wall clock an operator may see.
	AppendTime int64
	// Origin of the rows for record ids and dead letters: row i of the batch is (Seq, FirstRow+i) of the topic
	// partition.
	Topic     string
	Partition int
	Seq       uint64
	FirstRow  int
}

// Op returns what row i does.
func (b *Batch) Op(i int) Op {
	if b.Ops == nil {
		return Insert
	}
	return b.Ops[i]
}

// Live returns the number of selected rows.
func (b *Batch) Live() int {
	if b.Sel != nil {
		return len(b.Sel)
	}
	return b.Rows
}
