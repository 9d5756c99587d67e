package task

// Limits bounds what a task keeps in memory for its inputs and outputs. Zero values take the defaults.
type Limits struct {
	MessageBytes int // where messages are cut; 64 to 512 KB, as estimated from above; default 512 KB
	PendingBytes int // what may wait for one subject before the task takes no more input; default 2 messages
	RowBytes     int // a row that takes more becomes a dead letter: no message could hold it; default 7 MiB
	FetchAhead   int // messages of an input that wait decoded; default FetchAhead
}

const (
	defaultMessageBytes = 512 << 10
	pendingMessages     = 2
	defaultRowBytes     = 7 << 20
)

func (l Limits) withDefaults() Limits {
	if l.MessageBytes == 0 {
		l.MessageBytes = defaultMessageBytes
	}
	if l.PendingBytes == 0 {
		l.PendingBytes = pendingMessages * l.MessageBytes
	}
	if l.RowBytes == 0 {
		l.RowBytes = defaultRowBytes
	}
	if l.FetchAhead == 0 {
		l.FetchAhead = FetchAhead
	}
	return l
}
