// Package wasmtest makes small WebAssembly modules for tests, without a compiler.
package wasmtest

// Value types and the kinds of exports.
const (
	i32, i64, f64      = 0x7F, 0x7E, 0x7C
	kindFunc, kindMemo = 0, 2
)

// function is one exported function: parameter and result types, locals, body without the final end.
type function struct {
	name            string
	params, results []byte
	locals          []byte // runs: count, type
	runs            int
	body            []byte
}

// functions are what Module exports.
var functions = []function{
	{name: "add", params: []byte{i64, i64}, results: []byte{i64}, body: []byte{0x20, 0, 0x20, 1, 0x7C}},
	{name: "div", params: []byte{i64, i64}, results: []byte{i64}, body: []byte{0x20, 0, 0x20, 1, 0x7F}},
	{name: "half", params: []byte{f64}, results: []byte{f64}, body: []byte{
		0x20, 0, 0x44, 0, 0, 0, 0, 0, 0, 0x00, 0x40, 0xA3, // / 2.0
	}},
	{name: "neg", params: []byte{i32}, results: []byte{i32}, body: []byte{0x41, 0, 0x20, 0, 0x6B}},
	{name: "spin", results: []byte{i64}, body: []byte{0x03, 0x40, 0x0C, 0, 0x0B, 0x42, 0}}, // loop; br 0; end
	{name: "wild", results: []byte{i64}, body: append([]byte{0x42}, sleb(0x7FFFFFFF<<32|100)...)},
	// global 0 is where alloc goes on; it counts, too.
	{name: "count", results: []byte{i64}, body: []byte{
		0x41, 0, 0x41, 0, 0x28, 2, 0, 0x41, 1, 0x6A, 0x36, 2, 0, // mem[0] = mem[0] + 1
		0x41, 0, 0x35, 2, 0, // i64.load32_u mem[0]
	}},
	{name: "alloc", params: []byte{i32}, results: []byte{i32}, body: []byte{
		0x23, 0, 0x23, 0, 0x20, 0, 0x6A, 0x24, 0, // old = g; g = g + n; old
	}},
	// shout turns a to z into capitals, in place.
	{name: "shout", params: []byte{i32, i32}, results: []byte{i64}, locals: []byte{2, i32}, runs: 1, body: []byte{
		0x02, 0x40, 0x03, 0x40, // block loop
		0x20, 2, 0x20, 1, 0x4F, 0x0D, 1, // i >= len: br 1
		0x20, 0, 0x20, 2, 0x6A, 0x2D, 0, 0, 0x21, 3, // c = mem[p+i]
		0x20, 3, 0x41, 0x9F, 0x7F, 0x6A, 0x41, 26, 0x49, 0x04, 0x40, // if c-97 < 26 (unsigned)
		0x20, 0, 0x20, 2, 0x6A, 0x20, 3, 0x41, 32, 0x6B, 0x3A, 0, 0, 0x0B, // mem[p+i] = c-32
		0x20, 2, 0x41, 1, 0x6A, 0x21, 2, 0x0C, 0, 0x0B, 0x0B, // i++; br 0
		0x20, 0, 0xAD, 0x42, 32, 0x86, 0x20, 1, 0xAD, 0x84, // p << 32 | len
	}},
}

// Module exports add, div(i64, i64), half(f64), neg(i32), count(), spin(), wild(), shout(text) and alloc.
func Module() []byte {
	out := []byte("\x00asm\x01\x00\x00\x00")
	var types, funcs, exports, code []byte
	for i, f := range functions {
		types = append(append(types, 0x60, byte(len(f.params))), f.params...)
		types = append(append(types, byte(len(f.results))), f.results...)
		funcs = append(funcs, byte(i))
		exports = append(append(append(append(exports, byte(len(f.name))), f.name...), kindFunc), byte(i))
		body := append(append([]byte{byte(f.runs)}, f.locals...), f.body...)
		body = append(body, 0x0B)
		code = append(append(code, uleb(len(body))...), body...)
	}
	n := byte(len(functions))
	out = section(out, 1, append([]byte{n}, types...))
	out = section(out, 3, append([]byte{n}, funcs...))
	out = section(out, 5, []byte{1, 0, 2})                                            // a memory of 2 pages
	out = section(out, 6, append(append([]byte{1, i32, 1, 0x41}, sleb(64)...), 0x0B)) // a global, 64
	exports = append(append(append(exports, 6), "memory"...), kindMemo, 0)
	out = section(out, 7, append([]byte{n + 1}, exports...))
	return section(out, 10, append([]byte{n}, code...))
}

// Importing is a module that imports env.clock.
func Importing() []byte {
	out := []byte("\x00asm\x01\x00\x00\x00")
	out = section(out, 1, []byte{1, 0x60, 0, 1, i64})
	return section(out, 2, append(append(append([]byte{1, 3}, "env"...), append([]byte{5}, "clock"...)...), 0, 0))
}

func section(dst []byte, id byte, body []byte) []byte {
	return append(append(append(dst, id), uleb(len(body))...), body...)
}

func uleb(n int) []byte {
	var out []byte
	for {
		b := byte(n & 0x7F)
		if n >>= 7; n == 0 {
			return append(out, b)
		}
		out = append(out, b|0x80)
	}
}

func sleb(n int64) []byte {
	var out []byte
	for {
		b := byte(n & 0x7F)
		n >>= 7
		if n == 0 && b&0x40 == 0 || n == -1 && b&0x40 != 0 {
			return append(out, b)
		}
		out = append(out, b|0x80)
	}
}
