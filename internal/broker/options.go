package broker

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
)

// The users of the two accounts. Only the one of APP can be reached without its password.
const (
	userLeat = "leat"
	userApp  = "app"
)

// layout is the configuration of the server. %[1]s is the store, quoted; the numbers are limits in bytes.
const layout = `
jetstream {
  store_dir: %[1]s
  max_memory_store: %[2]d
  max_file_store: %[3]d
  sync_interval: %[4]s
}
accounts {
  LEAT {
    jetstream: { max_mem: %[5]d, max_file: %[6]d, max_bytes_required: true }
    users: [ { user: %[9]s, password: %[10]s } ]
    exports: [
      { service: "leat.api.>", response_type: stream, accounts: [APP] }
      { service: "$SRV.>", response_type: stream, accounts: [APP] }
    ]
  }
  APP {
    jetstream: { max_mem: %[7]d, max_file: %[8]d }
    users: [ { user: %[11]s, password: %[12]s } ]
    imports: [
      { service: { account: LEAT, subject: "leat.api.>" } }
      { service: { account: LEAT, subject: "$SRV.>" } }
    ]
  }
}
no_auth_user: %[11]s
`

// limits are the bytes that the streams of each account may hold.
type limits struct{ memory, file int64 }

// passwords of the two users, new in each process; they never leave it.
type passwords struct{ leat, app string }

func newPasswords() (passwords, error) {
	var b [32]byte
	if _, err := rand.Read(b[:]); err != nil {
		return passwords{}, fmt.Errorf("make the server's passwords: %w", err)
	}
	return passwords{leat: "l" + hex.EncodeToString(b[:16]), app: "a" + hex.EncodeToString(b[16:])}, nil
}

// options builds the server's options for c (with defaults) with its store in dir.
func options(c *Config, dir string, l limits, pw passwords) (*server.Options, error) {
	sync := `"2m"`
	if c.Durability == Power {
		sync = "always"
	}
	text := fmt.Sprintf(layout, strconv.Quote(dir), l.memory, l.file, sync,
		l.memory-l.memory/3, l.file-l.file/3, l.memory/3, l.file/3,
		userLeat, strconv.Quote(pw.leat), userApp, strconv.Quote(pw.app))
	o := &server.Options{}
	if err := o.ProcessConfigString(text); err != nil {
		return nil, fmt.Errorf("configure the embedded server: %w", err)
	}
	o.ServerName = c.ServerName
	o.MaxPayload = c.MaxPayload
	o.NoSigs = true // signals belong to the command line
	o.DisableJetStreamBanner = true
	o.DontListen = c.Listen == ""
	if c.Listen != "" {
		host, port, err := splitAddr(c.Listen)
		if err != nil {
			return nil, err
		}
		o.Host, o.Port = host, portOrRandom(port)
	}
	if c.Monitor != "" {
		host, port, err := splitAddr(c.Monitor)
		if err != nil {
			return nil, err
		}
		o.HTTPHost, o.HTTPPort = host, portOrRandom(port)
	}
	return o, nil
}

// portOrRandom translates port 0, which the server takes for its default.
func portOrRandom(port int) int {
	if port == 0 {
		return server.RANDOM_PORT
	}
	return port
}

// storeLimits returns how much the streams may hold: the configured limit, or a share of the disk.
func storeLimits(c *Config) limits {
	l := limits{memory: defaultMaxMemory, file: c.MaxStore}
	if c.Memory {
		l.memory = max(c.MaxStore, defaultMaxMemory)
	}
	if l.file != 0 {
		return l
	}
	// JetStream reserves MaxBytes of every stream against this limit. Bound to the disk it would refuse topics that
	// never grow; so it is not, and a disk that is really full is told by name (see FreeBytes).
	l.file = maxStoreDefault
	return l
}

// wordsOf makes the reason of a failed start short: the server repeats its own prefixes.
func wordsOf(fatal string) string { return strings.TrimPrefix(strings.TrimSpace(fatal), "Error ") }
