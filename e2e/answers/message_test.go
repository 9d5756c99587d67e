//go:build e2e

package answers

import (
	"fmt"
	"testing"
)

func TestMessage(t *testing.T) {
	t.Parallel()
	for _, partitions := range []int{1, 7} {
		t.Run(fmt.Sprint(partitions), func(t *testing.T) { run(t, "message", partitions) })
	}
}
