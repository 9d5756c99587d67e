package spill

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/leatsql/leat/pkg/sql/arena"
)

// names lists what has a name in a folder.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestMapIsZeroAndHasNoName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := NewFiles(dir)
	for _, n := range []int{1, 4096, 1<<20 + 1} {
		a, err := f.Map(n)
		if err != nil {
			t.Fatal(err)
		}
		if len(a) < n || len(a)%os.Getpagesize() != 0 || bytes.ContainsFunc(a, func(r rune) bool { return r != 0 }) {
			t.Errorf("%d bytes: a region of %d, or one that is not zero", n, len(a))
		}
		for i := range a {
			a[i] = byte(i)
		}
		if left := names(t, dir); len(left) > 0 {
			t.Errorf("files with names: %v", left)
		}
		f.Unmap(a)
	}
}

const killedIn = "LEAT_TEST_SPILL_KILLED"

// TestKillLeavesNothing kills a process that has state in files: the folder is empty afterwards.
func TestKillLeavesNothing(t *testing.T) {
	if dir := os.Getenv(killedIn); dir != "" {
		if _, err := NewFiles(dir).Map(1 << 20); err != nil {
			t.Fatal(err)
		}
		p, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = p.Kill()
		}
		t.Fatal("still alive", err)
	}
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKillLeavesNothing$")
	cmd.Env = append(os.Environ(), killedIn+"="+dir)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != -1 {
		t.Fatalf("the child was not killed: %v\n%s", err, out)
	}
	if left := names(t, dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestNoFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "none")
	_, err := NewFiles(dir).Map(10)
	var full *FullError
	if !errors.As(err, &full) || full.Dir != dir || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

// fillSpace grows a slice by n numbers and gives it back.
func fillSpace(s *arena.Space, n int) []uint64 {
	var a []uint64
	for i := range n {
		a = arena.Append(s, a, uint64(i))
	}
	return a
}

func checkNumbers(t *testing.T, a []uint64, n int) {
	t.Helper()
	if len(a) != n {
		t.Fatalf("%d numbers, want %d", len(a), n)
	}
	for i, v := range a {
		if v != uint64(i) {
			t.Fatalf("number %d is %d", i, v)
		}
	}
}

func TestSpaceInFiles(t *testing.T) {
	t.Parallel()
	b := NewBudget(1<<20, t.TempDir())
	s := b.Space()
	a := fillSpace(s, 1<<18)
	checkNumbers(t, a, 1<<18)
	memory, stored := b.Used()
	if memory > 1<<20 || stored < 2<<20 || s.Err() != nil {
		t.Errorf("%d bytes in memory, %d in files, error %v", memory, stored, s.Err())
	}
	s.Collect()
	checkNumbers(t, a, 1<<18)
	arena.Free(s, a)
	s.Close()
	if memory, stored = b.Used(); memory != 0 || stored != 0 {
		t.Errorf("after Close %d bytes in memory, %d in files", memory, stored)
	}
}

func TestMachineMemory(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"nothing", nil, 0},
		{"machine", map[string]string{"/proc/meminfo": "MemTotal:  1024 kB\nMemFree: 3 kB\n"}, 1 << 20},
		{"group", map[string]string{
			"/proc/meminfo": "MemTotal:  1024 kB\n", "/proc/self/cgroup": "0::/a/b\n",
			"/sys/fs/cgroup/a/memory.max": "5000\n", "/sys/fs/cgroup/a/b/memory.max": "max\n",
		}, 5000},
		{"container", map[string]string{
			"/proc/meminfo": "MemTotal:  1024 kB\n", "/proc/self/cgroup": "0::/\n",
			"/sys/fs/cgroup/memory.max": "4000\n",
		}, 4000},
		{"version 1", map[string]string{
			"/proc/self/cgroup": "5:cpu:/x\n4:memory:/x\n", "/sys/fs/cgroup/memory/x/memory.limit_in_bytes": "300\n",
		}, 300},
	} {
		got := machineMemory(func(name string) ([]byte, error) {
			text, ok := c.files[name]
			if !ok {
				return nil, fs.ErrNotExist
			}
			return []byte(text), nil
		})
		if got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
