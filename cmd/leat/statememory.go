package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/leatsql/leat/internal/errcode"
	"github.com/leatsql/leat/internal/spill"
	"github.com/leatsql/leat/pkg/sql/arena"
)

// stateFlags say where the state of queries lies.
type stateFlags struct {
	memory byteSize
	dir    string
}

func (f *stateFlags) add(fl *pflag.FlagSet, dir string) {
	fl.Var(&f.memory, "state-memory", "memory for the state of queries, such as 512MiB or none (no limit); above it "+
		"state lies in files that the system writes out when memory is short (default: half of the memory)")
	fl.StringVar(&f.dir, "state-dir", "", "folder for these files, which have no names and end with the process "+
		"(default: "+dir+")")
}

// budget is the memory of the state; nil: no limit. Without --state-dir the files lie in dir; "" is the temporary
// folder.
func (f *stateFlags) budget(dir string) (*arena.Budget, error) {
	limit := int64(f.memory)
	if limit == 0 {
		limit = spill.MachineMemory() / 2
	}
	if limit <= 0 {
		return nil, nil //nolint:nilnil // no budget is no limit
	}
	if f.dir != "" {
		dir = f.dir
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return nil, errcode.New(errcode.BadConfig, "--state-dir: %q is not a folder", dir)
		}
	}
	return spill.NewBudget(limit, dir), nil
}

// byteSize is a number of bytes; 0: the default, below: no limit.
type byteSize int64

const (
	noLimit   byteSize = -1
	leastSize byteSize = 1 << 20
)

// sizeUnits are the units of a size.
var sizeUnits = []struct {
	name  string
	bytes uint64
}{
	{"KiB", 1 << 10},
	{"MiB", 1 << 20},
	{"GiB", 1 << 30},
	{"TiB", 1 << 40},
	{"KB", 1e3},
	{"MB", 1e6},
	{"GB", 1e9},
	{"TB", 1e12},
	{"B", 1},
	{"", 1},
}

// String implements pflag.Value.
func (b *byteSize) String() string {
	switch {
	case *b == 0:
		return ""
	case *b < 0:
		return "none"
	default:
		return strconv.FormatInt(int64(*b), 10)
	}
}

// Type implements pflag.Value; it is what help shows.
func (b *byteSize) Type() string { return "SIZE" }

// Set implements pflag.Value.
func (b *byteSize) Set(s string) error {
	if strings.EqualFold(s, "none") {
		*b = noLimit
		return nil
	}
	digits := strings.TrimRight(s, "BKMGTiabkmgt ")
	n, err := strconv.ParseUint(digits, 10, 64)
	unit := strings.TrimSpace(s[len(digits):])
	for _, u := range sizeUnits {
		if err != nil || !strings.EqualFold(u.name, unit) {
			continue
		}
		if n > (1<<62)/u.bytes || byteSize(n*u.bytes) < leastSize {
			return fmt.Errorf("at least 1MiB, and below 4096 PiB")
		}
		*b = byteSize(n * u.bytes)
		return nil
	}
	return fmt.Errorf("a number with KiB, MiB, GiB, KB, MB or GB, or none")
}
