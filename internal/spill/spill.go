// Package spill keeps operator state that does not fit its memory in files that the process maps. The files have no
// name: the kernel frees them when the process ends, however it ends.
package spill

import (
	"fmt"
	"os"

	"github.com/leatsql/leat/pkg/sql/arena"
)

// Files is an arena.Store of mapped files in a folder.
type Files struct{ dir string }

var _ arena.Store = (*Files)(nil)

// NewFiles keeps the files in a folder; "" is the system's temporary one.
func NewFiles(dir string) *Files {
	if dir == "" {
		dir = os.TempDir()
	}
	return &Files{dir: dir}
}

// NewBudget is the budget of a process: limit bytes of memory, files in dir above it.
func NewBudget(limit int64, dir string) *arena.Budget {
	return arena.NewBudget(limit, arena.Least, NewFiles(dir))
}

// FullError is a folder that has no room for the state above the limit of memory.
type FullError struct {
	Dir   string
	Bytes int
	cause error
}

func (e *FullError) Error() string {
	return fmt.Sprintf("write %d bytes of state to a file in %s: %v; --state-memory keeps more of it in memory, "+
		"--state-dir names another folder", e.Bytes, e.Dir, e.cause)
}

// Unwrap is what the system said.
func (e *FullError) Unwrap() error { return e.cause }

// Map implements arena.Store: a file of n bytes, all of whose blocks are reserved, so that a full disk is an error here
// and never a fault where the memory is used.
func (f *Files) Map(n int) ([]byte, error) {
	page := os.Getpagesize()
	n = (n + page - 1) / page * page
	region, err := mapFile(f.dir, n)
	if err != nil {
		return nil, &FullError{Dir: f.dir, Bytes: n, cause: err}
	}
	return region, nil
}

// Unmap implements arena.Store.
func (f *Files) Unmap(region []byte) { unmap(region) }
