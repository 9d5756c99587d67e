package task

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// toyRow is a record of the simulation: its id is unique in its source, its values show a wrong order.
type toyRow struct{ id, key, t, val, n int64 }

var toySchema = func() *vector.Schema {
	s := &vector.Schema{}
	for _, name := range []string{"id", "key", "t", "val", "n"} {
		s.Fields = append(s.Fields, vector.Field{Name: name, Type: vector.TBigInt})
	}
	return s
}()

func toyBatch(rows []toyRow) *vector.Batch {
	b := vector.NewBatch(toySchema, len(rows))
	for _, r := range rows {
		for i, v := range []int64{r.id, r.key, r.t, r.val, r.n} {
			b.Cols[i].I64 = append(b.Cols[i].I64, v)
		}
		b.Time = append(b.Time, r.t)
	}
	for _, v := range b.Cols {
		vector.SetLen(v, len(rows))
	}
	b.Rows = len(rows)
	return b
}

func toyRows(b *vector.Batch) []toyRow {
	var rows []toyRow
	for k := range b.Live() {
		i := rowAt(b, k)
		rows = append(rows, toyRow{
			b.Cols[0].I64[i], b.Cols[1].I64[i], b.Cols[2].I64[i], b.Cols[3].I64[i],
			b.Cols[4].I64[i],
		})
	}
	return rows
}

type toyKind uint8

const (
	toyExchange  toyKind = iota // filters, multiplies, spreads by key, dead letters
	toyAggregate                // counts a window and key, late rows
	toyJoin                     // port 0 meets the table made of port 1: order sensitive twice
)

const toyWindow = 8

// toyState is exported to JSON as a snapshot.
type toyState struct {
	Writers [2]map[string]toyMark
	WM      int64
	Idle    bool
	Agg     map[string]int64
	Table   map[string]int64
	N       int64
	Counts  Counts
	Ports   []byte // ghost: the port of every step since the first
}

type toyMark struct {
	WM   int64
	Idle bool
}

// toy is a machine of the simulation.
type toy struct {
	kind  toyKind
	part  int
	parts int
	st    toyState
	// die makes the machine panic on a row, after it has half taken it.
	die  func(r toyRow) bool
	died bool
}

func newToy(kind toyKind, part, parts int, writers ...[]string) *toy {
	m := &toy{kind: kind, part: part, parts: parts, st: toyState{
		WM: vector.NoTime, Agg: map[string]int64{}, Table: map[string]int64{},
	}}
	for port, names := range writers {
		m.st.Writers[port] = map[string]toyMark{}
		for _, n := range names {
			m.st.Writers[port][n] = toyMark{WM: vector.NoTime}
		}
	}
	return m
}

func num(i int64) string { return fmt.Sprint(i) }

// Step implements Machine.
func (m *toy) Step(port int, writer string, in *vector.Batch, out Output) {
	st := &m.st
	st.Ports = append(st.Ports, byte(port))
	emit := make([][]toyRow, m.parts)
	send := func(key int64, r toyRow) {
		p := int(key) % m.parts
		if m.kind == toyAggregate {
			p = m.part
		}
		emit[p] = append(emit[p], r)
		st.Counts.Out++
	}
	var late []uint32
	for k, r := range toyRows(in) {
		st.Counts.In++
		if m.die != nil && m.die(r) {
			st.N += 1000
			m.died = true
			panic(fmt.Sprintf("row %d", r.id))
		}
		i := uint32(rowAt(in, k))
		switch {
		case m.kind == toyExchange && r.id%7 == 6:
			st.Counts.DeadLettered++
			out.DeadLetter(in, i, "LEAT-5001", "seven")
		case m.kind == toyExchange:
			m.exchange(r, send)
		case m.kind == toyAggregate && r.t < st.WM:
			st.Counts.Late++
			late = append(late, i)
		case m.kind == toyAggregate:
			st.Counts.Used++
			st.Agg[num(r.t/toyWindow)+"/"+num(r.key)]++
		default:
			m.join(port, r, send)
		}
	}
	out.Late(in, late)
	w := st.Writers[port][writer]
	w.WM, w.Idle = max(w.WM, in.Watermark), in.Idle
	st.Writers[port][writer] = w
	m.advance()
	if m.kind == toyAggregate {
		m.closeWindows(send)
	}
	for p, rows := range emit {
		if len(rows) > 0 {
			out.Rows(0, p, toyBatch(rows))
		}
	}
	out.Watermark(0, st.WM, st.Idle)
}

func (m *toy) exchange(r toyRow, send func(int64, toyRow)) {
	switch {
	case r.id%5 == 4:
		m.st.Counts.Filtered++
		return
	case r.id%4 == 3:
		for i := range int64(5) {
			send(r.key/2, toyRow{id: r.id*10 + i, key: r.key, t: r.t})
		}
	default:
		send(r.key/2, toyRow{id: r.id * 10, key: r.key, t: r.t})
	}
	m.st.Counts.Used++
}

func (m *toy) join(port int, r toyRow, send func(int64, toyRow)) {
	st := &m.st
	if port == 1 {
		st.Counts.Used++
		st.Table[num(r.key)] = (st.Table[num(r.key)]*31 + r.id + r.val) % 1000003
		return
	}
	if st.Table[num(r.key)] == 0 && r.id%3 == 0 {
		st.Counts.Filtered++
		return
	}
	st.Counts.Used++
	st.N++
	send(r.id/10, toyRow{id: r.id, key: r.key, t: r.t, val: st.Table[num(r.key)], n: st.N})
}

// advance combines the watermarks: the least of the writers that are not idle.
func (m *toy) advance() {
	least, idle := vector.MaxTime, true
	for _, port := range m.st.Writers {
		for _, w := range port {
			if w.WM == vector.MaxTime {
				continue
			}
			if !w.Idle {
				idle = false
				least = min(least, w.WM)
			}
		}
	}
	ended := true
	for _, port := range m.st.Writers {
		for _, w := range port {
			ended = ended && w.WM == vector.MaxTime
		}
	}
	m.st.Idle = idle && !ended
	if !idle || ended {
		m.st.WM = max(m.st.WM, least)
	}
}

func (m *toy) closeWindows(send func(int64, toyRow)) {
	var done [][2]int64
	for k := range m.st.Agg {
		var w, key int64
		if _, err := fmt.Sscanf(strings.Replace(k, "/", " ", 1), "%d %d", &w, &key); err != nil {
			panic(err)
		}
		if (w+1)*toyWindow <= m.st.WM {
			done = append(done, [2]int64{w, key})
		}
	}
	slices.SortFunc(done, func(a, b [2]int64) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	for _, d := range done {
		name := num(d[0]) + "/" + num(d[1])
		send(0, toyRow{id: d[0]*100 + d[1], key: d[1], t: d[0] * toyWindow, val: m.st.Agg[name]})
		delete(m.st.Agg, name)
	}
}

// Snapshot implements Machine.
func (m *toy) Snapshot(dst []byte) []byte {
	b, err := json.Marshal(&m.st)
	if err != nil {
		panic(err)
	}
	return append(dst, b...)
}

// Restore implements Machine.
func (m *toy) Restore(src []byte) error {
	m.st = toyState{}
	return json.Unmarshal(src, &m.st)
}

// Scan implements Machine.
func (m *toy) Scan(func(*vector.Batch)) bool { return false }

// StateBytes implements Machine.
func (m *toy) StateBytes() int64 { return int64(len(m.st.Agg) + len(m.st.Table)) }

// Counts implements Machine.
func (m *toy) Counts() Counts { return m.st.Counts }
