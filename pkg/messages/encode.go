package messages

import "slices"

// Kinds of message, in the field "k".
const (
	kindProcess    = "process"
	kindResult     = "result"
	kindDeadLetter = "dead-letter"
)

// Append appends the message to dst. It keeps nothing of b. Columns must hold Rows values each.
func (b *ProcessBatch) Append(dst []byte) []byte {
	dst = packMap(dst, 14+b.Columns.extra())
	return b.appendFields(dst, kindProcess)
}

// Append appends the message to dst. It keeps nothing of r. Columns must hold Rows values each.
func (r *BatchResult) Append(dst []byte) []byte {
	dst = packMap(dst, 17+r.Columns.extra())
	dst = r.appendFields(dst, kindResult)
	dst = packArray(packStr(dst, "cnt"), 7)
	c := &r.Counts
	for _, n := range [...]uint64{c.In, c.Used, c.Out, c.Filtered, c.Late, c.DeadLettered, c.Skipped} {
		dst = packUint(dst, n)
	}
	dst = packArray(packStr(dst, "errs"), len(r.Errors))
	for i := range r.Errors {
		e := &r.Errors[i]
		dst = packUint(packArray(dst, 4), uint64(e.Row))
		dst = packStr(packStr(packStr(dst, e.Code), e.Message), e.CorrelationID)
	}
	return packInt(packStr(dst, "ns"), r.ProcessingNs)
}

func (b *ProcessBatch) appendFields(dst []byte, kind string) []byte {
	dst = packUint(packStr(dst, "v"), Version)
	dst = packStr(packStr(dst, "k"), kind)
	dst = packStr(packStr(dst, "id"), b.BatchID)
	dst = packStr(packStr(dst, "cid"), b.CorrelationID)
	dst = packInt(packStr(dst, "ts"), b.TimeMs)
	dst = packUint(packStr(dst, "rc"), uint64(b.RetryCount))
	dst = packUint(packStr(dst, "sid"), b.SchemaID)
	dst = packInt(packStr(dst, "wm"), b.Watermark)
	dst = packBool(packStr(dst, "idle"), b.Idle)
	dst = packBool(packStr(dst, "end"), b.End)
	return b.Columns.append(dst)
}

// append appends the fields of the rows: n, cols, ops, et, and ck where rows are behind.
func (c *Columns) append(dst []byte) []byte {
	s := getScratch()
	defer s.free()
	dst = packUint(packStr(dst, "n"), uint64(c.Rows))
	dst = packArray(packStr(dst, "cols"), len(c.Cols))
	for i := range c.Cols {
		dst = packStr(packArray(dst, 4), c.Specs[i].Name)
		s.text = c.Cols[i].Type.append(s.text[:0])
		dst = append(packStrHead(dst, len(s.text)), s.text...)
		dst = appendColumn(dst, &c.Cols[i], c.Rows, s)
	}
	dst = appendOps(packStr(dst, "ops"), c.Ops, c.Rows)
	dst = c.appendTime(packStr(dst, "et"), s)
	if c.extra() == 0 {
		return dst
	}
	dst, mark := openBin(packStr(dst, "ck"))
	return closeBin(appendInts(dst, c.Clock[:c.Rows], nil, s), mark)
}

// extra is the number of fields of the rows that are not always there: ck.
func (c *Columns) extra() int {
	if c.Clock == nil || c.Rows == 0 {
		return 0
	}
	return 1
}

// appendOps appends two bits a row, the lowest first; nil when all rows are inserts.
func appendOps(dst, ops []byte, rows int) []byte {
	if ops == nil || rows == 0 {
		return packNil(dst)
	}
	var seen byte
	dst, mark := openBin(dst)
	at, size := len(dst), (rows+3)/4
	dst = slices.Grow(dst, size)[:at+size]
	out := dst[at:]
	clear(out)
	for i, op := range ops[:rows] {
		out[i>>2] |= op & 3 << (2 * (uint(i) & 3))
		seen |= op
	}
	if seen == OpInsert {
		return packNil(dst[:mark])
	}
	return closeBin(dst, mark)
}

// appendTime appends the event times: the number of the column that holds the very same values, or a bin, or nil.
func (c *Columns) appendTime(dst []byte, s *scratch) []byte {
	if c.Time == nil || c.Rows == 0 {
		return packNil(dst)
	}
	for i := range c.Cols {
		col := &c.Cols[i]
		if physOf(&col.Type) == physI64 && slices.Equal(col.I64[:c.Rows], c.Time[:c.Rows]) && col.nulls(c.Rows) == nil {
			return packUint(dst, uint64(i))
		}
	}
	dst, mark := openBin(dst)
	return closeBin(appendInts(dst, c.Time[:c.Rows], nil, s), mark)
}
