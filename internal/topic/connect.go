package topic

import (
	"time"

	"github.com/nats-io/nats.go"
)

// ConnectOptions returns how every connection of Leat behaves: named, trying for ever with jitter, also at the start,
// and without a reconnect buffer. That buffer sends a timed-out append after the reconnect, behind the back of its
// writer.
func ConnectOptions(name string) []nats.Option {
	return []nats.Option{
		nats.Name(name),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(100 * time.Millisecond),
		nats.ReconnectJitter(100*time.Millisecond, time.Second),
		nats.ReconnectBufSize(-1),
		nats.Timeout(5 * time.Second),
		nats.PingInterval(10 * time.Second),
		nats.MaxPingsOutstanding(2),
	}
}
