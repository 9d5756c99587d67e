package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"unicode/utf8"

	"github.com/leatsql/leat/internal/source"
)

// deadFiles keeps the dead letters of leat run: a line of JSON each, in a file a stream, and tells the first of them.
type deadFiles struct {
	g     *globals
	dir   string // or "none"
	told  int
	files map[string]*os.File
	err   error
}

// tellMost is how many dead letters are told on stderr.
const tellMost = 10

// deadLine is a dead letter in a file.
type deadLine struct {
	Source    string `json:"source"`
	Subject   string `json:"subject,omitempty"`
	Line      int    `json:"line,omitempty"`
	Column    string `json:"column,omitempty"`
	Code      string `json:"code"`
	Error     string `json:"error"`
	Original  string `json:"original"`
	Base64    []byte `json:"original_base64,omitempty"`
	Truncated bool   `json:"truncated,omitempty"`
}

func (d *deadFiles) bad(stream string, b source.BadRow) {
	at := b.Subject
	if at == "" || at == "-" {
		at = stream
	}
	d.tell(fmt.Sprintf("%s:%d: %s [%s]", at, b.Line, b.Reason, b.Code), stream)
	l := deadLine{
		Source: stream, Subject: b.Subject, Line: b.Line, Column: b.Column, Code: b.Code, Error: b.Reason,
		Truncated: b.Truncated,
	}
	if utf8.Valid(b.Original) {
		l.Original = string(b.Original)
	} else {
		l.Base64 = b.Original
	}
	d.keep(stream, l)
}

func (d *deadFiles) failed(stage string, row []byte, code, msg string) {
	d.tell(fmt.Sprintf("stage %s: %s [%s]", stage, msg, code), stage)
	d.keep(stage, deadLine{Source: stage, Code: code, Error: msg, Original: string(row)})
}

func (d *deadFiles) tell(text, name string) {
	d.told++
	if d.told > tellMost {
		return
	}
	if d.dir != "none" {
		text += ", kept in " + d.path(name)
	}
	d.g.hintf("%s", text)
	if d.told == tellMost {
		d.g.hintf("further dead letters are counted, not told")
	}
}

func (d *deadFiles) path(name string) string { return filepath.Join(d.dir, name+".dead.jsonl") }

func (d *deadFiles) keep(name string, l deadLine) {
	if d.dir == "none" || d.err != nil {
		return
	}
	f := d.files[name]
	if f == nil {
		if f, d.err = os.Create(d.path(name)); d.err != nil {
			d.g.hintf("dead letters are not kept: %v", d.err)
			return
		}
		if d.files == nil {
			d.files = map[string]*os.File{}
		}
		d.files[name] = f
	}
	if err := json.NewEncoder(f).Encode(l); err != nil {
		d.err = fmt.Errorf("keep a dead letter: %w", err)
	}
}

// close closes the files. Dead letters that cannot be kept are told, they do not fail the run.
func (d *deadFiles) close() error {
	var errs []error
	for _, f := range d.files { // any order: files are independent
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}
