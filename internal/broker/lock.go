package broker

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/leatsql/leat/internal/errcode"
)

// lockFile stands in the data folder. It is never removed: a lock on a file that another process unlinks is no lock.
const lockFile = "leat.lock"

// errLocked is what tryLock answers when another process holds the lock.
var errLocked = errors.New("locked by another process")

// How often and how long to wait for a lock that is held.
const (
	lockTries = 10
	lockPause = 150 * time.Millisecond
)

// lock takes the data folder for this process, or says who holds it. The lock ends with the process, however it ends.
func lock(dir string) (*os.File, error) {
	path := filepath.Join(dir, lockFile)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, errcode.New(errcode.StoreBad, "open the lock of the data folder: %w", err)
	}
	err = tryLock(f)
	for range lockTries { // a process that was just killed may still be on its way out
		if !errors.Is(err, errLocked) {
			break
		}
		time.Sleep(lockPause)
		err = tryLock(f)
	}
	if err != nil {
		holder := readHolder(f)
		_ = f.Close()
		if errors.Is(err, errLocked) {
			return nil, errcode.New(errcode.DataInUse, "data folder %s is in use by process %s: %w", dir, holder, err).
				WithHint("stop that process, or choose another folder with --data")
		}
		return nil, errcode.New(errcode.StoreBad, "lock %s: %w", path, err)
	}
	if err := writeHolder(f); err != nil {
		_ = f.Close()
		return nil, errcode.New(errcode.StoreBad, "write %s: %w", path, err)
	}
	return f, nil
}

// readHolder returns the process id in the lock file, for the message only.
func readHolder(f *os.File) string {
	text, err := io.ReadAll(io.LimitReader(f, 32))
	if err != nil || len(text) == 0 {
		return "?"
	}
	return strings.TrimSpace(string(text))
}

func writeHolder(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	return err
}
