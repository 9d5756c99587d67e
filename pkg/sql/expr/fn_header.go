package expr

import (
	"bytes"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// IsHeaders says that t is the type of a column of headers.
func IsHeaders(t vector.Type) bool {
	if t.Kind != vector.Array || t.Elem.Kind != vector.Struct {
		return false
	}
	f := t.Elem.Fields
	return len(f) == 2 && f[0].Type.Kind == vector.String && f[1].Type.Kind == vector.Bytes
}

// headerFuncs read the headers of a record. In SQL the column of headers is left out of their arguments: the planner
// puts it first.
func headerFuncs() []*Func {
	header := func(name, usage, doc, out string, args int, k Kernel) *Func {
		return &Func{
			Name: name, Category: "other", Usage: []string{usage}, Doc: doc, NullSafe: true,
			Resolve: func(ops []Operand) (*Match, error) {
				if len(ops) != args || !IsHeaders(ops[0].T) {
					return nil, &misfit{}
				}
				m := &Match{Out: vector.Type{Kind: kind(out)}, Args: []vector.Type{ops[0].T}, Kernel: k}
				if args > 1 {
					if k := ops[1].T.Kind; k != vector.String && k != vector.Null {
						return nil, &misfit{}
					}
					m.Args = append(m.Args, vector.TString)
				}
				return m, nil
			},
		}
	}
	set := &Func{
		Name: "SET_HEADER", Category: "other", Usage: []string{"SET_HEADER(key, value)"},
		Doc: "Returns the value as text, for a column; the headers of the record stay as they are.",
		Resolve: func(ops []Operand) (*Match, error) {
			if len(ops) != 2 || ops[0].T.Kind != vector.String || ops[1].T.Phys() == vector.PhysNested {
				return nil, &misfit{}
			}
			return &Match{
				Out: vector.TString, Args: []vector.Type{vector.TString, vector.TString}, Kernel: setHeader,
			}, nil
		},
	}
	return []*Func{
		header("HEADER", "HEADER(key)", "Returns the last header of a record that has the key, as text; NULL when "+
			"there is none. The source declares a column of HEADERS.", "STRING", 2, headerText),
		header("REMOVE_HEADER", "REMOVE_HEADER(key)", "The same as HEADER; the headers of the record stay as they are.",
			"STRING", 2, headerText),
		header("HAS_HEADER", "HAS_HEADER(key)", "Returns whether a record has a header with the key.", "BOOLEAN", 2,
			hasHeader),
		header("HEADER_KEYS", "HEADER_KEYS()", "Returns the keys of the headers of a record, with commas between them.",
			"STRING", 1, headerKeys),
		set,
	}
}

// lastHeader returns the last header of row i with the key that argument 1 is.
func (f *Frame) lastHeader(i int) (value []byte, null, ok bool) {
	if isNull(f.Args[0], i) || isNull(f.Args[1], i) {
		return nil, true, false
	}
	lo, hi := f.Args[0].Elements(i)
	pair := f.Args[0].Kids[0]
	for e := hi - 1; e >= lo; e-- {
		if !isNull(pair.Kids[0], e) && bytes.Equal(pair.Kids[0].Bytes(e), f.text(1, i)) {
			if isNull(pair.Kids[1], e) {
				return nil, true, true
			}
			return pair.Kids[1].Bytes(e), false, true
		}
	}
	return nil, true, false
}

var (
	headerText = rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
		v, null, _ := f.lastHeader(i)
		if null {
			return dst, errNull
		}
		return appendValidOrMark(dst, v)
	})
	hasHeader = rowBool(func(f *Frame, i int) (bool, error) {
		_, _, ok := f.lastHeader(i)
		return ok, nil
	})
	headerKeys = rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
		if isNull(f.Args[0], i) {
			return dst, nil
		}
		lo, hi := f.Args[0].Elements(i)
		for e := lo; e < hi; e++ {
			if e > lo {
				dst = append(dst, ',')
			}
			dst = append(dst, f.Args[0].Kids[0].Kids[0].Bytes(e)...)
		}
		return dst, nil
	})
	setHeader = rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) { return append(dst, f.text(1, i)...), nil })
)
