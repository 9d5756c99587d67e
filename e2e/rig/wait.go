package rig

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"
)

const pollEvery = 20 * time.Millisecond

// Until polls until ok answers true; after most it fails the test with the last words of ok.
func Until(tb testing.TB, most time.Duration, what string, ok func() (bool, string)) {
	tb.Helper()
	deadline := time.Now().Add(most)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		done, words := ok()
		if done {
			return
		}
		if time.Now().After(deadline) {
			tb.Fatalf("%s: not within %s: %s", what, most, words)
		}
		<-tick.C
	}
}

// handedOut are the addresses that tests of this process have: none is given twice.
var handedOut sync.Map

// FreeAddr returns an address on loopback that nobody listens on and no other test has.
func FreeAddr(tb testing.TB) string {
	tb.Helper()
	for {
		var lc net.ListenConfig
		l, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			tb.Fatal(err)
		}
		addr := l.Addr().String()
		if err := l.Close(); err != nil {
			tb.Fatal(err)
		}
		if _, taken := handedOut.LoadOrStore(addr, true); !taken {
			return addr
		}
	}
}
