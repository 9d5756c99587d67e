//go:build !unix

package bench

import (
	"os"
	"time"
)

// ownCPU is not known here: results have no CPU time of limits.
func ownCPU() time.Duration { return 0 }

func peakRSS(*os.ProcessState) int64 { return 0 }
