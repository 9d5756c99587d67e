package sink

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/leatsql/leat/internal/catalog"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

var errCrash = errors.New("the process died here")

// dying is a disk that dies at its step number at, and takes nothing from then on. half lets the last write through in
// part.
type dying struct {
	disk disk
	at   int
	half bool
	n    int
}

func (d *dying) dead() bool {
	d.n++
	return d.at > 0 && d.n >= d.at
}

func (d *dying) open(name string, flag int) (file, error) {
	if d.dead() {
		return nil, errCrash
	}
	f, err := d.disk.open(name, flag)
	if err != nil {
		return nil, err
	}
	return &dyingFile{f, d}, nil
}

func (d *dying) rename(from, to string) error {
	if d.dead() {
		return errCrash
	}
	return d.disk.rename(from, to)
}

type dyingFile struct {
	file
	d *dying
}

func (f *dyingFile) Write(p []byte) (int, error) {
	if !f.d.dead() {
		return f.file.Write(p)
	}
	if f.d.half && f.d.n == f.d.at {
		n, _ := f.file.Write(p[:len(p)/2])
		return n, errCrash
	}
	return 0, errCrash
}

func (f *dyingFile) Sync() error {
	if f.d.dead() {
		return errCrash
	}
	return nil // the test does not cut the power
}

func (f *dyingFile) Truncate(n int64) error {
	if f.d.dead() {
		return errCrash
	}
	return f.file.Truncate(n)
}

func idObject() *plan.Object {
	return &plan.Object{
		Name: "o", Topic: "o", Partitions: 1,
		Columns: []plan.Column{{Name: "id", Type: vector.TBigInt}},
	}
}

// idBatch is a message of the log: rows are numbered through all messages.
func idBatch(o *plan.Object, seq uint64, rows int) *vector.Batch {
	v := &vector.Vector{Type: vector.TBigInt, Len: rows}
	for i := range rows {
		v.I64 = append(v.I64, (int64(seq)-1)*int64(rows)+int64(i))
	}
	return &vector.Batch{Schema: o.Schema(), Rows: rows, Cols: []*vector.Vector{v}, Time: make([]int64, rows), Seq: seq}
}

func fileDelivery(path string, props map[string]string) *delivery {
	return &delivery{
		s: &Service{log: hclog.NewNullLogger()}, object: idObject(), part: -1,
		sink: &catalog.Sink{Name: "s", ID: "s1", Target: "FILE", Address: path, Props: props},
	}
}

const (
	fileMessages = 7
	fileRows     = 5 // of a message
)

// deliverFile runs a delivery over a log of messages until it is done or dies. recorded is what the bucket holds; every
// second flush dies, so to speak, before it gets there.
func deliverFile(t *testing.T, path string, props map[string]string, d *dying, recorded *record) error {
	t.Helper()
	made, err := newFileTarget(fileDelivery(path, props))
	if err != nil {
		t.Fatal(err)
	}
	f, _ := made.(*fileTarget)
	d.disk, f.disk = f.disk, d
	defer func() { _ = f.close() }() // a process that died closes nothing that matters
	from, err := f.open(t.Context(), recorded)
	if err != nil {
		return err
	}
	r := *recorded
	for seq := max(1, recorded.Seq); seq <= fileMessages; seq++ {
		b := idBatch(f.d.object, seq, fileRows)
		for i := range b.Rows {
			if (Position{seq, i}).Less(from) {
				continue
			}
			if err := f.write(t.Context(), b, i, Position{seq, i + 1}); err != nil {
				return err
			}
		}
		r.Position = Position{Seq: seq + 1}
		if seq%2 == 0 {
			continue
		}
		if err := f.flush(t.Context(), &r); err != nil {
			return err
		}
		if seq%4 == 1 {
			*recorded = r
		}
	}
	return nil
}

// fileIDs reads the rotated files in order, then the current one.
func fileIDs(t *testing.T, dir, header string) (ids []string, sizes []int) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "f*"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names) // f-000001.csv, ..., f.csv
	for _, n := range names {
		text, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		if len(text) == 0 {
			lines = nil
		}
		if header != "" && len(lines) > 0 {
			if lines[0] != header {
				t.Errorf("%s begins with %q", filepath.Base(n), lines[0])
			}
			lines = lines[1:]
		}
		ids, sizes = append(ids, lines...), append(sizes, len(lines))
	}
	return ids, sizes
}

func TestFileDiesBetweenAnyTwoSteps(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, file, header string
		props              map[string]string
		rotated            int // rows of a complete file
	}{
		{"csv", "f.csv", "id", nil, 0},
		{"ndjson", "f.jsonl", "", nil, 0},
		{"rotated by rows", "f.csv", "id", map[string]string{"rotate_rows": "7"}, 7},
		{"rotated by rows, as messages end", "f.csv", "id", map[string]string{"rotate_rows": "5"}, 5},
		{"rotated by bytes", "f.jsonl", "", map[string]string{"rotate_bytes": "100"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var want []string
			for id := range fileMessages * fileRows {
				if c.header != "" {
					want = append(want, fmt.Sprint(id))
				} else {
					want = append(want, fmt.Sprintf(`{"id":%d}`, id))
				}
			}
			for at := 1; ; at += 1 + at/25 { // the steps of later rotations are those of the first
				for _, half := range []bool{false, true} {
					dir, recorded := t.TempDir(), record{}
					path := filepath.Join(dir, c.file)
					died := deliverFile(t, path, c.props, &dying{at: at, half: half}, &recorded)
					for k := 9; died != nil && k < 300; k += 17 { // it dies again and again on its way
						died = deliverFile(t, path, c.props, &dying{at: at%7 + k}, &recorded)
					}
					if died != nil {
						t.Fatalf("death at step %d: never done: %v", at, died)
					}
					got, sizes := fileIDs(t, dir, c.header)
					if !slices.Equal(got, want) {
						t.Fatalf("death at step %d: got %v", at, got)
					}
					if c.rotated > 0 && slices.ContainsFunc(sizes[:len(sizes)-1], func(n int) bool {
						return n != c.rotated
					}) {
						t.Fatalf("death at step %d: files of %v rows", at, sizes)
					}
				}
				clean := &dying{}
				if deliverFile(t, filepath.Join(t.TempDir(), c.file), c.props, clean, &record{}) != nil {
					t.Fatal("a run without a death fails")
				}
				if at > clean.n {
					return
				}
			}
		})
	}
}

func TestFileRefusesWhatIsNotItsOwn(t *testing.T) {
	t.Parallel()
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	whole := func(path string) record {
		r := record{}
		if err := deliverFile(t, path, nil, &dying{}, &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	for _, c := range []struct {
		name, words string
		prepare     func(path string) record
	}{
		{"a file of somebody", "is not this sink's", func(path string) record {
			write(path, "precious\n")
			return record{}
		}},
		{"a file that was cut", "somebody cut it", func(path string) record {
			r := whole(path)
			write(path, "id\n1\n")
			return r
		}},
		{"a file that was deleted", "was deleted or is an older copy", func(path string) record {
			r := whole(path)
			for _, n := range []string{path, filepath.Join(filepath.Dir(path), ".f.csv.position")} {
				if err := os.Remove(n); err != nil {
					t.Fatal(err)
				}
			}
			return r
		}},
		{"a file of an earlier sink of that name", "another sink", func(path string) record {
			whole(path)
			side := filepath.Join(filepath.Dir(path), ".f.csv.position")
			text, err := os.ReadFile(side)
			if err != nil {
				t.Fatal(err)
			}
			write(side, strings.ReplaceAll(string(text), "s@s1", "s@s0"))
			return record{}
		}},
	} {
		path := filepath.Join(t.TempDir(), "f.csv")
		r := c.prepare(path)
		before, _ := os.ReadFile(path)
		err := deliverFile(t, path, nil, &dying{}, &r)
		var f *fatalError
		if !errors.As(err, &f) || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v, want %q", c.name, err, c.words)
		}
		if after, _ := os.ReadFile(path); c.name != "a file that was deleted" && string(after) != string(before) {
			t.Errorf("%s: was changed", c.name)
		}
	}
}

// A file that another process has open is not written.
func TestFileIsLocked(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f.csv")
	open := func() (target, error) {
		f, err := newFileTarget(fileDelivery(path, nil))
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.open(context.Background(), &record{})
		return f, err
	}
	first, err := open()
	if err != nil {
		t.Fatal(err)
	}
	second, err := open()
	if err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("got %v", err)
	}
	if err := errors.Join(second.close(), first.close()); err != nil {
		t.Fatal(err)
	}
	if third, err := open(); err != nil || third.close() != nil {
		t.Errorf("after the first one let go: %v", err)
	}
}

// A full disk is waited out: what was written in part goes on where it stopped.
func TestFileGoesOnAfterAFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	made, err := newFileTarget(fileDelivery(filepath.Join(dir, "f.csv"), nil))
	if err != nil {
		t.Fatal(err)
	}
	f, _ := made.(*fileTarget)
	d := &dying{disk: f.disk}
	f.disk = d
	if _, err := f.open(t.Context(), &record{}); err != nil {
		t.Fatal(err)
	}
	b := idBatch(f.d.object, 1, 50)
	for i := range b.Rows {
		if err := f.write(t.Context(), b, i, Position{1, i + 1}); err != nil {
			t.Fatal(err)
		}
	}
	r := record{Position: Position{Seq: 2}}
	d.at, d.half = d.n+1, true
	if err := f.flush(t.Context(), &r); !errors.Is(err, errCrash) {
		t.Fatalf("got %v", err)
	}
	d.at = 0
	if err := errors.Join(f.flush(t.Context(), &r), f.close()); err != nil {
		t.Fatal(err)
	}
	if got, _ := fileIDs(t, dir, "id"); len(got) != 50 || got[49] != "49" {
		t.Errorf("got %v", got)
	}
}
