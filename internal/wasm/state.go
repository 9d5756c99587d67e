package wasm

import (
	"bytes"
	"errors"
)

// Sections of a module in which a call could leave something behind for the next one.
const (
	sectionTable  = 4
	sectionMemory = 5
	sectionGlobal = 6
)

var errModule = errors.New("this is no WebAssembly module (version 1)")

// keepsState reports whether a module has a table, a memory or a global that may be changed. It reads no more than the
// heads of the sections and the globals' types; everything else is the compiler's to judge.
func keepsState(code []byte) (bool, error) {
	if !bytes.HasPrefix(code, []byte("\x00asm\x01\x00\x00\x00")) {
		return false, errModule
	}
	rest := code[8:]
	for len(rest) > 0 {
		id := rest[0]
		size, n := uleb(rest[1:])
		if n == 0 || size > uint64(len(rest)-1-n) {
			return false, errModule
		}
		body := rest[1+n : 1+n+int(size)]
		rest = rest[1+n+int(size):]
		count, _ := uleb(body)
		// The initial value of a global may be long: that there is one is enough.
		if (id == sectionTable || id == sectionMemory || id == sectionGlobal) && count > 0 {
			return true, nil
		}
	}
	return false, nil
}

// uleb reads an unsigned LEB128 number of at most 32 bits and returns the number of its bytes, 0 if there is none.
func uleb(b []byte) (uint64, int) {
	v := uint64(0)
	for i := range min(len(b), 5) {
		v |= uint64(b[i]&0x7F) << (7 * i)
		if b[i] < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}
