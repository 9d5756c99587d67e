//go:build unix

package sink

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// tryLock takes an exclusive lock on f, which ends with the process.
func tryLock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errors.New("another process or sink writes the file")
	}
	if err != nil {
		return fmt.Errorf("lock it: %w", err)
	}
	return nil
}
