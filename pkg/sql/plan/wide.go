package plan

import (
	"math/bits"
	"slices"
)

func mulWide(a, b uint64) (hi, lo uint64) { return bits.Mul64(a, b) }

func sortStrings(s []string) { slices.Sort(s) }
