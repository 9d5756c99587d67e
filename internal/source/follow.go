package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/zeebo/xxh3"
)

// followEvery is how often a followed file is looked at.
const followEvery = 100 * time.Millisecond

// fileID names a file by its beginning, so that another file of the same name is noticed: length and hash.
func fileID(head []byte) string {
	head = head[:min(len(head), idBytes)]
	if len(head) == 0 {
		return ""
	}
	return strconv.Itoa(len(head)) + "-" + strconv.FormatUint(xxh3.Hash(head), 16)
}

// sameFile reports whether a file that begins with head is the one that id names.
func sameFile(id string, head []byte) bool {
	size, _, _ := strings.Cut(id, "-")
	n, err := strconv.Atoi(size)
	return id == "" || err == nil && n <= len(head) && fileID(head[:n]) == id
}

// resume opens the file behind from. A followed file that was replaced meanwhile is looked for under its name with .1,
// as log rotation leaves it.
func (s *File) resume(ctx context.Context, from Position) error {
	if !s.regular && s.Input == nil {
		return fmt.Errorf("read %s again from byte %d: it is no regular file", s.Path, from.Offset)
	}
	head, err := readHead(s.f)
	if err != nil {
		return fmt.Errorf("read %s: %w", s.Path, plainError(err))
	}
	if !strings.HasSuffix(s.Path, ".gz") && !sameFile(from.ID, head) {
		if !s.Follow {
			return fmt.Errorf("read %s again from byte %d: it is another file now", s.Path, from.Offset)
		}
		return s.resumeReplaced(from)
	}
	s.pos, s.head = from, head
	if err := s.unpack(); err != nil {
		return err
	}
	if s.gz == nil {
		if _, err := s.f.Seek(from.Offset, io.SeekStart); err != nil {
			return fmt.Errorf("read %s from byte %d: %w", s.Path, from.Offset, plainError(err))
		}
		return nil
	}
	s.head = nil
	return s.skipUnpacked(ctx, from)
}

// skipUnpacked reads the unpacked text up to from, because gzip has no way to jump there, and checks its beginning.
func (s *File) skipUnpacked(ctx context.Context, from Position) error {
	buf := make([]byte, blockBytes)
	for left := from.Offset; left > 0; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n, err := s.in.Read(buf[:min(int64(len(buf)), left)])
		s.keepHead(buf[:n])
		if left -= int64(n); err != nil && left > 0 {
			return fmt.Errorf("read %s again from byte %d: %w", s.Path, from.Offset, plainError(err))
		}
	}
	if !sameFile(from.ID, s.head) && !sameShort(from.ID, s.head) {
		return fmt.Errorf("read %s again from byte %d: it is another file now", s.Path, from.Offset)
	}
	return nil
}

// sameShort reports that an id was made of more bytes than were read again, so that nothing can be said.
func sameShort(id string, head []byte) bool {
	size, _, _ := strings.Cut(id, "-")
	n, err := strconv.Atoi(size)
	return err == nil && n > len(head)
}

// readHead reads the beginning of a file and leaves the file there.
func readHead(f *os.File) ([]byte, error) {
	head := make([]byte, headBytes)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return head[:n], nil
}

// resumeReplaced goes on in the rotated file, or begins the new one and says so.
func (s *File) resumeReplaced(from Position) error {
	old, err := s.openPath(s.Path + ".1")
	if err == nil {
		head, err := readHead(old)
		if err == nil && sameFile(from.ID, head) {
			if _, err = old.Seek(from.Offset, io.SeekStart); err != nil {
				return fmt.Errorf("read %s.1 from byte %d: %w", s.Path, from.Offset, plainError(err))
			}
			s.pos, s.head = from, head
			return s.swap(old)
		}
		if err := old.Close(); err != nil {
			return fmt.Errorf("close %s.1: %w", s.Path, plainError(err))
		}
	}
	s.warn("%s is another file now, and what was left of the old one (behind byte %d) is not in %s.1: reading the new "+
		"one", s.Path, from.Offset, s.Path)
	s.pos = Position{Seq: from.Seq + 1}
	return nil
}

func (s *File) warn(format string, args ...any) {
	if s.Warn != nil {
		s.Warn(fmt.Sprintf(format, args...))
	}
}

// wait waits at the end of a followed file until there is more of it, or a new file in its place. A chunk that it
// returns is the end of the old file.
func (s *File) wait(ctx context.Context) (*Chunk, error) {
	timer := time.NewTimer(followEvery)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-timer.C:
	}
	now, err := s.stat(s.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // between a rename and the new file: nothing yet
	}
	if err != nil {
		return nil, fmt.Errorf("follow %s: %w", s.Path, plainError(err))
	}
	open, err := s.f.Stat()
	if err != nil {
		return nil, fmt.Errorf("follow %s: %w", s.Path, plainError(err))
	}
	at, err := s.f.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, fmt.Errorf("follow %s: %w", s.Path, plainError(err))
	}
	replaced := !os.SameFile(now, open)
	cut := now.Size() < at
	if !replaced && !cut && now.ModTime() != s.modified {
		// Cut and written again between two looks: the size may not tell, the beginning does.
		s.modified = now.ModTime()
		head, err := readHead(s.f)
		if err != nil {
			return nil, fmt.Errorf("follow %s: %w", s.Path, plainError(err))
		}
		cut = !sameFile(fileID(s.head), head)
	}
	if !replaced && !cut || replaced && open.Size() > at {
		return nil, nil //nolint:nilnil // the same file, or the old one has more
	}
	if s.from < len(s.buf) {
		return s.lastOf(), nil
	}
	return nil, s.replace()
}

// lastOf hands out the last line of a file that will not grow any more.
func (s *File) lastOf() *Chunk { return s.give(true) }

// replace goes on with the new file of the name.
func (s *File) replace() error {
	s.buf, s.from, s.drop, s.head = s.buf[:0], 0, false, nil
	s.pos = Position{Seq: s.pos.Seq + 1}
	return s.open()
}
