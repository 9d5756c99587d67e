package rig

import (
	"context"
	"net"
	"testing"
	"time"
)

const pollEvery = 20 * time.Millisecond

// Until polls until ok answers true; after most it fails the test with the last words of ok.
func Until(t testing.TB, most time.Duration, what string, ok func() (bool, string)) {
	t.Helper()
	deadline := time.Now().Add(most)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		done, words := ok()
		if done {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s: %s", what, most, words)
		}
		<-tick.C
	}
}

// FreeAddr returns an address on loopback that nobody listens on.
func FreeAddr(t testing.TB) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
