package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
)

const (
	blockBytes = 256 << 10 // read at once
	headBytes  = 64 << 10  // of the beginning that are kept: a header stands there
	idBytes    = 1024      // of the beginning of a file that identify it
)

// File reads a text file, or a pipe, in blocks. A name that ends in .gz is read through gzip.
type File struct {
	// Path is the file; "-" with Input set is only a name.
	Path string
	// Input, if not nil, is read instead of opening Path (standard input). It is not closed.
	Input io.Reader
	// Root, if not nil, confines Path to a directory, and only regular files are read.
	Root *os.Root
	// Follow waits for more at the end, and goes on with the new file when the old one is renamed or cut.
	Follow bool
	// Warn gets sentences for the log; nil drops them.
	Warn func(string)

	mu      sync.Mutex // guards f against Close
	f       *os.File
	gz      *gzip.Reader
	in      io.Reader
	buf     []byte
	from    int // buf[from:] is not taken yet
	closed  bool
	chunk   Chunk
	given   bool
	ended   bool
	drop    bool // until the next newline
	pos     Position
	head    []byte // the beginning, for the identity
	told    bool   // that the end was reached, since the last read
	regular bool
	// modified is the file's time when its beginning was last compared.
	modified time.Time
}

// Open implements Source.
func (s *File) Open(ctx context.Context, from Position) error {
	s.buf = make([]byte, 0, blockBytes)
	if s.Input != nil {
		if from.Offset > 0 {
			return fmt.Errorf("read %s again from byte %d: it cannot go back", s.Path, from.Offset)
		}
		s.in = s.Input
		if f, ok := s.Input.(*os.File); ok {
			info, err := f.Stat()
			s.regular = err == nil && info.Mode().IsRegular()
		}
		return s.unpack()
	}
	if err := s.open(); err != nil {
		return err
	}
	if from.Offset == 0 && from.Row == 0 {
		s.pos.Seq = from.Seq
		return s.unpack()
	}
	return s.resume(ctx, from)
}

// open opens Path from its beginning.
func (s *File) open() error {
	f, err := s.openPath(s.Path)
	if err != nil {
		return err
	}
	return s.swap(f)
}

// swap reads f from now on, and closes what was read before.
func (s *File) swap(f *os.File) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.f
	s.f, s.in = f, f
	if s.closed {
		old, s.f = f, nil
	}
	if old == nil {
		return nil
	}
	if err := old.Close(); err != nil {
		return fmt.Errorf("close %s: %w", s.Path, plainError(err))
	}
	return nil
}

// openPath opens a file that may be read.
func (s *File) openPath(path string) (*os.File, error) {
	info, err := s.stat(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, plainError(err))
	}
	s.regular = info.Mode().IsRegular()
	if !s.regular && (s.Root != nil || s.Follow || info.IsDir()) {
		return nil, fmt.Errorf("open %s: it is no regular file", path)
	}
	var f *os.File
	if s.Root != nil {
		f, err = s.Root.Open(path)
	} else {
		f, err = os.Open(path)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, plainError(err))
	}
	return f, nil
}

func (s *File) stat(path string) (fs.FileInfo, error) {
	if s.Root != nil {
		return s.Root.Stat(path)
	}
	return os.Stat(path)
}

// plainError takes the path out of an error that already names it.
func plainError(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

// unpack puts gzip over the input where the name says so.
func (s *File) unpack() error {
	if !strings.HasSuffix(s.Path, ".gz") {
		return nil
	}
	if s.Follow {
		return fmt.Errorf("follow %s: a .gz file is not supported", s.Path)
	}
	gz, err := gzip.NewReader(s.in)
	if err != nil {
		return fmt.Errorf("unpack %s: %w", s.Path, err)
	}
	s.gz, s.in = gz, gz
	return nil
}

// Next implements Source.
func (s *File) Next(ctx context.Context) (*Chunk, error) {
	if s.given {
		s.take()
	}
	for {
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
		if s.ended {
			if s.from >= len(s.buf) {
				return nil, io.EOF
			}
			return s.give(true), nil
		}
		n, err := s.read()
		switch {
		case n > 0 && s.drop:
			s.skipLine()
		case n > 0:
			s.told = false
			return s.give(false), nil
		case errors.Is(err, io.EOF) && s.Follow:
			if !s.told {
				s.told = true // what is there may be handed on before the waiting
				c := s.give(false)
				c.More = false
				return c, nil
			}
			c, err := s.wait(ctx)
			if c != nil || err != nil {
				return c, err
			}
		case errors.Is(err, io.EOF):
			s.ended = true
			if s.drop {
				s.from = len(s.buf)
			}
		case err != nil:
			return nil, fmt.Errorf("read %s behind byte %d: %w", s.Path, s.pos.Offset, plainError(err))
		}
	}
}

// take moves over what the receiver of the last chunk has used.
func (s *File) take() {
	s.given = false
	used := s.chunk.Used
	s.pos.Offset += int64(used)
	s.from += used
	s.drop = s.chunk.Skip
}

// read fills the buffer; a record that does not fit makes it grow.
func (s *File) read() (int, error) {
	if s.from > 0 {
		s.buf = s.buf[:copy(s.buf, s.buf[s.from:])]
		s.from = 0
	}
	if len(s.buf) == cap(s.buf) {
		grown := make([]byte, len(s.buf), 2*cap(s.buf))
		copy(grown, s.buf)
		s.buf = grown
	}
	n, err := s.in.Read(s.buf[len(s.buf):cap(s.buf)])
	s.buf = s.buf[:len(s.buf)+n]
	s.keepHead(s.buf[len(s.buf)-n:])
	return n, err
}

func (s *File) keepHead(data []byte) {
	if room := headBytes - len(s.head); room > 0 {
		s.head = append(s.head, data[:min(len(data), room)]...)
	}
}

// Beginning returns the first bytes of the file, as far as they have been read.
func (s *File) Beginning() []byte { return s.head }

// skipLine drops bytes up to and with the next newline.
func (s *File) skipLine() {
	n := len(s.buf)
	if k := bytes.IndexByte(s.buf[s.from:], '\n'); k >= 0 {
		n = s.from + k + 1
		s.drop = false
	}
	s.pos.Offset += int64(n - s.from)
	s.from = n
}

// give hands out what is in the buffer.
func (s *File) give(final bool) *Chunk {
	data := s.buf[s.from:]
	s.chunk = Chunk{Data: data, Final: final, Start: s.pos, Subject: s.Path}
	s.chunk.Start.ID = fileID(s.head)
	s.given = true
	s.chunk.More = s.regular || s.gz != nil
	return &s.chunk
}

// Commit implements Source: a file keeps everything anyway.
func (s *File) Commit(context.Context, Position) error { return nil }

// Close implements Source.
func (s *File) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.f == nil || s.closed {
		s.closed = true
		return nil
	}
	s.closed = true
	if err := s.f.Close(); err != nil {
		return fmt.Errorf("close %s: %w", s.Path, plainError(err))
	}
	return nil
}
