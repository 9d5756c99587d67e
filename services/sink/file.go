package sink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/leatsql/leat/internal/format"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// fileTarget writes NDJSON or CSV. Beside the file lies its position: after each flush of the data a small file is
// replaced by a rename, which names the position and the length that belongs to it. A start cuts the file to that
// length and writes the rows behind it again: they are the same, so a reader sees every row once. A lock that ends with
// its process keeps an owner that was replaced from writing on.
type fileTarget struct {
	d      *delivery
	disk   disk
	path   string
	rows   format.RowWriter // writes into buf
	header []byte           // what a new file begins with
	lock   file
	f      file
	buf    bytes.Buffer
	state  fileState
	next   Position // behind the last row written
	// rotation, 0: none
	rotateBytes int64
	rotateRows  int64
}

const drainBytes = 1 << 20 // of rows that are kept before they go to the file

func newFileTarget(d *delivery) (target, error) {
	t := &fileTarget{d: d, path: d.sink.Address, disk: ownFiles{}}
	if r := d.s.cfg.Root; r != nil {
		t.disk = rootFiles{r}
	}
	kind := "jsonl"
	switch f := strings.ToLower(d.sink.Props["format"]); f {
	case "csv":
		kind = "csv"
	case "json", "ndjson", "jsonl":
	case "":
		if strings.HasSuffix(strings.ToLower(t.path), ".csv") {
			kind = "csv"
		}
	default:
		return nil, &fatalError{fmt.Errorf("format %q: one of ndjson, csv", f)}
	}
	if v := d.sink.Props["rotate_bytes"]; v != "" {
		n, ok := plan.ParseBytes(v)
		if !ok || n < 1 {
			return nil, &fatalError{fmt.Errorf("rotate_bytes %q is not a size", v)}
		}
		t.rotateBytes = n
	}
	if v := d.sink.Props["rotate_rows"]; v != "" {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n < 1 {
			return nil, &fatalError{fmt.Errorf("rotate_rows %q is not a positive number", v)}
		}
		t.rotateRows = n
	}
	var err error
	if t.rows, err = format.NewWriter(kind, &t.buf); err != nil {
		return nil, err
	}
	if err := t.rows.Begin(d.object.Schema()); err != nil {
		return nil, err
	}
	t.header = bytes.Clone(t.buf.Bytes())
	t.buf.Reset()
	return t, nil
}

// open implements target.
func (t *fileTarget) open(_ context.Context, recorded *record) (Position, error) {
	if err := t.takeLock(); err != nil {
		return Position{}, err
	}
	state, found, err := t.readState()
	if err != nil {
		return Position{}, err
	}
	if err := t.mine(state, found, recorded); err != nil {
		return Position{}, err
	}
	if state, err = t.finishRotation(state); err != nil {
		return Position{}, err
	}
	f, err := t.disk.open(t.path, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return Position{}, fmt.Errorf("open the file of the sink: %w", err)
	}
	t.f = f
	state.Sink = t.d.tag()
	if err := t.cut(state, found); err != nil {
		return Position{}, err
	}
	t.state, t.next = state, state.Position
	return state.Position, t.saveState()
}

// mine checks that the position beside the file belongs to this delivery and is not behind what it recorded elsewhere.
func (t *fileTarget) mine(state fileState, found bool, recorded *record) error {
	switch {
	case found && state.Sink != t.d.tag():
		return &fatalError{fmt.Errorf("%s was written by another sink (%s): name another file, or delete it and %s",
			t.path, state.Sink,
			t.sidecar())}
	case state.Less(recorded.Position):
		return &fatalError{fmt.Errorf("rows up to %s were delivered to %s, but the position beside it says %s: the "+
			"file was deleted or is an "+
			"older copy; DROP SINK and CREATE SINK write it anew", recorded.Position, t.path, state.Position)}
	}
	return nil
}

// cut brings the file to the length that belongs to the position.
func (t *fileTarget) cut(state fileState, found bool) error {
	info, err := t.f.Stat()
	if err != nil {
		return fmt.Errorf("read the state of %s: %w", t.path, err)
	}
	switch size := info.Size(); {
	case !info.Mode().IsRegular():
		return &fatalError{fmt.Errorf("%s is not a regular file", t.path)}
	case size < state.Bytes:
		return &fatalError{fmt.Errorf("%s has %d bytes, %d were written: somebody cut it; DROP SINK, delete it and "+
			"%s, and CREATE SINK to "+
			"write it anew", t.path, size, state.Bytes, t.sidecar())}
	case !found && size > 0:
		return &fatalError{fmt.Errorf("%s exists and is not this sink's: name another file or delete it", t.path)}
	}
	if err := t.f.Truncate(state.Bytes); err != nil {
		return fmt.Errorf("cut %s to what was delivered: %w", t.path, err)
	}
	if _, err := t.f.Seek(state.Bytes, io.SeekStart); err != nil {
		return fmt.Errorf("go to the end of %s: %w", t.path, err)
	}
	return nil
}

// write implements target.
func (t *fileTarget) write(_ context.Context, b *vector.Batch, i int, pos Position) error {
	if t.state.Bytes+int64(t.buf.Len()) == 0 {
		t.buf.Write(t.header)
	}
	if err := t.rows.Write(vector.Slice(b, i, i+1)); err != nil {
		return err
	}
	t.state.Rows++
	t.next = pos
	full := t.rotateRows > 0 && t.state.Rows >= t.rotateRows ||
		t.rotateBytes > 0 && t.state.Bytes+int64(t.buf.Len()) >= t.rotateBytes
	if full {
		return t.rotate()
	}
	if t.buf.Len() >= drainBytes {
		return t.drain()
	}
	return nil
}

// drain writes the buffer to the file; after an error it goes on where it stopped.
func (t *fileTarget) drain() error {
	for t.buf.Len() > 0 {
		n, err := t.f.Write(t.buf.Bytes())
		t.state.Bytes += int64(n)
		t.buf.Next(n)
		if err != nil {
			return fmt.Errorf("write %s: %w", t.path, err)
		}
	}
	return nil
}

// sync makes what was written durable. What a failed sync leaves behind nobody knows, and the next one may say nothing.
func (t *fileTarget) sync() error {
	if err := t.f.Sync(); err != nil {
		return &brokenError{fmt.Errorf("sync %s: %w", t.path, err)}
	}
	return nil
}

// flush implements target: data first, then the position.
func (t *fileTarget) flush(_ context.Context, r *record) error {
	if err := t.drain(); err != nil {
		return err
	}
	if err := t.sync(); err != nil {
		return err
	}
	if t.state.Less(r.Position) {
		t.state.Position = r.Position
	}
	return t.saveState()
}

func (t *fileTarget) guarantee() string {
	return "exactly once into file " + t.path + " (cut to the recorded position at a start)"
}

func (t *fileTarget) close() error {
	var errs []error
	for _, f := range []file{t.f, t.lock} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}
