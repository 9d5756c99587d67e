package bench

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
)

// The trades of all workloads: 105 bytes a row, Zipf symbols, event time 10,000 rows a second, up to 200 ms out of
// order.
const (
	symbolCount  = 500
	rowsPerSec   = 10_000
	jitterMs     = 200
	firstTime    = int64(1_700_000_000_000)
	delayMs      = 1_000 // of the watermark: more than the jitter, so that no row is late
	priceScale   = 10_000
	symbolDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// trades makes the rows of the workloads, one after the other, always the same.
type trades struct {
	rng    *rand.Rand
	zipf   *rand.Zipf
	names  []string
	prices []int64 // ten-thousandths
	n      int64
}

func newTrades() *trades {
	t := &trades{rng: rand.New(rand.NewPCG(20_240_917, 4_093))}
	t.zipf = rand.NewZipf(t.rng, 1.1, 4, symbolCount-1)
	for i := range symbolCount {
		t.names = append(t.names, symbolName(i))
		t.prices = append(t.prices, 50_000+t.rng.Int64N(3_000_000))
	}
	return t
}

// symbolName is two to five letters and the number, so that names differ in length and each is unique.
func symbolName(i int) string {
	r := rand.New(rand.NewPCG(uint64(i), 77))
	var b []byte
	for range 2 + r.IntN(4) {
		b = append(b, symbolDigits[r.IntN(len(symbolDigits))])
	}
	return string(strconv.AppendInt(b, int64(i), 10))
}

// append adds the next row, without a line end.
func (t *trades) append(dst []byte) []byte {
	k := t.zipf.Uint64()
	p := max(priceScale, t.prices[k]+t.rng.Int64N(401)-200)
	t.prices[k] = p
	ts := firstTime + t.n*1000/rowsPerSec - t.rng.Int64N(jitterMs)
	dst = append(dst, `{"trade_id":`...)
	dst = strconv.AppendInt(dst, 1_000_000+t.n, 10)
	dst = append(dst, `,"symbol":"`...)
	dst = append(dst, t.names[k]...)
	dst = append(dst, `","price":"`...)
	dst = appendPrice(dst, p)
	dst = append(dst, `","volume":`...)
	dst = strconv.AppendInt(dst, 1+t.rng.Int64N(5000), 10)
	dst = append(dst, `,"ts":`...)
	dst = strconv.AppendInt(dst, ts, 10)
	dst = append(dst, `,"venue":"`...)
	dst = append(dst, venues[t.rng.IntN(len(venues))]...)
	t.n++
	return append(dst, `"}`...)
}

var (
	venues  = []string{"XNAS", "XNYS", "ARCX", "BATS", "IEXG", "EDGX"}
	sectors = []string{"tech", "energy", "health", "finance", "retail", "utility", "metals", "media"}
)

// appendLast adds a row so late that it closes every window of the rows before; its symbol is no other row's.
func (t *trades) appendLast(dst []byte) []byte {
	dst = append(dst, `{"trade_id":1,"symbol":"`...)
	dst = append(dst, lastSymbol...)
	dst = append(dst, `","price":"1.0000","volume":1,"ts":`...)
	dst = strconv.AppendInt(dst, firstTime+t.n*1000/rowsPerSec+600_000, 10)
	return append(dst, `,"venue":"NONE"}`...)
}

const lastSymbol = "LAST"

// appendPrice writes ten-thousandths with four places.
func appendPrice(dst []byte, p int64) []byte {
	dst = strconv.AppendInt(dst, p/priceScale, 10)
	f := p % priceScale
	return append(dst, '.', byte('0'+f/1000), byte('0'+f/100%10), byte('0'+f/10%10), byte('0'+f%10))
}

// writeTrades writes n rows as lines.
func writeTrades(path string, n int) error {
	return writeFile(path, func(w *bufio.Writer) error {
		t := newTrades()
		var line []byte
		for range n {
			line = append(t.append(line[:0]), '\n')
			if _, err := w.Write(line); err != nil {
				return err
			}
		}
		return nil
	})
}

// writeSymbols writes the table of W4.
func writeSymbols(path string) error {
	return writeFile(path, func(w *bufio.Writer) error {
		for i := range symbolCount {
			if _, err := fmt.Fprintf(w, `{"symbol":"%s","sector":"%s","lot":%d}`+"\n", symbolName(i),
				sectors[i%len(sectors)], 1+i%100); err != nil {
				return err
			}
		}
		return nil
	})
}

// writeGroups writes n rows of a key out of keys, all keys equally often, in an order without locality: a BIGINT or,
// with text, a string of 12 bytes.
func writeGroups(path string, n, keys int, text bool) error {
	return writeFile(path, func(w *bufio.Writer) error {
		var line []byte
		for i := range n {
			k := spread(i%keys, keys)
			line = append(line[:0], `{"k":`...)
			line = appendGroupKey(line, k, text)
			line = append(line, `,"v":`...)
			line = strconv.AppendInt(line, int64(i%1000), 10)
			line = append(line, `,"ts":`...)
			line = strconv.AppendInt(line, firstTime+int64(i/1000), 10)
			line = append(line, '}', '\n')
			if _, err := w.Write(line); err != nil {
				return err
			}
		}
		return nil
	})
}

// spread is a permutation of 0..n-1 that leaves no neighbours beside each other: the multiplier is prime and divides no
// n of ours.
func spread(i, n int) int { return int(uint64(i) * 2_654_435_761 % uint64(n)) }

func appendGroupKey(dst []byte, k int, text bool) []byte {
	if !text {
		return strconv.AppendInt(dst, int64(k), 10)
	}
	dst = append(dst, `"key`...)
	digits := strconv.Itoa(k)
	for range 9 - len(digits) {
		dst = append(dst, '0')
	}
	return append(append(dst, digits...), '"')
}

func writeFile(path string, f func(*bufio.Writer) error) (err error) {
	h, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("make the input: %w", err)
	}
	defer func() {
		if e := h.Close(); err == nil && e != nil {
			err = fmt.Errorf("close %s: %w", path, e)
		}
	}()
	w := bufio.NewWriterSize(h, 1<<18)
	if err := f(w); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// each calls f with every line of path, in blocks read at once.
func each(path string, f func(line []byte) error) error {
	h, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open the input: %w", err)
	}
	defer h.Close()
	sc := bufio.NewScanner(h)
	sc.Buffer(make([]byte, 1<<18), 1<<20)
	for sc.Scan() {
		if err := f(sc.Bytes()); err != nil {
			return err
		}
	}
	if err := sc.Err(); err != nil && err != io.EOF { //nolint:errorlint // a scanner returns its own
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}
