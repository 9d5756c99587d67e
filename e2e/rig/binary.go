package rig

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// EnvBinary names a binary that is built already; without it the tests build one.
const EnvBinary = "LEAT_BIN"

var binary = sync.OnceValues(build)

// Root is the folder of the repository.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}

// Binary returns the path of the binary under test.
func Binary(tb testing.TB) string {
	tb.Helper()
	path, err := binary()
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

func build() (string, error) {
	if path := os.Getenv(EnvBinary); path != "" { //nolint:forbidigo // for the tests this package is main
		return filepath.Abs(path)
	}
	dir, err := os.MkdirTemp("", "leat-bin-")
	if err != nil {
		return "", fmt.Errorf("make a folder for the binary: %w", err)
	}
	built = dir
	path := filepath.Join(dir, "leat")
	cmd := exec.CommandContext(context.Background(), "go", "build", "-trimpath", "-o", path, "./cmd/leat")
	cmd.Dir, cmd.Env = Root(), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build leat: %w\n%s", err, out)
	}
	return path, nil
}

// built is the folder of a binary that build has made.
var built string

// Main runs the tests of a package and removes the binary that was built for them.
func Main(m *testing.M) {
	code := m.Run()
	if built != "" {
		_ = os.RemoveAll(built) // a folder under the system's temporary one
	}
	os.Exit(code) //nolint:forbidigo // for the tests this package is main
}

// Shared returns a folder of hand-outs beside the repository, and skips the test where it is absent.
func Shared(tb testing.TB, elem ...string) string {
	tb.Helper()
	path := filepath.Join(append([]string{Root(), "..", "shared"}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		tb.Skipf("SKIPPED: %s is absent", filepath.Join(append([]string{"..", "shared"}, elem...)...))
	}
	return path
}
