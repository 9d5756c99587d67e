package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"
)

// limitProgram does one workload as fast as it can be done by one goroutine when the schema is known: what the machine
// allows.
type limitProgram struct {
	w      *bufio.Writer
	buf    []byte
	names  *names
	sector [][]byte
	lot    []int64
	panes  panes
	rows   int64
	sum    int64 // of everything scanned, so that nothing is left out
}

// runLimit reads in and writes the answer of a workload: scan, w1 to w4. It returns the rows read.
func runLimit(workload, in, table string, out io.Writer) (int64, error) {
	p := &limitProgram{w: bufio.NewWriterSize(out, 1<<18), names: newNames()}
	step, ok := map[string]func(*trade){
		"scan": p.scan, "w1": p.filter, "w2": p.window, "w3": p.window,
		"w4": p.join,
	}[workload]
	if !ok {
		return 0, fmt.Errorf("no limit program for %q", workload)
	}
	p.panes = panes{size: 1000, hop: 1000, p: p}
	if workload == "w3" {
		p.panes.size, p.panes.hop = 60_000, 5_000
	}
	if workload == "w4" {
		if err := p.load(table); err != nil {
			return 0, err
		}
	}
	var t trade
	err := eachLine(in, func(line []byte) error {
		if err := scanTrade(line, p.names, &t); err != nil {
			return fmt.Errorf("row %d: %w", p.rows, err)
		}
		p.rows++
		step(&t)
		return nil
	})
	if err != nil {
		return 0, err
	}
	p.panes.close(1 << 62)
	if err := p.w.Flush(); err != nil {
		return 0, fmt.Errorf("write the answer: %w", err)
	}
	return p.rows, nil
}

func (p *limitProgram) scan(t *trade) {
	p.sum += t.price + t.volume + t.time + int64(t.symbol) + int64(len(t.venue))
}

var xnas = []byte("XNAS")

func (p *limitProgram) filter(t *trade) {
	if t.volume <= 1000 || !bytes.Equal(t.venue, xnas) {
		return
	}
	b := append(p.buf[:0], `{"symbol":"`...)
	b = append(b, p.names.all[t.symbol]...)
	b = append(b, `","price":`...)
	b = appendPrice(b, t.price)
	b = append(b, `,"notional":`...)
	b = appendPrice(b, t.price*t.volume)
	p.put(append(b, "}\n"...))
}

func (p *limitProgram) join(t *trade) {
	if int(t.symbol) >= len(p.lot) {
		return
	}
	b := append(p.buf[:0], `{"symbol":"`...)
	b = append(b, p.names.all[t.symbol]...)
	b = append(b, `","sector":"`...)
	b = append(b, p.sector[t.symbol]...)
	b = append(b, `","price":`...)
	b = appendPrice(b, t.price)
	b = append(b, `,"shares":`...)
	b = strconv.AppendInt(b, t.volume*p.lot[t.symbol], 10)
	p.put(append(b, "}\n"...))
}

func (p *limitProgram) window(t *trade) { p.panes.add(t) }

// put writes a row; an error stays in the writer until Flush.
func (p *limitProgram) put(b []byte) {
	p.buf = b
	p.w.Write(b) //nolint:errcheck // Flush returns it
}

// load reads the symbols: codes are their order, as in the table.
func (p *limitProgram) load(table string) error {
	return eachLine(table, func(line []byte) error {
		var k, v [3][]byte
		if n := jsonFields(line, k[:], v[:]); n != 3 {
			return fmt.Errorf("symbols: %w", errShape)
		}
		lot, err := strconv.ParseInt(string(v[2]), 10, 64)
		if err != nil {
			return fmt.Errorf("symbols: %w", err)
		}
		p.names.code(v[0])
		p.sector = append(p.sector, bytes.Clone(v[1]))
		p.lot = append(p.lot, lot)
		return nil
	})
}

// stat is COUNT, SUM, MIN and MAX of a price.
type stat struct{ n, sum, lo, hi int64 }

func (a *stat) merge(b stat) {
	if b.n == 0 {
		return
	}
	if a.n == 0 {
		*a = b
		return
	}
	a.n += b.n
	a.sum += b.sum
	a.lo, a.hi = min(a.lo, b.lo), max(a.hi, b.hi)
}

// panes are statistics by hop and symbol; a window is the sum of size/hop of them.
type panes struct {
	p         *limitProgram
	size, hop int64
	byHop     map[int64][]stat
	current   []stat
	at        int64 // hop of current
	maxTime   int64
	next      int64 // start of the oldest window that is open
	total     []stat
}

func (a *panes) add(t *trade) {
	if h := t.time / a.hop; h != a.at {
		a.turn(h)
	}
	if int(t.symbol) >= len(a.current) {
		a.current = append(a.current, make([]stat, int(t.symbol)+64-len(a.current))...)
		a.byHop[a.at] = a.current
	}
	s := &a.current[t.symbol]
	if s.n == 0 {
		*s = stat{1, t.price, t.price, t.price}
	} else {
		s.n++
		s.sum += t.price
		s.lo, s.hi = min(s.lo, t.price), max(s.hi, t.price)
	}
	if t.time > a.maxTime {
		a.maxTime = t.time
		if t.time-delayMs >= a.next+a.size {
			a.close(t.time - delayMs)
		}
	}
}

// turn makes hop h the current one.
func (a *panes) turn(h int64) {
	if a.byHop == nil {
		a.byHop = map[int64][]stat{}
		a.next = (h-2)*a.hop - a.size // rows may come from a little before the first
	}
	a.current, a.at = a.byHop[h], h
}

// close writes the windows that end at or before the watermark.
func (a *panes) close(watermark int64) {
	for len(a.byHop) > 0 && a.next+a.size <= watermark && a.next <= a.maxTime {
		a.emit(a.next)
		delete(a.byHop, a.next/a.hop)
		if a.at == a.next/a.hop {
			a.at = -1 // the next row looks its hop up
		}
		a.next += a.hop
	}
}

func (a *panes) emit(start int64) {
	clear(a.total)
	for s := start; s < start+a.size; s += a.hop {
		pane := a.byHop[s/a.hop]
		if len(a.total) < len(pane) {
			a.total = append(a.total, make([]stat, len(pane)-len(a.total))...)
		}
		for i := range pane {
			a.total[i].merge(pane[i])
		}
	}
	for i := range a.total {
		if a.total[i].n > 0 {
			a.p.put(appendStat(a.p.buf[:0], a.p.names.all[i], start, &a.total[i]))
		}
	}
}

// appendStat writes a row of W2 and W3.
func appendStat(b, symbol []byte, start int64, s *stat) []byte {
	b = append(b, `{"symbol":"`...)
	b = append(b, symbol...)
	b = append(b, `","window_start":`...)
	b = strconv.AppendInt(b, start, 10)
	b = append(b, `,"n":`...)
	b = strconv.AppendInt(b, s.n, 10)
	b = append(b, `,"avg":`...)
	b = appendAverage(b, s.sum, s.n)
	b = append(b, `,"lo":`...)
	b = appendPrice(b, s.lo)
	b = append(b, `,"hi":`...)
	b = appendPrice(b, s.hi)
	return append(b, "}\n"...)
}

// averagePlaces are the places of AVG behind the four of a price: 16 together.
const averagePlaces = 1_000_000_000_000

// appendAverage writes the exact average with 16 places, rounded half up; n is below ten million.
func appendAverage(b []byte, sum, n int64) []byte {
	whole, rest := sum/n, uint64(sum%n)
	places := (rest*averagePlaces + uint64(n)/2) / uint64(n)
	if places == averagePlaces {
		whole, places = whole+1, 0
	}
	b = appendPrice(b, whole)
	at := len(b)
	b = append(b, "000000000000"...)
	for i := len(b) - 1; i >= at; i-- {
		b[i] = byte('0' + places%10)
		places /= 10
	}
	return b
}
