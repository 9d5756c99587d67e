package spill

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestFullDisk fills a small file system: the error names it, and what the state holds is whole.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a small file system")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	b := NewBudget(64<<10, dir)
	s := b.Space()
	defer s.Close()
	a := fillSpace(s, 1<<18)
	checkNumbers(t, a, 1<<18)
	var full *FullError
	if err := s.Err(); !errors.As(err, &full) || !errors.Is(err, syscall.ENOSPC) ||
		!strings.Contains(err.Error(), dir) {
		t.Errorf("error %v", err)
	}
}
