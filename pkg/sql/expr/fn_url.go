package expr

import (
	"bytes"
	"strconv"
)

func urlFuncs() []*Func {
	urlFunc := func(name, usage, doc string, over ...Overload) *Func {
		return &Func{Name: name, Category: "url", Usage: []string{usage}, Doc: doc, Overloads: over}
	}
	part := func(name, doc string, get func(u urlParts) ([]byte, bool), decode bool) *Func {
		return urlFunc(name, name+"(url)", doc, on("STRING -> STRING",
			rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
				u, valid := splitURL(f.text(0, i))
				s, ok := get(u)
				if !ok || !valid {
					return dst, errNull
				}
				if decode {
					return appendUnescaped(dst, s, false)
				}
				return append(dst, s...), nil
			})))
	}
	return []*Func{
		part("URL_EXTRACT_PROTOCOL", "Returns the protocol of a URL; NULL when it has none.",
			func(u urlParts) ([]byte, bool) { return u.scheme, u.scheme != nil }, false),
		part("URL_EXTRACT_HOST", "Returns the host of a URL; NULL when it has none.",
			func(u urlParts) ([]byte, bool) { return u.host, u.host != nil }, false),
		part("URL_EXTRACT_PATH", "Returns the path of a URL, which may be empty.",
			func(u urlParts) ([]byte, bool) { return u.path, true }, true),
		part("URL_EXTRACT_QUERY", "Returns the query of a URL; NULL when it has none.",
			func(u urlParts) ([]byte, bool) { return u.query, u.query != nil }, true),
		part("URL_EXTRACT_FRAGMENT", "Returns the fragment of a URL; NULL when it has none.",
			func(u urlParts) ([]byte, bool) { return u.fragment, u.fragment != nil }, true),
		urlFunc("URL_EXTRACT_PORT", "URL_EXTRACT_PORT(url)", "Returns the port of a URL; NULL when it has none.",
			on("STRING -> INT", urlPort)),
		urlFunc("URL_EXTRACT_PARAMETER", "URL_EXTRACT_PARAMETER(url, name)", "Returns the value of a parameter in the "+
			"query of a URL; NULL when it is not there.", on("STRING, STRING -> STRING", urlParameter)),
		urlFunc("URL_ENCODE_PARAM", "URL_ENCODE_PARAM(s)", "Escapes a text for the query of a URL.",
			on("STRING -> STRING", urlEncode)),
		urlFunc("URL_DECODE_PARAM", "URL_DECODE_PARAM(s)", "Undoes the escapes of a text from the query of a URL.",
			on("STRING -> STRING", urlDecode)),
	}
}

// urlParts is a URL taken apart; what is not there is nil.
type urlParts struct{ scheme, host, port, path, query, fragment []byte }

// splitURL finds nothing in what is no URI: one with white space, quotes, braces or a % without two digits.
func splitURL(s []byte) (u urlParts, ok bool) {
	if !validURI(s) {
		return u, false
	}
	if i := bytes.IndexByte(s, '#'); i >= 0 {
		s, u.fragment = s[:i], s[i+1:]
	}
	if i := bytes.IndexByte(s, '?'); i >= 0 {
		s, u.query = s[:i], s[i+1:]
	}
	if i := bytes.IndexByte(s, ':'); i > 0 && isScheme(s[:i]) {
		s, u.scheme = s[i+1:], s[:i]
	}
	if bytes.HasPrefix(s, []byte("//")) {
		s = s[2:]
		end := bytes.IndexByte(s, '/')
		if end < 0 {
			end = len(s)
		}
		u.setHost(s[:end])
		s = s[end:]
	}
	u.path = s
	return u, !bytes.ContainsAny(s, "[]")
}

func validURI(s []byte) bool {
	for i, c := range s {
		switch {
		case c <= ' ' || c == 0x7f || bytes.IndexByte([]byte(`"<>\^`+"`{|}"), c) >= 0:
			return false
		case c == '%' && (i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2])):
			return false
		}
	}
	return true
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f' }

func isScheme(s []byte) bool {
	for i, c := range s {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return true
}

// setHost takes user@host:port or user@[::1]:port apart.
func (u *urlParts) setHost(s []byte) {
	if i := bytes.LastIndexByte(s, '@'); i >= 0 {
		s = s[i+1:]
	}
	if i := bytes.LastIndexByte(s, ':'); i >= 0 && bytes.IndexByte(s[i:], ']') < 0 {
		s, u.port = s[:i], s[i+1:]
	}
	if len(s) > 0 {
		u.host = s
	}
}

var (
	urlPort = rowI64(func(f *Frame, i int) (int64, error) {
		u, ok := splitURL(f.text(0, i))
		if len(u.port) == 0 || !ok {
			return 0, errNull
		}
		n, err := strconv.ParseUint(string(u.port), 10, 16)
		if err != nil {
			return 0, errNull
		}
		return int64(n), nil
	})
	urlParameter = rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
		u, ok := splitURL(f.text(0, i))
		if !ok {
			return dst, errNull
		}
		query, name, at := u.query, f.text(1, i), len(dst)
		for len(query) > 0 {
			pair, rest, _ := bytes.Cut(query, []byte("&"))
			key, value, has := bytes.Cut(pair, []byte("="))
			query = rest
			out, err := appendUnescaped(dst, key, true)
			if err != nil || !bytes.Equal(out[at:], name) {
				continue
			}
			if !has {
				return dst, errNull
			}
			return appendUnescaped(out[:at], value, true)
		}
		return dst, errNull
	})
	urlEncode = rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
		for _, c := range f.text(0, i) {
			switch {
			case c|0x20 >= 'a' && c|0x20 <= 'z', c >= '0' && c <= '9', c == '-', c == '_', c == '.', c == '*':
				dst = append(dst, c)
			case c == ' ':
				dst = append(dst, '+')
			default:
				dst = append(dst, '%', "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15])
			}
		}
		return dst, nil
	})
	urlDecode = rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
		return appendUnescaped(dst, f.text(0, i), true)
	})
)

// appendUnescaped undoes %XX, and + when it stands for a space.
func appendUnescaped(dst, s []byte, plus bool) ([]byte, error) {
	at := len(dst)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+' && plus:
			dst = append(dst, ' ')
		case c == '%':
			if i+2 >= len(s) {
				return dst[:at], fail(CodeBadValue, "a % without two digits in a URL")
			}
			v, err := strconv.ParseUint(string(s[i+1:i+3]), 16, 8)
			if err != nil {
				return dst[:at], fail(CodeBadValue, "a % without two digits in a URL")
			}
			dst = append(dst, byte(v))
			i += 2
		default:
			dst = append(dst, c)
		}
	}
	return dst, nil
}
