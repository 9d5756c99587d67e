package sink

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// disk is the file system: the user's own, or confined to a root. Tests make it fail.
type disk interface {
	open(name string, flag int) (file, error)
	rename(from, to string) error
}

// file is what a target does with a file.
type file interface {
	io.ReadWriteSeeker
	io.Closer
	Sync() error
	Truncate(size int64) error
	Stat() (fs.FileInfo, error)
}

const fileMode = 0o644

type ownFiles struct{}

func (ownFiles) open(name string, flag int) (file, error) {
	return os.OpenFile(name, flag, fileMode) //nolint:gosec // the path is the user's own
}

func (ownFiles) rename(from, to string) error { return os.Rename(from, to) }

type rootFiles struct{ root *os.Root }

func (r rootFiles) open(name string, flag int) (file, error) {
	return r.root.OpenFile(name, flag, fileMode)
}

func (r rootFiles) rename(from, to string) error { return r.root.Rename(from, to) }

// fileState is what lies beside the file.
type fileState struct {
	Sink string `json:"sink"` // the delivery that writes the file
	Position
	Bytes int64 `json:"bytes"`
	Rows  int64 `json:"rows"`
	Part  int   `json:"part"` // rotated files so far
	// Rotating names the file that the complete one is being renamed to; a start finishes the rename.
	Rotating string `json:"rotating,omitempty"`
}

// beside is a hidden file next to the sink's.
func (t *fileTarget) beside(suffix string) string {
	dir, base := filepath.Split(t.path)
	return filepath.Join(dir, "."+base+suffix)
}

func (t *fileTarget) sidecar() string { return t.beside(".position") }

// takeLock waits for nobody: an owner that was replaced lets go when it notices, or ends.
func (t *fileTarget) takeLock() error {
	f, err := t.disk.open(t.beside(".lock"), os.O_RDWR|os.O_CREATE)
	if err != nil {
		return fmt.Errorf("open the lock of %s: %w", t.path, err)
	}
	t.lock = f
	own, ok := f.(*os.File)
	if !ok {
		return nil
	}
	if err := tryLock(own); err != nil {
		return fmt.Errorf("open %s: %w", t.path, err)
	}
	return nil
}

const maxState = 4096

func (t *fileTarget) readState() (s fileState, found bool, err error) {
	f, err := t.disk.open(t.sidecar(), os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return s, false, nil
	}
	if err != nil {
		return s, false, fmt.Errorf("read the position of %s: %w", t.path, err)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxState))
	if err = errors.Join(err, f.Close()); err != nil {
		return s, false, fmt.Errorf("read the position of %s: %w", t.path, err)
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, false, &fatalError{fmt.Errorf("decode %s: %w", t.sidecar(), err)}
	}
	return s, true, nil
}

// saveState replaces the position beside the file in one act.
func (t *fileTarget) saveState() error {
	data, err := json.Marshal(t.state)
	if err != nil {
		return fmt.Errorf("encode the position of %s: %w", t.path, err)
	}
	tmp := t.sidecar() + ".new"
	f, err := t.disk.open(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return fmt.Errorf("write the position of %s: %w", t.path, err)
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write the position of %s: %w", t.path, err)
	}
	if err := t.disk.rename(tmp, t.sidecar()); err != nil {
		return fmt.Errorf("write the position of %s: %w", t.path, err)
	}
	return nil
}

// rotate completes the file under its number and begins a new one. After an error the target is opened anew.
func (t *fileTarget) rotate() error {
	err := t.drain()
	if err == nil {
		err = t.sync()
	}
	if err == nil {
		err = t.f.Close()
		t.f = nil
	}
	if err == nil {
		t.state.Position = t.next
		t.state.Part, t.state.Rotating, err = t.freeName(t.state.Part)
	}
	if err == nil {
		err = t.saveState()
	}
	if err == nil {
		t.state, err = t.finishRotation(t.state)
	}
	if err == nil {
		t.f, err = t.disk.open(t.path, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	}
	if err == nil {
		err = t.saveState()
	}
	if err != nil {
		return &brokenError{fmt.Errorf("rotate %s: %w", t.path, err)}
	}
	return nil
}

// freeName finds the next name for a complete file; what is there already is left alone.
func (t *fileTarget) freeName(part int) (int, string, error) {
	ext := filepath.Ext(t.path)
	for ; ; part++ {
		name := fmt.Sprintf("%s-%06d%s", strings.TrimSuffix(t.path, ext), part+1, ext)
		exists, err := t.exists(name)
		if err != nil || !exists {
			return part, name, err
		}
	}
}

func (t *fileTarget) exists(name string) (bool, error) {
	f, err := t.disk.open(name, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, f.Close()
}

// finishRotation renames the complete file if a rotation was begun and returns the state of the new one. The rename may
// have happened already, before a crash.
func (t *fileTarget) finishRotation(s fileState) (fileState, error) {
	if s.Rotating == "" {
		return s, nil
	}
	done, err := t.exists(s.Rotating)
	if err == nil && !done {
		err = t.disk.rename(t.path, s.Rotating)
	}
	if err != nil {
		return s, fmt.Errorf("rename %s to %s: %w", t.path, s.Rotating, err)
	}
	return fileState{Sink: s.Sink, Position: s.Position, Part: s.Part + 1}, nil
}
