package expr

import "unicode/utf8"

// appendValidText appends s, which must be UTF-8.
func appendValidText(dst, s []byte) ([]byte, error) {
	if !utf8.Valid(s) {
		return dst, fail(CodeBadValue, "the bytes are no UTF-8 text")
	}
	return append(dst, s...), nil
}
