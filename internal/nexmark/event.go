package nexmark

import "strconv"

func decimal(v int64) string { return strconv.FormatInt(v, 10) }

// Kind is what an event is.
type Kind uint8

// The kinds: of each 50 events one is a person, three are auctions, 46 are bids.
const (
	Person Kind = iota
	Auction
	Bid
)

var kindNames = [...]string{"person", "auction", "bid"}

func (k Kind) String() string { return kindNames[k] }

const (
	baseTime      = 1436918400000 // 2015-07-15T00:00Z
	perGroup      = 50
	auctionsEach  = 3
	firstID       = 1000
	firstCategory = 10
)

// Config is what a generator makes.
type Config struct {
	Seed uint64
	Rate int64 // events a second of event time
	// Group is the number of events within which the order is shuffled; 1 is in order.
	Group int64
}

// Generator makes events. One goroutine uses it.
type Generator struct {
	cfg Config
	s   *statics
}

// New returns a generator; it takes some milliseconds to make what all events share.
func New(cfg Config) *Generator {
	if cfg.Group < 1 {
		cfg.Group = 1
	}
	return &Generator{cfg: cfg, s: newStatics(cfg.Seed)}
}

// Event is one event. Numbers beyond the kind's own are zero; the byte slices are good until the next call.
type Event struct {
	Kind Kind
	Time int64 // ms since the epoch
	ID   int64 // of a person or auction
	// Person
	Name, Email, Card, City, State []byte
	// Auction
	ItemName, Description                          []byte
	InitialBid, Reserve, Expires, Seller, Category int64
	// Bid
	Auction, Bidder, Price int64
	Channel, URL           string
	Extra                  []byte
}

// number returns the event that stands at place i of the output.
func (g *Generator) number(i int64) int64 {
	return i/g.cfg.Group*g.cfg.Group + i*953%g.cfg.Group
}

func (g *Generator) time(e int64) int64 { return baseTime + e*1000/g.cfg.Rate }

// KindOf tells the kind of the event at place i without making it.
func (g *Generator) KindOf(i int64) Kind {
	switch o := g.number(i) % perGroup; {
	case o == 0:
		return Person
	case o <= auctionsEach:
		return Auction
	default:
		return Bid
	}
}

// Make fills ev with the event at place i of the output.
func (g *Generator) Make(i int64, ev *Event) {
	e := g.number(i)
	r := newRandom(g.cfg.Seed, uint64(e))
	group, o := e/perGroup, e%perGroup
	persons := group
	auctions := auctionsEach*group + auctionsEach - 1
	if o == 0 {
		auctions = auctionsEach*(group-1) + auctionsEach - 1
	} else if o <= auctionsEach {
		auctions = auctionsEach*group + o - 1
	}
	ev.Kind, ev.Time = g.KindOf(i), g.time(e)
	switch ev.Kind {
	case Person:
		ev.ID = firstID + persons
		g.person(&r, ev)
	case Auction:
		ev.ID = firstID + auctions
		g.auction(&r, ev, e, persons)
	case Bid:
		g.bid(&r, ev, persons, auctions)
	}
}

func somePerson(r *random, newest int64) int64 {
	n := newest + 1
	active := min(n, 1000)
	return n - active + r.int(active+10)
}

func someAuction(r *random, newest int64) int64 {
	first := max(newest-100, 0)
	return first + r.int(newest-first+1+10)
}

func (g *Generator) person(r *random, ev *Event) {
	ev.Name = append(append(append(ev.Name[:0], r.pick(givenNames)...), ' '), r.pick(familyNames)...)
	ev.Email = append(r.text(ev.Email[:0], 7, ' '), '@')
	domain := r.text(nil, 5, ' ')
	ev.Email = append(append(ev.Email, domain...), ".com"...)
	ev.Card = ev.Card[:0]
	for i := range 4 {
		if i > 0 {
			ev.Card = append(ev.Card, ' ')
		}
		n := r.int(10000)
		ev.Card = append(ev.Card, byte('0'+n/1000), byte('0'+n/100%10), byte('0'+n/10%10), byte('0'+n%10))
	}
	ev.City = append(ev.City[:0], r.pick(cities)...)
	ev.State = append(ev.State[:0], r.pick(states)...)
	have := len(ev.Name) + len(ev.Email) + len(ev.Card) + len(ev.City) + len(ev.State)
	ev.Extra = r.extra(ev.Extra[:0], g.s, int64(8+have), 200)
}

func (g *Generator) auction(r *random, ev *Event, e, persons int64) {
	if r.int(4) > 0 {
		ev.Seller = persons / 100 * 100
	} else {
		ev.Seller = somePerson(r, persons)
	}
	ev.Seller += firstID
	ev.Category = firstCategory + r.int(5)
	ev.InitialBid = r.price()
	horizon := g.time(e+1666) - ev.Time
	ev.Expires = ev.Time + 1 + r.int(max(2*horizon, 1))
	ev.ItemName = r.text(ev.ItemName[:0], 20, ' ')
	ev.Description = r.text(ev.Description[:0], 100, ' ')
	ev.Reserve = ev.InitialBid + r.price()
	ev.Extra = r.extra(ev.Extra[:0], g.s, int64(48+len(ev.ItemName)+len(ev.Description)), 500)
}

func (g *Generator) bid(r *random, ev *Event, persons, auctions int64) {
	if r.int(2) > 0 {
		ev.Auction = auctions / 100 * 100
	} else {
		ev.Auction = someAuction(r, auctions)
	}
	if r.int(4) > 0 {
		ev.Bidder = persons/100*100 + 1
	} else {
		ev.Bidder = somePerson(r, persons)
	}
	ev.Auction, ev.Bidder = ev.Auction+firstID, ev.Bidder+firstID
	ev.Price = r.price()
	if r.int(2) > 0 {
		i := r.int(int64(len(hotChannels)))
		ev.Channel, ev.URL = hotChannels[i], g.s.hotURLs[i]
	} else {
		i := r.int(channelCount)
		ev.Channel, ev.URL = g.s.channels[i], g.s.urls[i]
	}
	ev.Extra = r.extra(ev.Extra[:0], g.s, 32, 100)
}
