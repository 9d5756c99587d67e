package spill

import (
	"bytes"
	"math"
	"os"
	"path"
	"strconv"
	"strings"
)

// MachineMemory is the memory that this process may use: the machine's, or its control group's where that has less; 0:
// the system does not tell.
func MachineMemory() int64 { return machineMemory(os.ReadFile) }

const unlimited = int64(math.MaxInt64)

func machineMemory(read func(string) ([]byte, error)) int64 {
	least := unlimited
	for line := range bytes.Lines(contents(read, "/proc/meminfo")) {
		if f := strings.Fields(string(line)); len(f) > 1 && f[0] == "MemTotal:" {
			least = min(least, number(f[1], 1024))
		}
	}
	for line := range bytes.Lines(contents(read, "/proc/self/cgroup")) {
		f := strings.SplitN(strings.TrimSpace(string(line)), ":", 3)
		if len(f) != 3 {
			continue
		}
		for _, file := range limitFiles(f[1], f[2]) {
			least = min(least, number(strings.TrimSpace(string(contents(read, file))), 1))
		}
	}
	if least == unlimited {
		return 0
	}
	return least
}

// limitFiles lists where the limits of a control group and of those above it are written.
func limitFiles(controllers, group string) []string {
	root, name := "/sys/fs/cgroup", "memory.max"
	switch controllers {
	case "":
	case "memory":
		root, name = "/sys/fs/cgroup/memory", "memory.limit_in_bytes"
	default:
		return nil
	}
	files := []string{path.Join(root, name)} // in a container the group is mounted as the root
	for g := path.Clean("/" + group); g != "/"; g = path.Dir(g) {
		files = append(files, path.Join(root, g, name))
	}
	return files
}

// contents of a file; a file that is not there has none.
func contents(read func(string) ([]byte, error), name string) []byte {
	text, err := read(name)
	if err != nil {
		return nil
	}
	return text
}

// number reads a count of units; what is none ("max") is no limit.
func number(s string, unit int64) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 || n > unlimited/unit {
		return unlimited
	}
	return n * unit
}
