package operator

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// record is what a chain reported and emitted.
type recorder struct {
	rows                          []string
	filtered, skipped, late, fail int
	failures                      []string
	derived                       []string
}

func (r *recorder) Filtered(n int)                      { r.filtered += n }
func (r *recorder) Skipped(n int)                       { r.skipped += n }
func (r *recorder) Late(_ *vector.Batch, rows []uint32) { r.late += len(rows) }

func (r *recorder) Failed(b *vector.Batch, row uint32, _, msg string) {
	r.fail++
	r.failures = append(r.failures, rowText(b, int(row))+": "+msg)
}

func (r *recorder) Noted(*vector.Batch, uint32, string, string) {}

func (r *recorder) DerivedFailed(b *vector.Batch, row uint32, _, msg string) {
	r.derived = append(r.derived, rowText(b, int(row))+": "+msg)
}

func (r *recorder) DerivedLate(*vector.Batch, []uint32) {}

func (r *recorder) emit(b *vector.Batch) {
	for k := range b.Live() {
		i := k
		if b.Sel != nil {
			i = int(b.Sel[k])
		}
		op := b.Op(i)
		r.rows = append(r.rows, []string{"+", "-", "^", "x"}[op]+" @"+strconv.FormatInt(b.Time[i], 10)+" "+rowText(b,
			i))
	}
}

func rowText(b *vector.Batch, i int) string {
	parts := make([]string, len(b.Cols))
	for k, v := range b.Cols {
		parts[k] = cellText(v, i)
	}
	return strings.Join(parts, " ")
}

func cellText(v *vector.Vector, i int) string {
	if v.Null(i) {
		return "null"
	}
	switch v.Type.Phys() {
	case vector.PhysNone:
		return "null"
	case vector.PhysBool:
		return strconv.FormatBool(v.Bool[i])
	case vector.PhysF64:
		return strconv.FormatFloat(v.F64[i], 'g', -1, 64)
	case vector.PhysI128:
		x := new(big.Int).Lsh(big.NewInt(v.I128[i].Hi), 64)
		return decimalText(x.Add(x, new(big.Int).SetUint64(v.I128[i].Lo)), v.Type.Scale)
	case vector.PhysStr:
		return string(v.Bytes(i))
	case vector.PhysNested:
		return string(vector.AppendJSON(nil, v, i))
	default:
		if v.Type.Kind == vector.Decimal {
			return decimalText(big.NewInt(v.I64[i]), v.Type.Scale)
		}
		return strconv.FormatInt(v.I64[i], 10)
	}
}

func decimalText(x *big.Int, scale uint8) string {
	s := new(big.Int).Abs(x).String()
	for len(s) <= int(scale) {
		s = "0" + s
	}
	if scale > 0 {
		s = s[:len(s)-int(scale)] + "." + s[len(s)-int(scale):]
	}
	if x.Sign() < 0 {
		s = "-" + s
	}
	return s
}

// parseCell appends a value in text to a column.
func parseCell(v *vector.Vector, s string) error {
	if s == "null" {
		vector.AppendNull(v)
		return nil
	}
	switch v.Type.Phys() {
	case vector.PhysBool:
		v.Bool = append(v.Bool, s == "true")
	case vector.PhysF64:
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return err
		}
		v.F64 = append(v.F64, f)
	case vector.PhysStr:
		v.Data = append(v.Data, s...)
		v.Offs = append(v.Offs, uint32(len(v.Data)))
	default:
		x, err := parseNumber(s, v.Type)
		if err != nil {
			return err
		}
		if v.Type.Phys() == vector.PhysI128 {
			lo := new(big.Int).And(x, new(big.Int).SetUint64(math.MaxUint64))
			v.I128 = append(v.I128, vector.Int128{Lo: lo.Uint64(), Hi: new(big.Int).Rsh(x, 64).Int64()})
		} else {
			v.I64 = append(v.I64, x.Int64())
		}
	}
	vector.SetLen(v, v.Len+1)
	return nil
}

func parseNumber(s string, t vector.Type) (*big.Int, error) {
	if t.Kind == vector.Decimal {
		whole, part, _ := strings.Cut(s, ".")
		if len(part) > int(t.Scale) {
			return nil, fmt.Errorf("%s has more than %d places", s, t.Scale)
		}
		s = whole + part + strings.Repeat("0", int(t.Scale)-len(part))
	}
	x, ok := new(big.Int).SetString(s, 10)
	if !ok {
		return nil, fmt.Errorf("%q is no number", s)
	}
	return x, nil
}

// event is a row on a port, or a watermark.
type event struct {
	port   int
	time   int64
	op     vector.Op
	values []string
	wm     bool // time is a watermark
	flush  bool // a step ends
}

// play runs events through a chain in batches of at most size rows. Rows of one batch lie between two watermarks, on
// one port.
func play(tb testing.TB, c *Chain, schemas []*vector.Schema, events []event, size int) {
	tb.Helper()
	var b *vector.Batch
	port := 0
	send := func() {
		if b != nil && b.Rows > 0 {
			c.Process(port, b)
		}
		b = nil
	}
	for _, e := range events {
		switch {
		case e.wm:
			send()
			c.Advance(e.time)
			c.Flush()
			continue
		case e.flush:
			send()
			c.Flush()
			continue
		}
		if b != nil && (b.Rows >= size || port != e.port) {
			send()
		}
		if b == nil {
			b, port = vector.NewBatch(schemas[e.port], size), e.port
		}
		for k, s := range e.values {
			if err := parseCell(b.Cols[k], s); err != nil {
				tb.Fatalf("column %d of %v: %v", k, e.values, err)
			}
		}
		b.Time, b.Ops = append(b.Time, e.time), append(b.Ops, e.op)
		b.Rows++
	}
	send()
}

func fields(spec string) *vector.Schema {
	s := &vector.Schema{}
	for f := range strings.FieldsSeq(spec) {
		name, typ, _ := strings.Cut(f, ":")
		s.Fields = append(s.Fields, vector.Field{Name: name, Type: parseType(typ)})
	}
	return s
}

func parseType(s string) vector.Type {
	var p, scale uint8
	if n, _ := fmt.Sscanf(s, "DECIMAL(%d,%d)", &p, &scale); n == 2 {
		return vector.TDecimal(p, scale)
	}
	for _, t := range []vector.Type{
		vector.TBoolean, vector.TInt, vector.TBigInt, vector.TDouble, vector.TString,
		vector.TBytes, vector.TDate, vector.TTimestamp, vector.TInterval, vector.TNull,
	} {
		if t.String() == s {
			return t
		}
	}
	panic("no type " + s)
}

func rowTime(e event) string { return strconv.FormatInt(e.time, 10) }
