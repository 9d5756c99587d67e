package format

import (
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"
)

// EscapeKey makes a value a token of a subject: letters, digits, - and _ stay, everything else becomes = and hex. An
// empty value is =.
func EscapeKey(s string) string {
	if s == "" {
		return "="
	}
	var sb strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
			sb.WriteByte(c)
		} else {
			fmt.Fprintf(&sb, "=%02X", c)
		}
	}
	return sb.String()
}

// UnescapeKey takes back what EscapeKey did. A text that EscapeKey does not make is somebody else's: it stays as it is.
func UnescapeKey(s string) string {
	if s == "=" {
		return ""
	}
	if !strings.Contains(s, "=") {
		return s
	}
	var out []byte
	for i := 0; i < len(s); i++ {
		if s[i] != '=' {
			out = append(out, s[i])
			continue
		}
		if i+3 > len(s) {
			return s
		}
		b, err := hex.DecodeString(s[i+1 : i+3])
		if err != nil {
			return s
		}
		out = append(out, b[0])
		i += 2
	}
	if v := string(out); utf8.ValidString(v) && EscapeKey(v) == s {
		return v
	}
	return s
}

// SplitKey returns the values of a key of n columns, as sinks write it: escaped, with dots between. A key of one column
// is taken whole, dots of somebody else's included; nil where the parts are not n.
func SplitKey(key string, n int) []string {
	if n == 1 {
		return []string{UnescapeKey(key)}
	}
	parts := strings.Split(key, ".")
	if len(parts) != n {
		return nil
	}
	for i, p := range parts {
		parts[i] = UnescapeKey(p)
	}
	return parts
}
