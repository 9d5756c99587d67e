package expr

import (
	"unicode"
	"unicode/utf8"
)

// maskSigns is what upper case letters, lower case letters, digits and the rest become; -1 keeps them.
type maskSigns [4]rune

var defaultMask = maskSigns{'X', 'x', 'n', '-'}

func (m *maskSigns) append(dst []byte, r rune) []byte {
	class := 3
	switch {
	case unicode.IsUpper(r) || unicode.IsTitle(r):
		class = 0
	case unicode.IsLower(r):
		class = 1
	case unicode.IsDigit(r):
		class = 2
	}
	if m[class] >= 0 {
		r = m[class]
	}
	return utf8.AppendRune(dst, r)
}

func maskFuncs() []*Func {
	signs := "[, upper, lower, digit, other]"
	mask := func(name, params, sig, doc string, part func(n, length int) (from, to int)) *Func {
		f := stringFunc(name, name+"(s"+params+signs+")", doc+" A letter or digit becomes X, x or n, anything else "+
			"'-', or "+
			"what the arguments say; NULL keeps it.", on(sig+"[, STRING[, STRING[, STRING[, STRING]]]] -> STRING",
			maskKernel(params != "", part)))
		f.NullSafe, f.firstStrict = true, true
		return f
	}
	return []*Func{
		mask("MASK", "", "STRING", "Hides the whole text.", func(_, length int) (int, int) { return 0, length }),
		mask("MASK_LEFT", ", n", "STRING, INT", "Hides the first n characters.",
			func(n, length int) (int, int) { return 0, min(n, length) }),
		mask("MASK_RIGHT", ", n", "STRING, INT", "Hides the last n characters.",
			func(n, length int) (int, int) { return max(length-n, 0), length }),
		mask("MASK_KEEP_LEFT", ", n", "STRING, INT", "Hides all but the first n characters.",
			func(n, length int) (int, int) { return min(n, length), length }),
		mask("MASK_KEEP_RIGHT", ", n", "STRING, INT", "Hides all but the last n characters.",
			func(n, length int) (int, int) { return 0, max(length-n, 0) }),
	}
}

func maskKernel(counted bool, part func(n, length int) (from, to int)) Kernel {
	return rowStr(func(f *Frame, i int, dst []byte) ([]byte, error) {
		s, n, at := f.text(0, i), 0, 1
		if counted {
			if isNull(f.Args[1], i) {
				return dst, errNull
			}
			if f.i64(1, i) < 0 {
				return dst, fail(CodeBadArgument, "a number of characters below zero")
			}
			n, at = int(min(f.i64(1, i), int64(len(s)))), 2
		}
		signs := defaultMask
		for k, a := range f.Args[at:] {
			if signs[k] = -1; !isNull(a, i) {
				signs[k], _ = utf8.DecodeRune(a.Bytes(i))
			}
		}
		from, to := part(n, utf8.RuneCount(s))
		for k := 0; len(s) > 0; k++ {
			r, w := utf8.DecodeRune(s)
			if k >= from && k < to {
				dst = signs.append(dst, r)
			} else {
				dst = append(dst, s[:w]...)
			}
			s = s[w:]
		}
		return dst, nil
	})
}
