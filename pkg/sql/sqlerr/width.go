package sqlerr

import (
	"fmt"
	"unicode"
)

// hidden reports whether a character is shown by its number: control and format characters, which could move the cursor
// or turn the direction of the text.
func hidden(r rune) bool {
	return unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029'
}

func hex(r rune) string {
	if r < 0x100 {
		return fmt.Sprintf(`\x%02x`, r)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// wide are the ranges that a terminal draws two columns wide.
var wide = []struct{ lo, hi rune }{
	{0x1100, 0x115f},
	{0x2e80, 0x303e},
	{0x3041, 0x4dbf},
	{0x4e00, 0x9fff},
	{0xa000, 0xa4cf},
	{0xac00, 0xd7a3},
	{0xf900, 0xfaff},
	{0xfe30, 0xfe6f},
	{0xff00, 0xff60},
	{0xffe0, 0xffe6},
	{0x1f300, 0x1f64f},
	{0x1f680, 0x1f6ff},
	{0x1f900, 0x1f9ff},
	{0x20000, 0x3fffd},
}

// runeWidth is the number of columns a terminal takes for a character.
func runeWidth(r rune) int {
	if r < wide[0].lo {
		if r >= 0x300 && unicode.In(r, unicode.Mn, unicode.Me) {
			return 0
		}
		return 1
	}
	for _, w := range wide {
		if w.lo <= r && r <= w.hi {
			return 2
		}
	}
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0
	}
	return 1
}
