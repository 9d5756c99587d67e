package expr

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"unicode/utf8"
)

func bytesFuncs() []*Func {
	bytesFunc := func(name, usage, doc string, over ...Overload) *Func {
		return &Func{Name: name, Category: "bytes", Usage: []string{usage}, Doc: doc, Overloads: over}
	}
	number := func(name, out string, size int, k Kernel) *Func {
		return bytesFunc(name, name+"(b[, 'BIG_ENDIAN'|'LITTLE_ENDIAN'])",
			fmt.Sprintf("Reads %d bytes as a number, the most significant first unless said otherwise.", size),
			on("BYTES[, STRING] -> "+out, k))
	}
	return []*Func{
		bytesFunc("TO_BYTES", "TO_BYTES(s, 'hex'|'utf8'|'ascii'|'base64')", "Decodes a text to BYTES.",
			on("STRING, STRING -> BYTES", toBytes)),
		bytesFunc("FROM_BYTES", "FROM_BYTES(b, 'hex'|'utf8'|'ascii'|'base64')", "Encodes BYTES as a text.",
			on("BYTES, STRING -> STRING", fromBytes)),
		bytesFunc("ENCODE", "ENCODE(s, from, to)", "Converts a text between the encodings hex, utf8, ascii and base64.",
			on("STRING, STRING, STRING -> STRING", encodeKernel)),
		number("INT_FROM_BYTES", "INT", 4, rowI64(func(f *Frame, i int) (int64, error) {
			v, err := f.number(i, 4)
			return int64(int32(v)), err
		})),
		number("BIGINT_FROM_BYTES", "BIGINT", 8, rowI64(func(f *Frame, i int) (int64, error) {
			v, err := f.number(i, 8)
			return int64(v), err
		})),
		number("DOUBLE_FROM_BYTES", "DOUBLE", 8, rowF64(func(f *Frame, i int) (float64, error) {
			v, err := f.number(i, 8)
			return math.Float64frombits(v), err
		})),
	}
}

// number reads size bytes of row i of argument 0 in the order that argument 1 says.
func (f *Frame) number(i, size int) (uint64, error) {
	b := f.text(0, i)
	if len(b) != size {
		return 0, fail(CodeBadArgument, fmt.Sprintf("%d bytes; the number has %d", len(b), size))
	}
	var order binary.ByteOrder = binary.BigEndian
	if len(f.Args) > 1 {
		switch name := string(bytes.ToUpper(f.text(1, i))); name {
		case "BIG_ENDIAN":
		case "LITTLE_ENDIAN":
			order = binary.LittleEndian
		default:
			return 0, fail(CodeBadArgument, fmt.Sprintf("no byte order %q; there are BIG_ENDIAN and LITTLE_ENDIAN",
				name))
		}
	}
	if size == 4 {
		return uint64(order.Uint32(b)), nil
	}
	return order.Uint64(b), nil
}

// appendValidText appends s, which must be UTF-8.
func appendValidText(dst, s []byte) ([]byte, error) {
	if !utf8.Valid(s) {
		return dst, fail(CodeBadValue, "the bytes are no UTF-8 text")
	}
	return append(dst, s...), nil
}

// textCoding decodes a text to bytes and encodes bytes as a text.
type textCoding struct {
	decode, encode func(dst, s []byte) ([]byte, error)
}

var textCodings = map[string]textCoding{
	"HEX":   {decodeHex, func(dst, s []byte) ([]byte, error) { return hex.AppendEncode(dst, s), nil }},
	"UTF8":  {appendAny, appendValidOrMark},
	"ASCII": {encodeASCII, decodeASCII},
	"BASE64": {decodeBase64, func(dst, s []byte) ([]byte, error) {
		return base64.StdEncoding.AppendEncode(dst, s),
			nil
	}},
}

func appendAny(dst, s []byte) ([]byte, error) { return append(dst, s...), nil }

// appendValidOrMark puts U+FFFD for what is no UTF-8.
func appendValidOrMark(dst, s []byte) ([]byte, error) {
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		dst, s = utf8.AppendRune(dst, r), s[n:]
	}
	return dst, nil
}

// encodeASCII puts a question mark for every character that is not ASCII.
func encodeASCII(dst, s []byte) ([]byte, error) {
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		if r >= utf8.RuneSelf {
			r = '?'
		}
		dst, s = append(dst, byte(r)), s[n:]
	}
	return dst, nil
}

// decodeASCII puts U+FFFD for every byte that is not ASCII.
func decodeASCII(dst, s []byte) ([]byte, error) {
	for _, c := range s {
		if c < utf8.RuneSelf {
			dst = append(dst, c)
		} else {
			dst = utf8.AppendRune(dst, utf8.RuneError)
		}
	}
	return dst, nil
}

// decodeHex reads hex digits, also 0x..., X'...' and x'...'.
func decodeHex(dst, s []byte) ([]byte, error) {
	text := s
	switch {
	case bytes.HasPrefix(s, []byte("0x")):
		s = s[2:]
		if len(s)%2 == 1 {
			var one [2]byte
			one[0], one[1] = '0', s[0]
			out, err := hex.AppendDecode(dst, one[:])
			if err != nil {
				return dst, badHex(text)
			}
			dst, s = out, s[1:]
		}
	case len(s) > 2 && s[0]|0x20 == 'x' && s[1] == '\'' && s[len(s)-1] == '\'':
		s = s[2 : len(s)-1]
	}
	out, err := hex.AppendDecode(dst, s)
	if err != nil {
		return dst, badHex(text)
	}
	return out, nil
}

func badHex(s []byte) error {
	return fail(CodeBadValue, fmt.Sprintf("%q is no text of hexadecimal digits", clip(s)))
}

// decodeBase64 takes a text whose padding is left out, too.
func decodeBase64(dst, s []byte) ([]byte, error) {
	coding := base64.StdEncoding
	if len(s)%4 != 0 {
		coding = base64.RawStdEncoding
	}
	out, err := coding.AppendDecode(dst, s)
	if err != nil {
		return dst, fail(CodeBadValue, fmt.Sprintf("%q is no base64 text", clip(s)))
	}
	return out, nil
}

// coding finds a coding by name, without regard to case.
func coding(name []byte) (textCoding, error) {
	var buf [8]byte
	if len(name) <= len(buf) {
		if c, ok := textCodings[string(appendUpper(buf[:0], name))]; ok {
			return c, nil
		}
	}
	return textCoding{}, fail(CodeBadArgument, fmt.Sprintf("no encoding %q; there are hex, utf8, ascii and base64",
		clip(name)))
}

var (
	toBytes = rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
		c, err := coding(f.text(1, i))
		if err != nil {
			return dst, err
		}
		return c.decode(dst, f.text(0, i))
	})
	fromBytes = rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
		c, err := coding(f.text(1, i))
		if err != nil {
			return dst, err
		}
		return c.encode(dst, f.text(0, i))
	})
	encodeKernel = rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
		from, err := coding(f.text(1, i))
		if err != nil {
			return dst, err
		}
		to, err := coding(f.text(2, i))
		if err != nil {
			return dst, err
		}
		raw, _ := f.State.([]byte)
		if raw, err = from.decode(raw[:0], f.text(0, i)); err != nil {
			return dst, err
		}
		f.State = raw
		return to.encode(dst, raw)
	})
)
