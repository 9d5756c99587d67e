package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sort"
	"strconv"
	"time"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// Generator makes a market: trades or quotes as JSON lines, or the events of the Nexmark benchmark. Row n is a function
// of the seed and n alone, so that it goes on exactly where it stopped; the clock only decides when a row comes, never
// what is in it.
type Generator struct {
	Kind    string // trades (default), quotes, nexmark_person, nexmark_auction or nexmark_bid
	Seed    uint64
	Rate    float64 // rows a second; 0 is as fast as they are taken
	Limit   uint64  // rows in all; 0 is no end
	Symbols int     // default 500; their shares follow a Zipf law
	StartMs int64   // event time of row 0; default 2023-11-14T22:13:20Z
	// EventRate (events a second of event time, default 1000) and Group (events within which the order is shuffled)
	// belong to nexmark; there Limit counts the events of all kinds.
	EventRate, Group int64
	// Late and Malformed are shares of all rows, default 0.01 and 0.001; negative is none.
	Late, Malformed float64

	rowLimit uint64 // rows of this kind in all, 0 is no end
	row      uint64
	first    uint64 // row at which this run began
	began    time.Time
	shares   []float64 // cumulative
	chunk    Chunk
	buf      []byte
	write    func(dst []byte, g *Generator, r roll) []byte
	events   *nexmarkEvents
}

const (
	generatorStart = 1_700_000_000_000
	generatorBatch = 4096
	generatorTick  = 50 * time.Millisecond // rows come in bursts, so that messages hold some
)

var generatorKinds = map[string]func([]byte, *Generator, roll) []byte{
	"": appendTrade, "trades": appendTrade, "quotes": appendQuote,
}

// GeneratorSchema returns the columns of a kind.
func GeneratorSchema(kind string) (*vector.Schema, bool) {
	f := func(name string, t vector.Type) vector.Field { return vector.Field{Name: name, Type: t} }
	price := vector.TDecimal(18, 4)
	switch kind {
	case "trades":
		return &vector.Schema{Fields: []vector.Field{
			f("trade_id", vector.TBigInt), f("symbol", vector.TString),
			f("price", price), f("volume", vector.TBigInt), f("ts", vector.TBigInt), f("venue", vector.TString),
		}}, true
	case "quotes":
		return &vector.Schema{Fields: []vector.Field{
			f("quote_id", vector.TBigInt), f("symbol", vector.TString),
			f("bid", price), f("bid_size", vector.TBigInt), f("ask", price), f("ask_size", vector.TBigInt),
			f("ts", vector.TBigInt), f("venue", vector.TString),
		}}, true
	}
	return nil, false
}

// GeneratorOf reads the options of a statement: rate, limit, seed, symbols, start, late, malformed, event_rate, group.
func GeneratorOf(kind string, options map[string]string) (*Generator, error) {
	g := &Generator{Kind: kind, Seed: 1}
	read := map[string]func(string) error{
		"rate":       func(v string) (err error) { g.Rate, err = strconv.ParseFloat(v, 64); return err },
		"limit":      func(v string) (err error) { g.Limit, err = strconv.ParseUint(v, 10, 63); return err },
		"seed":       func(v string) (err error) { g.Seed, err = strconv.ParseUint(v, 10, 64); return err },
		"symbols":    func(v string) (err error) { g.Symbols, err = strconv.Atoi(v); return err },
		"start":      func(v string) (err error) { g.StartMs, err = strconv.ParseInt(v, 10, 64); return err },
		"event_rate": func(v string) (err error) { g.EventRate, err = strconv.ParseInt(v, 10, 63); return err },
		"group":      func(v string) (err error) { g.Group, err = strconv.ParseInt(v, 10, 63); return err },
		"late":       func(v string) (err error) { g.Late, err = strconv.ParseFloat(v, 64); return err },
		"malformed":  func(v string) (err error) { g.Malformed, err = strconv.ParseFloat(v, 64); return err },
	}
	var errs []error
	for name, v := range options { // any order: each sets a field of its own
		f, ok := read[name]
		if !ok {
			continue // partitions and the like are not ours
		}
		if err := f(v); err != nil {
			errs = append(errs, fmt.Errorf("generator option %s: %q is no number", name, v))
		}
	}
	if g.Symbols < 0 || g.Symbols > 1_000_000 || g.Rate < 0 || math.IsNaN(g.Rate) {
		errs = append(errs, errors.New("generator: symbols must be 0 to 1,000,000 and rate not negative"))
	}
	return g, errors.Join(errs...)
}

// Open implements Source.
func (g *Generator) Open(_ context.Context, from Position) error {
	if kind, ok := nexmarkKinds[g.Kind]; ok {
		return g.openNexmark(kind, from)
	}
	write, ok := generatorKinds[g.Kind]
	if !ok {
		return fmt.Errorf("generator %q: want trades, quotes, nexmark_person, nexmark_auction or nexmark_bid", g.Kind)
	}
	g.write = write
	if g.Symbols == 0 {
		g.Symbols = 500
	}
	if g.StartMs == 0 {
		g.StartMs = generatorStart
	}
	g.Late, g.Malformed = share(g.Late, 0.01), share(g.Malformed, 0.001)
	sum := 0.0
	g.shares = make([]float64, g.Symbols)
	for k := range g.shares {
		sum += math.Pow(float64(k+4), -1.1)
		g.shares[k] = sum
	}
	for k := range g.shares {
		g.shares[k] /= sum
	}
	g.row, g.first, g.chunk.Start, g.rowLimit = from.Row, from.Row, from, g.Limit
	return nil
}

func share(v, usual float64) float64 {
	switch {
	case v == 0:
		return usual
	case v < 0:
		return 0
	}
	return v
}

// Next implements Source.
func (g *Generator) Next(ctx context.Context) (*Chunk, error) {
	if len(g.buf) > 0 {
		g.chunk.Start.Offset += int64(g.chunk.Used)
		g.buf = g.buf[:copy(g.buf, g.buf[g.chunk.Used:])]
	}
	if g.rowLimit > 0 && g.row >= g.rowLimit && len(g.buf) == 0 {
		return nil, io.EOF
	}
	n, more, err := g.due(ctx)
	if err != nil {
		return nil, err
	}
	for range n {
		g.buf = g.append(g.buf, g.row)
		g.row++
	}
	start := g.chunk.Start
	g.chunk = Chunk{Data: g.buf, Start: start, Subject: "generator:" + g.Kind, More: more}
	return &g.chunk, nil
}

// due waits until a row is due and returns how many are, and whether more are due at once.
func (g *Generator) due(ctx context.Context) (n uint64, more bool, err error) {
	left := uint64(generatorBatch)
	if g.rowLimit > 0 {
		left = min(left, g.rowLimit-g.row)
	}
	if g.Rate == 0 {
		return left, true, context.Cause(ctx)
	}
	if g.began.IsZero() {
		g.began = time.Now()
	}
	for {
		if err := ctx.Err(); err != nil {
			return 0, false, context.Cause(ctx)
		}
		due := uint64(time.Since(g.began).Seconds()*g.Rate) + g.first + 1
		if due > g.row || len(g.buf) > 0 {
			n = min(due-min(due, g.row), left)
			return n, due > g.row+n, nil
		}
		timer := time.NewTimer(generatorTick)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// Commit implements Source.
func (g *Generator) Commit(context.Context, Position) error { return nil }

// Close implements Source.
func (g *Generator) Close() error { return nil }

// roll is the dice of a row.
type roll struct {
	row    uint64
	state  uint64
	symbol int
	ts     int64
}

// next returns the next number of splitmix64.
func (r *roll) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	return mix(r.state)
}

func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// unit returns the next number in [0, 1).
func (r *roll) unit() float64 { return float64(r.next()>>11) / (1 << 53) }

// append appends row n as a line.
func (g *Generator) append(dst []byte, n uint64) []byte {
	if g.events != nil {
		return g.events.next(dst)
	}
	r := roll{row: n, state: mix(g.Seed) ^ mix(n*0x9e3779b97f4a7c15+1)}
	r.symbol = sort.SearchFloat64s(g.shares, r.unit())
	r.symbol = min(r.symbol, g.Symbols-1)
	rate := g.Rate
	if rate == 0 {
		rate = 1000
	}
	r.ts = g.StartMs + int64(float64(n)*1000/rate)
	if r.unit() < g.Late {
		r.ts = max(0, r.ts-1000-int64(r.next()%29_000))
	}
	broken := r.unit() < g.Malformed
	at := len(dst)
	dst = g.write(dst, g, r)
	if broken {
		dst = spoil(dst, at, r.next())
	}
	return append(dst, '\n')
}

// spoil makes a row that no decoder takes: cut off, or with a price that is no number.
func spoil(dst []byte, at int, dice uint64) []byte {
	if dice%2 == 0 {
		return dst[:at+(len(dst)-at)/2]
	}
	return append(dst[:len(dst)-1], `,"ts":"n/a"}`...)
}

// price returns the price of a symbol at a row, in ten-thousandths: a random walk that can be entered anywhere. It is
// the sum of smooth noises of several wavelengths, hashed from seed and symbol.
func (g *Generator) price(symbol int, row uint64) int64 {
	base := 5 + float64(mix(g.Seed+uint64(symbol)*31)%49_500)/100
	x := 0.0
	for i, wave := range [...]uint64{1 << 18, 1 << 14, 1 << 10, 1 << 6} {
		k, part := row/wave, float64(row%wave)/float64(wave)
		part = part * part * (3 - 2*part)
		salt := g.Seed ^ uint64(symbol)<<20 ^ uint64(i)<<60
		a, b := noise(salt, k), noise(salt, k+1)
		x += (a + (b-a)*part) * [...]float64{0.2, 0.05, 0.01, 0.002}[i]
	}
	return int64(base * (1 + x) * 100 * 100)
}

// noise returns a number in [-1, 1) for a point of a lattice.
func noise(salt, k uint64) float64 { return float64(int64(mix(salt^mix(k)))) / (1 << 63) }

var venues = [...]string{"XNAS", "XNYS", "ARCX", "BATS"}

func appendTrade(dst []byte, g *Generator, r roll) []byte {
	dst = strconv.AppendUint(append(dst, `{"trade_id":`...), 1_000_000+r.row, 10)
	dst = appendSymbol(dst, r.symbol)
	dst = vector.AppendDecimal(append(dst, `,"price":"`...), vector.FromInt64(g.price(r.symbol, r.row)), 4)
	dst = strconv.AppendUint(append(dst, `","volume":`...), 1+r.next()%5000, 10)
	return appendEnd(dst, &r)
}

func appendQuote(dst []byte, g *Generator, r roll) []byte {
	mid := g.price(r.symbol, r.row)
	half := max(50, mid/4000/50*50)
	dst = strconv.AppendUint(append(dst, `{"quote_id":`...), 1_000_000+r.row, 10)
	dst = appendSymbol(dst, r.symbol)
	dst = vector.AppendDecimal(append(dst, `,"bid":"`...), vector.FromInt64(mid-half), 4)
	dst = strconv.AppendUint(append(dst, `","bid_size":`...), 100*(1+r.next()%50), 10)
	dst = vector.AppendDecimal(append(dst, `,"ask":"`...), vector.FromInt64(mid+half), 4)
	dst = strconv.AppendUint(append(dst, `","ask_size":`...), 100*(1+r.next()%50), 10)
	return appendEnd(dst, &r)
}

func appendSymbol(dst []byte, k int) []byte {
	dst = strconv.AppendInt(append(dst, `,"symbol":"SYM`...), int64(k), 10)
	return append(dst, '"')
}

func appendEnd(dst []byte, r *roll) []byte {
	dst = strconv.AppendInt(append(dst, `,"ts":`...), r.ts, 10)
	dst = append(append(dst, `,"venue":"`...), venues[r.next()%4]...)
	return append(dst, `"}`...)
}
