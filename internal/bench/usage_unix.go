//go:build unix

package bench

import (
	"os"
	"runtime"
	"syscall"
	"time"
)

// ownCPU returns the CPU time this process has taken.
func ownCPU() time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// peakRSS returns the largest memory of a process that has ended.
func peakRSS(s *os.ProcessState) int64 {
	r, ok := s.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return int64(r.Maxrss) //nolint:unconvert // int32 on some systems
	}
	return int64(r.Maxrss) << 10 //nolint:unconvert // int32 on some systems
}
