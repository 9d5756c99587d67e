package vector

// fixedBytes is what a value of each physical form takes on the wire at most, beside the bytes of strings and elements:
// for strings a length and a code, for lists a length.
var fixedBytes = [...]int{PhysNone: 1, PhysBool: 1, PhysI64: 8, PhysF64: 8, PhysI128: 16, PhysStr: 5, PhysNested: 8}

// FixedBytes is what each value of a type takes on the wire at most, whatever it is.
func (t Type) FixedBytes() int { return fixedBytes[t.Phys()] }

// MoreBytes is what row i takes on the wire beyond the FixedBytes of its type, at most: the bytes of a string, the
// elements of a list with a bit each that says whether they are null.
func (v *Vector) MoreBytes(i int) int {
	switch {
	case v.Type.Phys() == PhysStr:
		return len(v.Bytes(i))
	case v.Type.Phys() != PhysNested:
		return 0
	}
	from, to := i, i+1
	if v.Type.Kind != Struct {
		from, to = v.Elements(i)
	}
	n := 0
	for _, k := range v.Kids {
		n += (k.Type.FixedBytes() + 1) * (to - from)
		if p := k.Type.Phys(); p != PhysStr && p != PhysNested {
			continue
		}
		for e := from; e < to; e++ {
			n += k.MoreBytes(e)
		}
	}
	return n
}
