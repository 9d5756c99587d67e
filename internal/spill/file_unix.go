//go:build unix

package spill

import (
	"errors"
	"os"
	"syscall"
)

// mapFile maps a new file of n bytes that has no name.
func mapFile(dir string, n int) ([]byte, error) {
	f, err := nameless(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close() // the mapping holds the file
	if err := reserve(f, n); err != nil {
		return nil, err
	}
	return syscall.Mmap(int(f.Fd()), 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
}

// unlinked makes a file and takes its name away at once.
func unlinked(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "leat-state-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func unmap(region []byte) { _ = syscall.Munmap(region) } // it fails only for what is no region

// zeros fills a file whose system cannot reserve blocks.
func zeros(f *os.File, n int) error {
	const piece = 1 << 20
	buf := make([]byte, min(n, piece))
	for n > 0 {
		k := min(n, piece)
		if _, err := f.Write(buf[:k]); err != nil {
			return err
		}
		n -= k
	}
	return nil
}
