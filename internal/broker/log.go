package broker

import (
	"fmt"
	"strings"
	"sync"

	"github.com/hashicorp/go-hclog"
)

// serverLog hands the server's lines to hclog and remembers why it gave up.
type serverLog struct {
	log hclog.Logger

	once  sync.Once
	fatal chan string // the first fatal line; capacity 1
}

func newServerLog(log hclog.Logger) *serverLog {
	return &serverLog{log: log.Named("nats"), fatal: make(chan string, 1)}
}

// Noticef logs at debug level: what the server notes at each start is not news to a user of Leat.
func (l *serverLog) Noticef(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }

// Warnf logs a warning, but for the one about plain passwords: they are random, made at each start, and never leave
// this process.
func (l *serverLog) Warnf(format string, v ...any) {
	if text := fmt.Sprintf(format, v...); !strings.HasPrefix(text, "Plaintext passwords") {
		l.log.Warn(text)
	}
}

func (l *serverLog) Errorf(format string, v ...any) { l.log.Error(fmt.Sprintf(format, v...)) }
func (l *serverLog) Debugf(format string, v ...any) { l.log.Trace(fmt.Sprintf(format, v...)) }
func (l *serverLog) Tracef(format string, v ...any) { l.log.Trace(fmt.Sprintf(format, v...)) }

// Fatalf is called when the server cannot go on; unlike the server's own logger it leaves the process alone.
func (l *serverLog) Fatalf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.log.Error(text)
	l.once.Do(func() { l.fatal <- text })
}
