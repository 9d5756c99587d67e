package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/leatsql/leat/internal/errcode"
)

// devState is the file in which leat dev tells the other commands of the same user where it listens.
type devState struct {
	Kind string `json:"kind"`
	PID  int    `json:"pid"`
	NATS string `json:"nats,omitempty"`
	HTTP string `json:"http,omitempty"` // http://HOST:PORT
	Data string `json:"data,omitempty"`
}

const devStateKind = "leat.dev/v1"

// stateDir is the user's folder for state: $XDG_STATE_HOME/leat.
func (g *globals) stateDir() (string, error) {
	if dir := g.env("XDG_STATE_HOME"); dir != "" {
		return filepath.Join(dir, "leat"), nil
	}
	home := g.env("HOME")
	if home == "" {
		return "", errcode.New(errcode.BadConfig, "neither XDG_STATE_HOME nor HOME is set")
	}
	return filepath.Join(home, ".local", "state", "leat"), nil
}

// writeDevState writes the file in one act and returns what removes it, if it is still this process's.
func (g *globals) writeDevState(s devState) (remove func() error, err error) {
	dir, err := g.stateDir()
	if err != nil {
		return nil, err
	}
	s.Kind, s.PID = devStateKind, os.Getpid()
	text, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode the state of leat dev: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, errcode.New(errcode.StoreBad, "make the state folder: %w", err)
	}
	path := filepath.Join(dir, "dev.json")
	temp := fmt.Sprintf("%s.%d", path, s.PID)
	if err := os.WriteFile(temp, append(text, '\n'), 0o600); err != nil {
		return nil, errcode.New(errcode.StoreBad, "write the state of leat dev: %w", err)
	}
	if err := os.Rename(temp, path); err != nil {
		return nil, errcode.New(errcode.StoreBad, "write the state of leat dev: %w", err)
	}
	return func() error {
		if now, err := g.readDevState(); err != nil || now == nil || now.PID != s.PID {
			return err
		}
		return os.Remove(path)
	}, nil
}

// readDevState returns where leat dev listens, or nil when there is no file.
func (g *globals) readDevState() (*devState, error) {
	dir, err := g.stateDir()
	if err != nil {
		return nil, nil //nolint:nilerr // no folder, no file
	}
	text, err := readBounded(filepath.Join(dir, "dev.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // leat dev does not run
	}
	if err != nil {
		return nil, errcode.New(errcode.StoreBad, "state of leat dev: %w", err)
	}
	var s devState
	if err := json.Unmarshal([]byte(text), &s); err != nil || s.Kind != devStateKind {
		return nil, nil //nolint:nilerr // a file of another version: as if absent
	}
	return &s, nil
}
