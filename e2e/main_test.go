//go:build e2e

package e2e

import (
	"os"
	"strconv"
	"testing"

	"github.com/leatsql/leat/e2e/rig"
)

func TestMain(m *testing.M) { rig.Main(m) }

// envInt is a number from the environment.
func envInt(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s=%q is not a number", name, text)
	}
	return n
}
