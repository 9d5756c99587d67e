package messages

import "slices"

// DecodeProcessBatch reads a message that ProcessBatch.Append wrote. The slices of into are used again, so a caller
// that has handed its columns on passes a fresh one. Strings of the columns alias data: it must stay as it is for as
// long as they are used. After an error into holds nothing of use.
func DecodeProcessBatch(data []byte, into *ProcessBatch) error {
	d := decoder{kind: kindProcess, batch: into}
	return d.decode(data)
}

// DecodeBatchResult reads a message that BatchResult.Append wrote, as DecodeProcessBatch does.
func DecodeBatchResult(data []byte, into *BatchResult) error {
	d := decoder{kind: kindResult, batch: &into.ProcessBatch, result: into}
	return d.decode(data)
}

// decoder reads one message: first all fields, remembering where those of the rows are, then the rows.
type decoder struct {
	reader
	kind            string
	batch           *ProcessBatch
	result          *BatchResult // nil for a ProcessBatch
	seen            uint32
	cols, ops, time int // where the values are
	clock           int // 0: there is none
}

// fields is the fields of a message; a bit of decoder.seen stands for each. Those up to required must be there.
var fields = [...]string{
	"k", "id", "cid", "ts", "rc", "sid", "wm", "idle", "end", "n", "cols", "ops", "et",
	"cnt", "errs", "ns", "ck",
}

const (
	processFields = 1<<13 - 1
	resultFields  = 1<<16 - 1
)

func (d *decoder) decode(data []byte) error {
	if size, err := Next(data, Limits{}); err != nil {
		return err
	} else if size != len(data) {
		return malformed("%d bytes follow the message", len(data)-size)
	}
	d.data = data
	n := d.pairs()
	if n == 0 || string(d.str()) != "v" {
		d.fail("does not begin with its version")
	}
	version := d.uint(1<<63 - 1)
	if d.err == nil && version > Version {
		return &VersionError{Got: version, Want: Version}
	}
	if version == 0 {
		d.fail("version 0")
	}
	for range n - 1 {
		d.field()
	}
	if d.err != nil {
		return d.err
	}
	want := uint32(processFields)
	if d.result != nil {
		want = resultFields
	}
	if d.seen&want != want {
		return malformed("field %q is missing", fields[firstMissing(d.seen&want)])
	}
	return d.rows()
}

func firstMissing(seen uint32) int {
	i := 0
	for seen>>i&1 != 0 {
		i++
	}
	return i
}

// field reads one pair of the map; keys that this version does not know are passed over.
func (d *decoder) field() {
	key := d.str()
	f := slices.IndexFunc(fields[:], func(name string) bool { return name == string(key) })
	if f < 0 || d.err != nil {
		d.skip()
		return
	}
	if d.seen>>f&1 != 0 {
		d.fail("field %q comes twice", key)
		return
	}
	d.seen |= 1 << f
	b := d.batch
	switch fields[f] {
	case "k":
		if kind := d.str(); d.err == nil && string(kind) != d.kind {
			d.fail("message is a %.20q, not a %q", kind, d.kind)
		}
	case "id":
		b.BatchID = d.text(b.BatchID)
	case "cid":
		b.CorrelationID = d.text(b.CorrelationID)
	case "ts":
		b.TimeMs = d.int64()
	case "rc":
		b.RetryCount = uint32(d.uint(1<<32 - 1))
	case "sid":
		b.SchemaID = d.uint(1<<64 - 1)
	case "wm":
		b.Watermark = d.int64()
	case "idle":
		b.Idle = d.boolean()
	case "end":
		b.End = d.boolean()
	case "n":
		b.Columns.Rows = int(d.uint(MaxRows))
	default:
		d.laterField(fields[f])
	}
}

// laterField reads a field that belongs to a result, or remembers where a field of the rows is.
func (d *decoder) laterField(name string) {
	switch name {
	case "cols":
		d.cols = d.at
		d.skip()
	case "ops":
		d.ops = d.at
		d.skip()
	case "et":
		d.time = d.at
		d.skip()
	case "ck":
		d.clock = d.at
		d.skip()
	default:
		if d.result == nil {
			d.skip()
			return
		}
		switch name {
		case "cnt":
			d.counts(&d.result.Counts)
		case "errs":
			d.errors()
		case "ns":
			d.result.ProcessingNs = d.int64()
		}
	}
}

func (d *decoder) counts(c *Counts) {
	if d.array() != 7 {
		d.fail("counts are not 7 numbers")
	}
	for _, n := range [...]*uint64{&c.In, &c.Used, &c.Out, &c.Filtered, &c.Late, &c.DeadLettered, &c.Skipped} {
		*n = d.uint(1<<64 - 1)
	}
}

func (d *decoder) errors() {
	n := d.array()
	if n > MaxErrors {
		d.fail("%d errors, the limit is %d", n, MaxErrors)
	}
	if d.err != nil {
		return
	}
	if n == 0 {
		d.result.Errors = d.result.Errors[:0]
		return
	}
	d.result.Errors = slices.Grow(d.result.Errors[:0], n)[:n]
	for i := range d.result.Errors {
		e := &d.result.Errors[i]
		if d.array() != 4 {
			d.fail("a record error is not 4 values")
			return
		}
		e.Row = uint32(d.uint(1<<32 - 1))
		e.Code, e.Message, e.CorrelationID = d.text(e.Code), d.text(e.Message), d.text(e.CorrelationID)
	}
}

// rows reads the columns, ops and event times in place.
func (d *decoder) rows() error {
	c := &d.batch.Columns
	c.ownTime()
	d.at = d.cols
	n := d.array()
	if n > MaxColumns {
		return malformed("%d columns, the limit is %d", n, MaxColumns)
	}
	c.Specs = slices.Grow(c.Specs[:0], n)[:n]
	c.Cols = slices.Grow(c.Cols[:0], n)[:n]
	d.specs(c)
	if d.err != nil {
		return d.err
	}
	if err := fitsMemory(c.Specs, c.Rows); err != nil {
		return malformed("%v", err)
	}
	left := MaxDecodedBytes
	d.at = d.cols
	d.array()
	for i := range c.Cols {
		d.array()
		d.skip()
		d.skip()
		values := d.bin()
		var valid []byte
		if !d.isNil() {
			valid = d.bin()
		}
		if d.err != nil {
			return d.err
		}
		c.Cols[i].Type = c.Specs[i].Type
		if err := decodeColumn(&c.Cols[i], values, valid, c.Rows, &left); err != nil {
			return columnError(c.Specs[i].Name, err)
		}
	}
	d.opsColumn(c)
	d.timeColumn(c)
	d.clockColumn(c)
	return d.err
}

// ownTime gives up event times that are a column of the message before, whose memory is used again.
func (c *Columns) ownTime() {
	for i := range c.Cols {
		if v := c.Cols[i].I64; cap(v) > 0 && cap(c.Time) > 0 && &v[:1][0] == &c.Time[:1][0] {
			c.Time = nil
			return
		}
	}
}

// specs reads names and types, so that the memory all columns take is known before the first is made.
func (d *decoder) specs(c *Columns) {
	for i := range c.Specs {
		if d.array() != 4 {
			d.fail("column %d is not 4 values", i)
			return
		}
		c.Specs[i].Name = d.text(c.Specs[i].Name)
		typ := d.str()
		if d.err == nil {
			c.Specs[i].Type, d.err = ParseColumnType(typ)
		}
		d.skip()
		d.skip()
	}
}

func (d *decoder) opsColumn(c *Columns) {
	d.at = d.ops
	if d.isNil() {
		c.Ops = nil
		return
	}
	s := d.bin()
	if d.err == nil && len(s) != (c.Rows+3)/4 {
		d.fail("ops: %d bytes for %d rows", len(s), c.Rows)
	}
	if d.err != nil {
		return
	}
	c.Ops = slices.Grow(c.Ops[:0], c.Rows)[:c.Rows]
	for i := range c.Ops {
		c.Ops[i] = s[i>>2] >> (2 * (uint(i) & 3)) & 3
	}
}

func (d *decoder) clockColumn(c *Columns) {
	if d.clock == 0 || d.err != nil {
		c.Clock = nil
		return
	}
	d.at = d.clock
	s := d.bin()
	if d.err != nil {
		return
	}
	c.Clock = slices.Grow(c.Clock[:0], c.Rows)[:c.Rows]
	if err := decodeInts(s, c.Clock); err != nil {
		d.fail("clocks: %v", err)
	}
}

func (d *decoder) timeColumn(c *Columns) {
	d.at = d.time
	if d.isNil() {
		c.Time = nil
		return
	}
	if isBin(d.data[d.at]) {
		s := d.bin()
		c.Time = slices.Grow(c.Time[:0], c.Rows)[:c.Rows]
		if err := decodeInts(s, c.Time); err != nil {
			d.fail("event times: %v", err)
		}
		return
	}
	k := d.uint(MaxColumns)
	if d.err != nil {
		return
	}
	if k >= uint64(len(c.Cols)) || physOf(&c.Cols[k].Type) != physI64 || c.Cols[k].Valid != nil {
		d.fail("column %d cannot be the event time", k)
		return
	}
	c.Time = c.Cols[k].I64
}
