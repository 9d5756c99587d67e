package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
)

// terminal is a leat process on a pseudo terminal.
type terminal struct {
	t    *testing.T
	f    *os.File
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func openTerminal(t *testing.T, cmd *exec.Cmd) *terminal {
	t.Helper()
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: 120})
	if err != nil {
		t.Skipf("no pseudo terminal here: %v", err)
	}
	s := &terminal{t: t, f: f, more: make(chan struct{}, 1)}
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := f.Read(buf)
			if bytes.Contains(buf[:n], []byte("\x1b[6n")) { // the editor asks where the cursor is
				_, _ = io.WriteString(f, "\x1b[1;1R")
			}
			s.mu.Lock()
			s.text.Write(buf[:n])
			s.mu.Unlock()
			select {
			case s.more <- struct{}{}:
			default:
			}
			if err != nil {
				return
			}
		}
	}()
	return s
}

// send types a text.
func (s *terminal) send(text string) {
	s.t.Helper()
	if _, err := io.WriteString(s.f, text); err != nil {
		s.t.Fatal(err)
	}
}

// want waits for a text on the screen and forgets what stands before it.
func (s *terminal) want(text string) {
	s.t.Helper()
	end := time.After(20 * time.Second)
	for {
		s.mu.Lock()
		all := s.text.String()
		if _, after, ok := strings.Cut(all, text); ok {
			s.text.Reset()
			s.text.WriteString(after)
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		select {
		case <-s.more:
		case <-end:
			s.t.Fatalf("%q is not on the screen: %q", text, all)
		}
	}
}

// prompt waits until the editor takes a line: it has asked where the cursor is, and shows it.
func (s *terminal) prompt() {
	s.t.Helper()
	s.want("leat> ")
	s.want("?25h")
}

// TestShell types into leat sql on a terminal: statements over several lines, commands, Ctrl-C, the end.
func TestShell(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	bin := filepath.Join(home, "leat")
	if err := os.Symlink(os.Args[0], bin); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	start := func(args ...string) *exec.Cmd {
		cmd := exec.Command(bin, args...)
		cmd.Env = []string{"HOME=" + home, "TERM=xterm", "PATH=" + os.Getenv("PATH")}
		cmd.Dir = home
		return cmd
	}
	dev := start("dev", "--data", "data", "--nats", "127.0.0.1:0", "--http", "127.0.0.1:0")
	stderr, err := dev.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := dev.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dev.Process.Signal(os.Interrupt); _ = dev.Wait() })
	var head bytes.Buffer
	for buf := make([]byte, 256); !strings.Contains(head.String(), "ready"); {
		n, err := stderr.Read(buf)
		if head.Write(buf[:n]); err != nil {
			t.Fatalf("leat dev: %v %s", err, head.String())
		}
	}
	go func() { _, _ = io.Copy(io.Discard, stderr) }()
	sql := start("sql")
	s := openTerminal(t, sql)
	s.prompt()
	s.send("CREATE STREAM s (k STRING, v INT);\r")
	s.want("created stream s")
	s.prompt()
	s.send("INSERT INTO s\r")
	s.want("\r\r\n") // the second line is open
	s.want("?25h")
	s.send("VALUES ('a', 41);\r")
	s.want("inserted 1 rows")
	s.prompt()
	s.send("\\d s\r")
	s.want("INT")
	s.prompt()
	s.send("SELECT v FROM s EMIT CHANGES;\r")
	s.want("41")
	s.send("\x03") // stops the query, not the shell
	s.prompt()
	s.send("SELECT v + 1 AS w FROM s;\r")
	s.want("42")
	s.prompt()
	s.send("SELECT nope FROM s;\r")
	s.want("LEAT-3101")
	s.prompt()
	s.send("\\q\r")
	if err := sql.Wait(); err != nil {
		t.Errorf("the shell ended with %v", err)
	}
	_ = s.f.Close()
}
