package spill

import (
	"errors"
	"os"
	"syscall"
)

// tmpFile asks for a file that never has a name.
const tmpFile = 0x400000 | syscall.O_DIRECTORY

// nameless makes a file without a name in a folder; file systems that know none get one that is unlinked.
func nameless(dir string) (*os.File, error) {
	f, err := os.OpenFile(dir, os.O_RDWR|tmpFile, 0o600)
	if err == nil {
		return f, nil
	}
	return unlinked(dir)
}

// reserve gives a file n bytes of blocks.
func reserve(f *os.File, n int) error {
	for {
		err := syscall.Fallocate(int(f.Fd()), 0, 0, int64(n))
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EOPNOTSUPP), errors.Is(err, syscall.ENOSYS):
			return zeros(f, n)
		default:
			return err
		}
	}
}
