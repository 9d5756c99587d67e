package bench

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
)

// trade is a row of the workloads as the limit programs keep it: numbers, and bytes that alias the line.
type trade struct {
	symbol int32 // code of names
	price  int64 // ten-thousandths
	volume int64
	time   int64
	venue  []byte
}

var errShape = errors.New("not a row of the workload")

// scanTrade is a scanner for this one schema: known keys, no escapes, no nulls, decimals with four places at most.
func scanTrade(b []byte, names *names, t *trade) error {
	if len(b) < 2 || b[len(b)-1] != '}' {
		return errShape
	}
	for i := 0; i < len(b)-1; {
		i += 2 // brace or comma, quote
		key := i
		for b[i] != '"' {
			i++
		}
		kind, length := b[key], i-key
		i += 2 // quote, colon
		if b[i] == '"' {
			i++
			from := i
			for b[i] != '"' {
				i++
			}
			switch v := b[from:i]; kind {
			case 's':
				t.symbol = names.code(v)
			case 'p':
				t.price = scanPrice(v)
			default:
				t.venue = v
			}
			i++
			continue
		}
		var n int64
		for ; b[i]-'0' <= 9; i++ {
			n = n*10 + int64(b[i]-'0')
		}
		switch {
		case kind == 'v':
			t.volume = n
		case length == 2:
			t.time = n
		}
	}
	return nil
}

// scanPrice reads a decimal of up to four places as ten-thousandths.
func scanPrice(b []byte) int64 {
	var n int64
	places := -1
	for _, c := range b {
		if c == '.' {
			places = 0
			continue
		}
		n = n*10 + int64(c-'0')
		if places >= 0 {
			places++
		}
	}
	for places = max(places, 0); places < 4; places++ {
		n *= 10
	}
	return n
}

// names gives strings dense codes.
type names struct {
	slots []int32 // code + 1
	all   [][]byte
}

func newNames() *names { return &names{slots: make([]int32, 1<<12)} }

func (n *names) code(b []byte) int32 {
	mask := uint64(len(n.slots) - 1)
	for i := hashName(b) & mask; ; i = (i + 1) & mask {
		s := n.slots[i]
		if s == 0 {
			n.all = append(n.all, bytes.Clone(b))
			n.slots[i] = int32(len(n.all))
			return int32(len(n.all) - 1)
		}
		if bytes.Equal(n.all[s-1], b) {
			return s - 1
		}
	}
}

// hashName mixes the first and the last eight bytes, which tell all symbols apart.
func hashName(b []byte) uint64 {
	var lo, hi uint64
	switch {
	case len(b) >= 8:
		lo, hi = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[len(b)-8:])
	case len(b) >= 4:
		lo, hi = uint64(binary.LittleEndian.Uint32(b)), uint64(binary.LittleEndian.Uint32(b[len(b)-4:]))
	default:
		for _, c := range b {
			lo = lo<<8 | uint64(c)
		}
	}
	h, l := bits.Mul64(lo^0x9E3779B97F4A7C15, hi^0xD6E8FEB86659FD93^uint64(len(b)))
	return h ^ l
}

// eachLine calls f with every line of path, read in blocks of 512 KiB: the least that splitting costs.
func eachLine(path string, f func(line []byte) error) error {
	h, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open the input: %w", err)
	}
	defer h.Close()
	buf := make([]byte, 1<<19)
	kept := 0
	for {
		n, err := h.Read(buf[kept:])
		if err != nil && err != io.EOF {
			return fmt.Errorf("read the input: %w", err)
		}
		rest := buf[:kept+n]
		for {
			e := bytes.IndexByte(rest, '\n')
			if e < 0 {
				break
			}
			if err := f(rest[:e]); err != nil {
				return err
			}
			rest = rest[e+1:]
		}
		if n == 0 {
			return nil
		}
		if len(rest) == len(buf) {
			return errShape
		}
		kept = copy(buf, rest)
	}
}
