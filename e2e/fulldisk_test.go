//go:build e2e && linux

package e2e

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/leatsql/leat/e2e/rig"
)

// TestFileOnAFullDisk fills the file system of a file sink: the sink waits and says why, and once there is room every
// row is in the file once.
func TestFileOnAFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("SKIPPED: a small file system cannot be mounted: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) }) // the test's folder goes with it
	d := rig.NewDev(t)
	d.Start()
	d.SQL(`CREATE STREAM s (id BIGINT, pad STRING) WITH (subject = 's.>', partitions = 1);
		CREATE SINK f FROM s TO FILE '` + dir + `/s.jsonl';`)
	p := newPublisher(t, d.NATS)
	const n = 3000
	for id := range n {
		row := fmt.Appendf(nil, `{"id":%d,"pad":%q}`, id, strings.Repeat("x", pressRow/8))
		if err := p.send(t.Context(), "s.a", fmt.Sprint("id-", id), row); err != nil {
			t.Fatal(err)
		}
	}
	rig.Until(t, drainWithin, "the sink says that the disk is full", func() (bool, string) {
		s, err := rig.ReadStatus(t.Context(), d.HTTP)
		if err != nil || len(s.Sinks) != 1 {
			return false, fmt.Sprint(err)
		}
		return strings.Contains(s.Sinks[0].Reason, "no space left"), s.Sinks[0].State + " " + s.Sinks[0].Reason
	})
	d.Kill() // a kill in this state loses nothing either
	d.Start()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=64m"); err != nil {
		t.Fatal(err)
	}
	want := map[int64]bool{}
	for id := range int64(n) {
		want[id] = true
	}
	var rows []map[string]any
	rig.Until(t, drainWithin, "all rows are in the file", func() (bool, string) {
		text, err := os.ReadFile(dir + "/s.jsonl")
		if lines := strings.Count(string(text), "\n"); err != nil || lines < n {
			return false, fmt.Sprint(lines, " lines ", err)
		}
		rows = rig.Decode(t, string(text))
		return true, ""
	})
	once(t, "the file", ids(rows), want)
}
