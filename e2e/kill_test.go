//go:build e2e

package e2e

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/leatsql/leat/internal/pause"
)

// TestKillDev kills leat dev again and again while a client publishes. Whatever was acknowledged is in every output
// once.
func TestKillDev(t *testing.T) {
	kills := envInt(t, "LEAT_E2E_KILLS", 25)
	seed := envInt(t, "LEAT_E2E_SEED", 1)
	t.Logf("seed %d, %d kills", seed, kills)
	r := rand.New(rand.NewPCG(uint64(seed), 1))
	d, p, folder := startOrders(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	published := make(chan error, 1)
	go func() { published <- p.run(ctx, envInt(t, "LEAT_E2E_RATE", 1500)) }()
	slowest, sum := time.Duration(0), time.Duration(0)
	for k := range kills {
		pause.For(ctx, between(r, 20*time.Millisecond, 1200*time.Millisecond))
		d.Kill()
		for r.IntN(4) == 0 { // a start is killed too
			d.Launch()
			pause.For(ctx, between(r, time.Millisecond, 700*time.Millisecond))
			d.Kill()
		}
		began := time.Now()
		d.Start()
		took := time.Since(began)
		slowest, sum = max(slowest, took), sum+took
		if t.Failed() {
			t.Fatalf("after kill %d", k+1)
		}
	}
	stop()
	if err := <-published; err != nil {
		t.Fatal(err)
	}
	if err := p.upTo(t.Context(), int64(envInt(t, "LEAT_E2E_ORDERS", 0))); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	checkOrders(t, d, p, folder)
	t.Logf("%d kills: %d orders acknowledged, %d tries again; ready after %s at the mean, %s at the most; an order "+
		"waited %s at the most; "+
		"drained and checked in %s", kills, p.count(), p.retries, (sum / time.Duration(max(1, kills))).
		Round(time.Millisecond),
		slowest.Round(time.Millisecond), p.longest.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
}
