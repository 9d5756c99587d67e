package messages

// Version is the version of the wire; a reader refuses a larger one by name.
const Version = 1

// ColumnType is the type of a column on the wire (same families as the SQL types).
//
//nolint:recvcheck // a type prints from a value as well, the methods that walk it point into it
type ColumnType struct {
	// Kind is BOOLEAN, INT, BIGINT, DOUBLE, DECIMAL, STRING, BYTES, DATE, TIME, TIMESTAMP, INTERVAL, ARRAY, MAP or
	// STRUCT.
	Kind      string
	Precision uint8
	Scale     uint8
	Elem      *ColumnType  // ARRAY: element; MAP: value
	Key       *ColumnType  // MAP: key
	Fields    []ColumnSpec // STRUCT
}

// ColumnSpec names and types a column; the list of them is the schema, SchemaID its xxh3-64 hash.
type ColumnSpec struct {
	Name string
	Type ColumnType
}

// Int128 is a signed 128-bit integer in two's complement.
type Int128 struct {
	Lo uint64
	Hi int64
}

// Column is one column in memory, as the encoder takes it and the decoder gives it. Exactly one of the value slices is
// used, by Type.Kind: Bool; I64 (INT, BIGINT, DATE, TIME, TIMESTAMP, INTERVAL, DECIMAL up to 18 digits); F64; I128
// (DECIMAL above 18); strings (STRING, BYTES): value k is Data[Offs[k]:Offs[k+1]], Codes maps rows to k (nil:
// identity). ARRAY and MAP: row i has the rows Offs[i] to Offs[i+1] of each of Kids, Offs[0] is 0; STRUCT: Kids are the
// fields. Valid: one bit a row, 1 = not null, nil = all. The layout is the one of vector.Vector, so that conversion
// copies slice headers only.
type Column struct {
	Type  ColumnType
	Valid []uint64
	Bool  []bool
	I64   []int64
	F64   []float64
	I128  []Int128
	Codes []uint32
	Offs  []uint32
	Data  []byte
	Kids  []Column
}

// Ops of a changelog row; a batch without Ops holds inserts only.
const (
	OpInsert       byte = 0
	OpUpdateBefore byte = 1
	OpUpdateAfter  byte = 2
	OpDelete       byte = 3
)

// Columns is the rows of a batch. Encoded as: names and types, row count, one msgpack bin per column.
type Columns struct {
	Specs []ColumnSpec
	Rows  int
	Cols  []Column
	Ops   []byte  // nil: inserts
	Time  []int64 // event time of each row, ms
	// Clock is the watermark of each row's source in front of it, ms; nil (and no field in the message) where no row is
	// behind it.
	Clock []int64
}

// ProcessBatch is what ingest writes: rows on their way into an engine.
type ProcessBatch struct {
	BatchID       string
	CorrelationID string // derived from the position, or the source's own; never random
	TimeMs        int64  // time of the source position or 0; informational, no result depends on it
	RetryCount    uint32
	SchemaID      uint64
	Watermark     int64 // vector.NoTime (-1<<63) when none; holds after the rows; 1<<63-1 at the end of the input
	Idle          bool
	End           bool // the bounded input has ended; Watermark is then the largest int64
	Columns       Columns
}

// Counts adds up: In = Used + Filtered + Late + DeadLettered + Skipped. Out is counted apart.
type Counts struct {
	In, Used, Out, Filtered, Late, DeadLettered, Skipped uint64
}

// RecordError is an error of one record, as it travels in a result.
type RecordError struct {
	Row           uint32
	Code          string
	Message       string
	CorrelationID string
}

// BatchResult is what an engine writes: results and exchanges.
type BatchResult struct {
	ProcessBatch
	Counts       Counts
	Errors       []RecordError
	ProcessingNs int64
}

// DeadLetter keeps a record that could not be processed, with all that is needed to understand and retry it.
type DeadLetter struct {
	Original      []byte // the original bytes (the first 4 KiB of an oversized record); empty where they are gone
	Format        string // json, csv, msgpack, raw: what Original is
	Source        string // stream or topic
	Subject       string // NATS subject, file name
	Partition     int
	Sequence      uint64 // in the source
	Row           int    // row in the message, line in the file
	Query, Stage  string
	Code          string // LEAT-5xxx
	Error         string
	CorrelationID string
	TraceID       string
	Attempts      uint32
	TimeMs        int64 // time of the log, not of the wall clock
	Truncated     bool
}
