package bench

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
)

// handProgram is what a Go developer writes instead of SQL: encoding/json into structs, a map of groups, float64. It is
// what Leat is to beat, and an oracle of its own: nothing is shared with the limit programs.
type handProgram struct {
	enc    *json.Encoder
	table  map[string]handSymbol
	size   int64
	hop    int64
	groups map[handKey]*handGroup
	latest int64
	closed int64
	emit   func(handResult) error
}

type handTrade struct {
	TradeID int64  `json:"trade_id"`
	Symbol  string `json:"symbol"`
	Price   string `json:"price"`
	Volume  int64  `json:"volume"`
	TS      int64  `json:"ts"`
	Venue   string `json:"venue"`
}

type handSymbol struct {
	Symbol string `json:"symbol"`
	Sector string `json:"sector"`
	Lot    int64  `json:"lot"`
}

type handKey struct {
	symbol string
	start  int64
}

type handGroup struct {
	n           int64
	sum, lo, hi float64
}

type handResult struct {
	Symbol string  `json:"symbol"`
	Start  int64   `json:"window_start"`
	N      int64   `json:"n"`
	Avg    float64 `json:"avg"`
	Lo     float64 `json:"lo"`
	Hi     float64 `json:"hi"`
}

// runHand reads in and writes the answer of a workload, w1 to w4. It returns the rows read.
func runHand(workload, in, table string, out io.Writer) (int64, error) {
	w := bufio.NewWriterSize(out, 1<<18)
	p := newHand(workload, json.NewEncoder(w))
	step, ok := map[string]func(*handTrade) error{
		"w1": p.filter, "w2": p.window, "w3": p.window,
		"w4": p.join,
	}[workload]
	if !ok {
		return 0, fmt.Errorf("no program written by hand for %q", workload)
	}
	if workload == "w4" {
		if err := p.load(table); err != nil {
			return 0, err
		}
	}
	var rows int64
	err := each(in, func(line []byte) error {
		var t handTrade
		if err := json.Unmarshal(line, &t); err != nil {
			return fmt.Errorf("row %d: %w", rows, err)
		}
		rows++
		return step(&t)
	})
	if err != nil {
		return 0, err
	}
	if err := p.close(1 << 62); err != nil {
		return 0, err
	}
	if err := w.Flush(); err != nil {
		return 0, fmt.Errorf("write the answer: %w", err)
	}
	return rows, nil
}

func newHand(workload string, enc *json.Encoder) *handProgram {
	p := &handProgram{enc: enc, table: map[string]handSymbol{}, size: 1000, hop: 1000, groups: map[handKey]*handGroup{}}
	if workload == "w3" {
		p.size, p.hop = 60_000, 5_000
	}
	p.emit = func(r handResult) error { return p.enc.Encode(r) }
	return p
}

func (p *handProgram) load(table string) error {
	return each(table, func(line []byte) error {
		var s handSymbol
		if err := json.Unmarshal(line, &s); err != nil {
			return fmt.Errorf("symbols: %w", err)
		}
		p.table[s.Symbol] = s
		return nil
	})
}

func (p *handProgram) filter(t *handTrade) error {
	if t.Venue != "XNAS" || t.Volume <= 1000 {
		return nil
	}
	price, err := strconv.ParseFloat(t.Price, 64)
	if err != nil {
		return fmt.Errorf("price: %w", err)
	}
	return p.enc.Encode(struct {
		Symbol   string  `json:"symbol"`
		Price    string  `json:"price"`
		Notional float64 `json:"notional"`
	}{t.Symbol, t.Price, price * float64(t.Volume)})
}

func (p *handProgram) join(t *handTrade) error {
	s, ok := p.table[t.Symbol]
	if !ok {
		return nil
	}
	return p.enc.Encode(struct {
		Symbol string `json:"symbol"`
		Sector string `json:"sector"`
		Price  string `json:"price"`
		Shares int64  `json:"shares"`
	}{t.Symbol, s.Sector, t.Price, t.Volume * s.Lot})
}

func (p *handProgram) window(t *handTrade) error {
	price, err := strconv.ParseFloat(t.Price, 64)
	if err != nil {
		return fmt.Errorf("price: %w", err)
	}
	for start := t.TS - t.TS%p.hop; start > t.TS-p.size; start -= p.hop {
		k := handKey{t.Symbol, start}
		g := p.groups[k]
		if g == nil {
			g = &handGroup{lo: price, hi: price}
			p.groups[k] = g
		}
		g.n++
		g.sum += price
		g.lo, g.hi = min(g.lo, price), max(g.hi, price)
	}
	if t.TS <= p.latest {
		return nil
	}
	p.latest = t.TS
	if hop := (t.TS - delayMs) / p.hop; hop != p.closed {
		p.closed = hop
		return p.close(t.TS - delayMs)
	}
	return nil
}

// close emits the windows that end at or before the watermark.
func (p *handProgram) close(watermark int64) error {
	for k, g := range p.groups { // any order: the order of its rows is not part of the answer
		if k.start+p.size > watermark {
			continue
		}
		if err := p.emit(handResult{k.symbol, k.start, g.n, g.sum / float64(g.n), g.lo, g.hi}); err != nil {
			return fmt.Errorf("write a result: %w", err)
		}
		delete(p.groups, k)
	}
	return nil
}
