package source

import (
	"errors"

	"github.com/leatsql/leat/internal/nexmark"
)

var nexmarkKinds = map[string]nexmark.Kind{
	"nexmark_person": nexmark.Person, "nexmark_auction": nexmark.Auction, "nexmark_bid": nexmark.Bid,
}

// nexmarkEvents gives the events of one kind in their order.
type nexmarkEvents struct {
	gen  *nexmark.Generator
	kind nexmark.Kind
	at   int64 // place among the events of all kinds
	ev   nexmark.Event
}

// seek goes to the next event of the kind.
func (n *nexmarkEvents) seek() {
	for n.gen.KindOf(n.at) != n.kind {
		n.at++
	}
}

// next appends the next event as a line.
func (n *nexmarkEvents) next(dst []byte) []byte {
	n.seek()
	n.gen.Make(n.at, &n.ev)
	n.at++
	return n.ev.AppendJSON(dst)
}

func (g *Generator) openNexmark(kind nexmark.Kind, from Position) error {
	if g.EventRate < 0 || g.Group < 0 {
		return errors.New("generator: event_rate and group must not be negative")
	}
	if g.EventRate == 0 {
		g.EventRate = 1000
	}
	gen := nexmark.New(nexmark.Config{Seed: g.Seed, Rate: g.EventRate, Group: g.Group})
	g.events = &nexmarkEvents{gen: gen, kind: kind}
	if g.Limit > 0 {
		g.rowLimit = 0
		for i := range int64(g.Limit) {
			if gen.KindOf(i) == kind {
				g.rowLimit++
			}
		}
	}
	for range from.Row {
		g.events.seek()
		g.events.at++
	}
	g.row, g.first, g.chunk.Start = from.Row, from.Row, from
	return nil
}
