//go:build unix && !linux

package spill

import "os"

func nameless(dir string) (*os.File, error) { return unlinked(dir) }

// reserve gives a file n bytes of blocks.
func reserve(f *os.File, n int) error { return zeros(f, n) }
