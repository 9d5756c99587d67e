package broker

import (
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/hashicorp/go-hclog"
)

// Durability names what acknowledged data survives.
type Durability string

// Process data survives the kill of any process; Power data a power cut too, at the price of a sync for each append.
const (
	Process Durability = "process"
	Power   Durability = "power"
)

// The defaults of Config.
const (
	DefaultMaxPayload = 8 << 20 // the largest batch, with its headers
	defaultMaxMemory  = 256 << 20
	minStore          = 64 << 20
	maxStoreDefault   = 1 << 40
)

// Config of an embedded server. The zero value with a StoreDir serves in-process connections only.
type Config struct {
	// StoreDir is the data folder; it is made when absent and locked while the server runs. Empty only with Memory.
	StoreDir string
	// Memory keeps nothing: a folder of its own for the server's few files, removed at Shutdown, and streams in memory
	// (see Server.Storage).
	Memory bool
	// Listen is the address for network clients, "host:port", port 0 for any free one. Empty: in-process only.
	Listen string
	// MayMove lets a taken port move to a free one (see Server.Moved) instead of being an error.
	MayMove bool
	// Monitor is the address of NATS' own monitoring, on loopback. It has no authentication; empty: none.
	Monitor string
	// Durability is Process when empty.
	Durability Durability
	// MaxPayload bounds one message in bytes, headers included; 0: DefaultMaxPayload.
	MaxPayload int32
	// ServerName is the name clients see; empty: "leat".
	ServerName string
	// MaxStore bounds all streams in bytes, reservations included; 0: 1 TiB, so that the disk is the limit.
	// A third of it is for the users' account, the rest for Leat's.
	MaxStore int64
	// Log receives the server's own log lines; nil: none.
	Log hclog.Logger
}

// Validate lists every mistake in c.
func (c *Config) Validate() error {
	var errs []error
	if c.StoreDir == "" && !c.Memory {
		errs = append(errs, errors.New("store folder: missing; name one, or keep everything in memory"))
	}
	if c.Durability != "" && c.Durability != Process && c.Durability != Power {
		errs = append(errs, fmt.Errorf("durability: %q is neither %q nor %q", c.Durability, Process, Power))
	}
	if c.Memory && c.Durability == Power {
		errs = append(errs, errors.New("durability: memory does not survive a power cut"))
	}
	if c.MaxPayload < 0 || c.MaxPayload > 64<<20 {
		errs = append(errs, fmt.Errorf("largest message: %d bytes is outside 1..%d", c.MaxPayload, 64<<20))
	}
	if c.MaxStore < 0 || c.MaxStore > 0 && c.MaxStore < minStore {
		errs = append(errs, fmt.Errorf("store limit: %d bytes is below %d", c.MaxStore, minStore))
	}
	if c.Listen != "" {
		if _, _, err := splitAddr(c.Listen); err != nil {
			errs = append(errs, fmt.Errorf("listen address: %w", err))
		}
	}
	if c.Monitor != "" {
		host, _, err := splitAddr(c.Monitor)
		if err != nil {
			errs = append(errs, fmt.Errorf("monitoring address: %w", err))
		} else if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			errs = append(errs, fmt.Errorf("monitoring address: %q is not on loopback", c.Monitor))
		}
	}
	return errors.Join(errs...)
}

// setDefaults puts in the values that zero stands for.
func (c *Config) setDefaults() {
	if c.Durability == "" {
		c.Durability = Process
	}
	if c.MaxPayload == 0 {
		c.MaxPayload = DefaultMaxPayload
	}
	if c.ServerName == "" {
		c.ServerName = "leat"
	}
	if c.Log == nil {
		c.Log = hclog.NewNullLogger()
	}
}

// splitAddr parses host:port.
func splitAddr(addr string) (string, int, error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, err
	}
	port, err := strconv.Atoi(text)
	if err != nil || port < 0 || port > 65535 {
		return "", 0, fmt.Errorf("port %q of %q is outside 0..65535", text, addr)
	}
	return host, port, nil
}
