package sink

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/leatsql/leat/internal/format"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// fileTarget writes NDJSON or CSV. Beside the file lies its position: after each flush of the data a small file is
// replaced by a rename, which names the position and the length that belongs to it. A start cuts the file to that length
// and writes the rows behind it again: they are the same, so a reader sees every row once.
type fileTarget struct {
	d     *delivery
	path  string
	csv   bool
	rows  format.RowWriter // writes into buf
	f     *os.File
	buf   bytes.Buffer
	state fileState
	next  Position // behind the last row written
	// rotation, 0: none
	rotateBytes int64
	rotateRows  int64
}

// fileState is what lies beside the file.
type fileState struct {
	Position
	Bytes int64 `json:"bytes"`
	Rows  int64 `json:"rows"`
	Part  int   `json:"part"` // rotated files so far
	// Rotating names the file that the complete one is being renamed to; a start finishes the rename.
	Rotating string `json:"rotating,omitempty"`
}

func newFileTarget(d *delivery) (target, error) {
	t := &fileTarget{d: d, path: d.sink.Address}
	switch f := strings.ToLower(d.sink.Props["format"]); f {
	case "csv":
		t.csv = true
	case "json", "ndjson", "jsonl":
	case "":
		t.csv = strings.HasSuffix(strings.ToLower(t.path), ".csv")
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
	kind := "jsonl"
	if t.csv {
		kind = "csv"
	}
	var err error
	t.rows, err = format.NewWriter(kind, &t.buf)
	return t, err
}

func (t *fileTarget) sidecar() string {
	dir, base := filepath.Split(t.path)
	return filepath.Join(dir, "."+base+".position")
}

// The file system is the user's own, or confined to a root.

func (t *fileTarget) openFile(name string, flag int) (*os.File, error) {
	if r := t.d.s.cfg.Root; r != nil {
		return r.OpenFile(name, flag, 0o644)
	}
	return os.OpenFile(name, flag, 0o644) //nolint:gosec // the path is the user's own
}

func (t *fileTarget) rename(from, to string) error {
	if r := t.d.s.cfg.Root; r != nil {
		return r.Rename(from, to)
	}
	return os.Rename(from, to)
}

// open implements target.
func (t *fileTarget) open(_ context.Context, recorded *record) (Position, error) {
	state, err := t.readState()
	if err != nil {
		return Position{}, err
	}
	if state, err = t.finishRotation(state); err != nil {
		return Position{}, err
	}
	t.state = state
	f, err := t.openFile(t.path, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return Position{}, fmt.Errorf("open the file of the sink: %w", err)
	}
	t.f = f
	info, err := f.Stat()
	if err != nil {
		return Position{}, fmt.Errorf("read the state of %s: %w", t.path, err)
	}
	if !info.Mode().IsRegular() {
		return Position{}, &fatalError{fmt.Errorf("%s is not a regular file", t.path)}
	}
	if info.Size() < state.Bytes {
		return Position{}, &fatalError{fmt.Errorf("%s has %d bytes, %d were written: somebody cut it; delete it and %s to write it anew",
			t.path, info.Size(), state.Bytes, t.sidecar())}
	}
	if state.Bytes == 0 && info.Size() > 0 && state.Position == (Position{}) {
		return Position{}, &fatalError{fmt.Errorf("%s exists and is not this sink's: name another file or delete it", t.path)}
	}
	if err := f.Truncate(state.Bytes); err != nil {
		return Position{}, fmt.Errorf("cut %s to what was delivered: %w", t.path, err)
	}
	if _, err := f.Seek(state.Bytes, io.SeekStart); err != nil {
		return Position{}, fmt.Errorf("go to the end of %s: %w", t.path, err)
	}
	if recorded.Less(state.Position) {
		return state.Position, nil
	}
	if state.Position.Less(recorded.Position) && recorded.Position != (Position{Seq: state.Seq + 1}) && recorded.Seq > state.Seq+1 {
		t.d.s.log.Warn("the file is behind the recorded position: rows without effect on it were skipped", "path", t.path)
	}
	return recorded.Position, nil
}

func (t *fileTarget) readState() (fileState, error) {
	var s fileState
	f, err := t.openFile(t.sidecar(), os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("read the position of %s: %w", t.path, err)
	}
	defer f.Close()
	const most = 4096
	data, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return s, fmt.Errorf("read the position of %s: %w", t.path, err)
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, &fatalError{fmt.Errorf("decode %s: %w", t.sidecar(), err)}
	}
	return s, nil
}

// write implements target.
func (t *fileTarget) write(_ context.Context, b *vector.Batch, i int, pos Position) error {
	if t.state.Bytes+int64(t.buf.Len()) == 0 { // a new file: CSV begins with its header
		if err := t.rows.Begin(b.Schema); err != nil {
			return err
		}
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
	if t.buf.Len() >= 1<<20 {
		return t.drain()
	}
	return nil
}

// drain writes the buffer to the file.
func (t *fileTarget) drain() error {
	n, err := t.f.Write(t.buf.Bytes())
	t.state.Bytes += int64(n)
	if err != nil {
		return &fatalError{fmt.Errorf("write %s: %w", t.path, err)} // a start cuts to the last position
	}
	t.buf.Reset()
	return nil
}

// rotate completes the file under its number and begins a new one.
func (t *fileTarget) rotate() error {
	if err := t.drain(); err != nil {
		return err
	}
	if err := t.f.Sync(); err != nil {
		return &fatalError{fmt.Errorf("sync %s: %w", t.path, err)}
	}
	ext := filepath.Ext(t.path)
	t.state.Position = t.next
	t.state.Rotating = fmt.Sprintf("%s-%06d%s", strings.TrimSuffix(t.path, ext), t.state.Part+1, ext)
	if err := errors.Join(t.f.Close(), t.saveState()); err != nil {
		return &fatalError{fmt.Errorf("rotate %s: %w", t.path, err)}
	}
	state, err := t.finishRotation(t.state)
	if err != nil {
		return err
	}
	t.state = state
	f, err := t.openFile(t.path, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return &fatalError{fmt.Errorf("rotate %s: %w", t.path, err)}
	}
	t.f = f
	return t.saveState()
}

// finishRotation renames the complete file if a rotation was begun and returns the state of the new one. The rename may
// have happened already, before a crash.
func (t *fileTarget) finishRotation(s fileState) (fileState, error) {
	if s.Rotating == "" {
		return s, nil
	}
	f, err := t.openFile(s.Rotating, os.O_RDONLY)
	if err == nil {
		err = f.Close()
	} else if errors.Is(err, fs.ErrNotExist) {
		err = t.rename(t.path, s.Rotating)
	}
	if err != nil {
		return s, &fatalError{fmt.Errorf("rotate %s to %s: %w", t.path, s.Rotating, err)}
	}
	return fileState{Position: s.Position, Part: s.Part + 1}, nil
}

// flush implements target: data first, then the position.
func (t *fileTarget) flush(_ context.Context, r *record) error {
	if err := t.drain(); err != nil {
		return err
	}
	if err := t.f.Sync(); err != nil {
		return &fatalError{fmt.Errorf("sync %s: %w", t.path, err)}
	}
	if t.state.Position.Less(r.Position) {
		t.state.Position = r.Position
	}
	return t.saveState()
}

func (t *fileTarget) saveState() error {
	data, err := json.Marshal(t.state)
	if err != nil {
		return fmt.Errorf("encode the position of %s: %w", t.path, err)
	}
	tmp := t.sidecar() + ".new"
	f, err := t.openFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return fmt.Errorf("write the position of %s: %w", t.path, err)
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write the position of %s: %w", t.path, err)
	}
	if err := t.rename(tmp, t.sidecar()); err != nil {
		return fmt.Errorf("write the position of %s: %w", t.path, err)
	}
	return nil
}

func (t *fileTarget) guarantee() string {
	return "exactly once into file " + t.path + " (cut to the recorded position at a start)"
}

func (t *fileTarget) close() error {
	if t.f == nil {
		return nil
	}
	return t.f.Close()
}

// consoleTarget prints rows; what was printed before a crash may be printed again.
type consoleTarget struct {
	d *delivery
	w format.RowWriter
}

func newConsoleTarget(d *delivery) (target, error) {
	kind := d.sink.Props["format"]
	if kind == "" {
		kind = "jsonl"
	}
	w, err := format.NewWriter(kind, d.s.cfg.Console)
	if err != nil {
		return nil, &fatalError{err}
	}
	return &consoleTarget{d: d, w: w}, nil
}

func (t *consoleTarget) open(_ context.Context, recorded *record) (Position, error) {
	return recorded.Position, t.w.Begin(t.d.object.Schema())
}

func (t *consoleTarget) write(_ context.Context, b *vector.Batch, i int, _ Position) error {
	return t.w.Write(vector.Slice(b, i, i+1))
}

func (t *consoleTarget) flush(context.Context, *record) error { return nil }

func (t *consoleTarget) guarantee() string {
	return "at least once to the console (rows since the last second may be printed again after a crash)"
}

func (t *consoleTarget) close() error { return t.w.End() }
