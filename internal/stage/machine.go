// Package stage makes a task's machine of a stage of a plan: the chain of operators, the watermark of its inputs, the
// counts, and the way rows take to the partitions of the output. Direct and message mode run the same machine.
package stage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leatsql/leat/internal/task"
	"github.com/leatsql/leat/pkg/sql/arena"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/operator"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// OnError is what becomes of a row on which an expression fails.
type OnError uint8

// The policies of on_error.
const (
	DeadLetter OnError = iota
	Skip
	FailFast
)

// ParseOnError reads the value of the property on_error; "" is dlq.
func ParseOnError(s string) (OnError, error) {
	switch s {
	case "", "dlq":
		return DeadLetter, nil
	case "skip":
		return Skip, nil
	case "fail_fast":
		return FailFast, nil
	default:
		return 0, fmt.Errorf("on_error %q: one of dlq, skip, fail_fast", s)
	}
}

// FailedError is the record at which on_error = 'fail_fast' stopped a stage.
type FailedError struct{ text string }

func (e *FailedError) Error() string { return e.text }

// Config is what a machine needs beside its stage.
type Config struct {
	Partition int
	OnError   OnError
	// Writers lists, per port, the writers of the input partition: the watermark waits for each of them. One that is
	// not listed joins with its first message.
	Writers [][]string
	// Budget is the memory of the state, which lies in files above it; nil: memory without a limit. The machine must be
	// closed.
	Budget *arena.Budget
}

// writer is what one writer of an input has said so far.
type writer struct {
	name string
	wm   int64
	idle bool
}

// Machine implements task.Machine for one stage and partition.
type Machine struct {
	cfg    Config
	out    plan.Output
	chain  *operator.Chain
	timed  [2]bool     // the ports whose watermark counts: not that of a table that is looked up
	ports  [2][]writer // per port, sorted by name
	wm     int64       // combined, never falls
	idle   bool
	counts task.Counts
	noted  uint64 // expressions that failed on rows which went on with a null (ksql profile)
	err    error  // on_error = 'fail_fast' met a row that fails

	// bordered: the input is a declared source with an event time, delayMs its watermark delay.
	bordered bool
	delayMs  int64
	cut      []uint32

	to      task.Output // during Step
	lost    uint64      // rows of the running step that did not take effect
	hashes  []uint64
	perPart [][]uint32
}

var _ task.Machine = (*Machine)(nil)

// New builds the machine of s for one partition.
func New(s *plan.Stage, cfg Config) (*Machine, error) {
	m := &Machine{cfg: cfg, out: s.Output, wm: vector.NoTime}
	for port, names := range cfg.Writers {
		for _, n := range names {
			m.writer(port, n)
		}
	}
	in := make([]*vector.Schema, 2)
	m.timed = operator.Timed(s.Ops)
	for _, i := range s.Inputs {
		in[i.Port] = i.Schema
		if i.Timed && i.Port == 0 && !m.timed[1] {
			m.bordered, m.delayMs = true, i.DelayMs
		}
	}
	chain, err := operator.BuildOn(in, operator.Placed(s.Ops, cfg.Partition, s.Partitions), m, m.emit)
	if err != nil {
		return nil, fmt.Errorf("build stage %s: %w", s.ID, err)
	}
	m.chain = chain
	chain.Use(cfg.Budget.Space())
	m.perPart = make([][]uint32, max(1, s.Output.Partitions))
	return m, nil
}

// writer returns the entry of a writer, adding it where it is new.
func (m *Machine) writer(port int, name string) *writer {
	list := m.ports[port]
	i, found := slices.BinarySearchFunc(list, name, func(w writer, n string) int { return compare(w.name, n) })
	if !found {
		list = slices.Insert(list, i, writer{name: name, wm: vector.NoTime})
		m.ports[port] = list
	}
	return &list[i]
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Step implements task.Machine.
func (m *Machine) Step(port int, name string, in *vector.Batch, out task.Output) {
	m.to, m.lost = out, 0
	rows := uint64(in.Live())
	if m.bordered && port == 0 && rows > 0 {
		m.border(port, name, in)
	} else {
		m.chain.Process(port, in) // without rows too: it carries the append time
	}
	m.writer(port, name).idle = in.Idle
	m.advance(port, name, in.Watermark)
	m.chain.Flush()
	m.counts.In += rows
	m.counts.Used += rows - min(rows, m.lost)
	out.Watermark(0, m.chain.Watermark(), m.idle)
	m.to = nil
}

// combine returns the least watermark of the timed ports. Idle writers are not waited for; but the tasks of one stage
// are idle together or not at all: they read one source, and when it wakes up, those that have not heard of it yet hold
// the watermark where they left it. When all are idle, what each has said before still holds.
func (m *Machine) combine() (wm int64, idle bool) {
	least, idle, writers, ended := vector.MaxTime, true, 0, true
	said := vector.MaxTime // the least that any of them has said
	for port, list := range m.ports {
		if !m.timed[port] {
			continue
		}
		if len(list) == 0 { // nobody has written yet
			ended, said = false, vector.NoTime
		}
		writers += len(list)
		for len(list) > 0 {
			n := sameStage(list)
			lowest, active, open := together(list[:n])
			ended, said = ended && !open, min(said, lowest)
			if active {
				idle, least = false, min(least, lowest)
			}
			list = list[n:]
		}
	}
	switch {
	case ended && writers > 0:
		return vector.MaxTime, false
	case idle:
		return max(m.wm, said), true
	}
	return least, false
}

// sameStage returns how many writers at the front of a list, which is sorted by name, are tasks of one stage: q1-1-0,
// q1-1-1.
func sameStage(list []writer) int {
	stage, ok := stageOf(list[0].name)
	n := 1
	for ok && n < len(list) {
		if other, _ := stageOf(list[n].name); other != stage {
			break
		}
		n++
	}
	return n
}

// stageOf is the name of a task's writer (q1-1-0, in direct mode x.1.0) without the number of its partition; false for
// a writer that is no task.
func stageOf(name string) (string, bool) {
	i := strings.LastIndexAny(name, "-.")
	return name[:max(i, 0)], i > 0
}

// together returns the least watermark of writers, whether one of them is not idle, and whether one has not ended.
func together(list []writer) (lowest int64, active, open bool) {
	lowest = vector.MaxTime
	for _, w := range list {
		lowest = min(lowest, w.wm)
		open = open || w.wm != vector.MaxTime
		active = active || w.wm != vector.MaxTime && !w.idle
	}
	return lowest, active, open
}

// Err is the error that on_error = 'fail_fast' stopped at, or why there is no place for the state; nil: none.
func (m *Machine) Err() error {
	if m.err == nil {
		return m.chain.Err()
	}
	return m.err
}

// Close gives the memory of the state back. Nothing of the machine may be used any more.
func (m *Machine) Close() { m.chain.Close() }

// Ended reports that every writer of a port has said that no row comes any more.
func (m *Machine) Ended(port int) bool {
	for _, w := range m.ports[port] {
		if w.wm != vector.MaxTime {
			return false
		}
	}
	return len(m.ports[port]) > 0
}

// Watermark is the watermark of the stage's output.
func (m *Machine) Watermark() int64 { return m.chain.Watermark() }

// Done reports that no further input changes the output (LIMIT is reached).
func (m *Machine) Done() bool { return m.chain.Done() }

// Counts implements task.Machine.
func (m *Machine) Counts() task.Counts { return m.counts }

// StateBytes implements task.Machine.
func (m *Machine) StateBytes() int64 { return m.chain.StateBytes() }

// StoredBytes is what of StateBytes lies in files.
func (m *Machine) StoredBytes() int64 { return m.chain.StoredBytes() }

// StateKeys is the number of groups, keys and rows of the state.
func (m *Machine) StateKeys() int64 { return m.chain.StateKeys() }

// Scan implements task.Machine.
func (m *Machine) Scan(emit func(*vector.Batch)) bool { return m.chain.Scan(emit) }

// emit routes rows of the chain to the partitions of the output.
func (m *Machine) emit(b *vector.Batch) {
	if b.Live() == 0 {
		return
	}
	m.counts.Out += uint64(b.Live())
	n := len(m.perPart)
	switch {
	case n == 1:
		m.to.Rows(0, 0, b)
	case len(m.out.Keys) == 0:
		m.to.Rows(0, m.cfg.Partition%n, b)
	default:
		m.scatter(b, n)
	}
}

func (m *Machine) scatter(b *vector.Batch, n int) {
	Partition(b, m.out.Keys, m.perPart, &m.hashes)
	for p := range n {
		if len(m.perPart[p]) == 0 {
			continue
		}
		part := *b
		part.Sel = m.perPart[p]
		m.to.Rows(0, p, &part)
	}
}

// Partition fills perPart with the rows of b that each partition gets by the hash of the key columns. scratch keeps
// the hashes between calls.
func Partition(b *vector.Batch, keys []int, perPart [][]uint32, scratch *[]uint64) {
	cols := make([]*vector.Vector, len(keys))
	for i, k := range keys {
		cols[i] = b.Cols[k]
	}
	for p := range perPart {
		if perPart[p] == nil { // a nil selection would mean all rows
			perPart[p] = make([]uint32, 0, b.Rows)
		}
		perPart[p] = perPart[p][:0]
	}
	*scratch = slices.Grow((*scratch)[:0], b.Rows)[:b.Live()]
	vector.HashKeys(*scratch, cols, b.Rows, b.Sel)
	n := uint64(len(perPart))
	if b.Sel == nil {
		for i, h := range *scratch {
			perPart[h%n] = append(perPart[h%n], uint32(i))
		}
		return
	}
	for i, r := range b.Sel {
		p := (*scratch)[i] % n
		perPart[p] = append(perPart[p], r)
	}
}

// Filtered implements operator.Report.
func (m *Machine) Filtered(rows int) { m.lose(&m.counts.Filtered, rows) }

// Skipped implements operator.Report.
func (m *Machine) Skipped(rows int) { m.lose(&m.counts.Skipped, rows) }

// Late implements operator.Report.
func (m *Machine) Late(b *vector.Batch, rows []uint32) {
	m.lose(&m.counts.Late, len(rows))
	m.to.Late(b, rows)
}

// Failed implements operator.Report.
func (m *Machine) Failed(b *vector.Batch, row uint32, code, msg string) {
	policy := m.cfg.OnError
	if code == expr.CodeHalt {
		policy = FailFast
	}
	switch policy {
	case Skip:
		m.lose(&m.counts.Skipped, 1)
	case FailFast:
		if m.err == nil {
			m.err = &FailedError{fmt.Sprintf("row %d of %s/%d/%d: %s [%s]", b.FirstRow+int(row), b.Topic, b.Partition,
				b.Seq, msg, code)}
		}
		m.lose(&m.counts.Skipped, 1)
	default:
		m.lose(&m.counts.DeadLettered, 1)
		m.to.DeadLetter(b, row, code, msg)
	}
}

// Noted implements operator.Report.
func (m *Machine) Noted(*vector.Batch, uint32, string, string) { m.noted++ }

func (m *Machine) lose(count *uint64, rows int) {
	*count += uint64(rows)
	m.lost += uint64(rows)
}

// Snapshot implements task.Machine: counts, watermark, writers, then the chain.
func (m *Machine) Snapshot(dst []byte) []byte {
	c := m.counts
	for _, v := range []uint64{
		c.In, c.Used, c.Out, c.Filtered, c.Late, c.DeadLettered, c.Skipped, uint64(m.wm), m.noted,
	} {
		dst = binary.LittleEndian.AppendUint64(dst, v)
	}
	dst = appendBool(dst, m.idle)
	for _, port := range m.ports {
		dst = binary.AppendUvarint(dst, uint64(len(port)))
		for _, w := range port {
			dst = binary.AppendUvarint(dst, uint64(len(w.name)))
			dst = append(dst, w.name...)
			dst = binary.LittleEndian.AppendUint64(dst, uint64(w.wm))
			dst = appendBool(dst, w.idle)
		}
	}
	return m.chain.Snapshot(dst)
}

func appendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, 1)
	}
	return append(dst, 0)
}

var errShort = errors.New("the snapshot of a stage is cut off")

const fixedBytes = 9*8 + 1

// Restore implements task.Machine.
func (m *Machine) Restore(src []byte) error {
	if len(src) < fixedBytes {
		return errShort
	}
	var v [9]uint64
	for i := range v {
		v[i] = binary.LittleEndian.Uint64(src[i*8:])
	}
	m.counts = task.Counts{
		In: v[0], Used: v[1], Out: v[2], Filtered: v[3], Late: v[4], DeadLettered: v[5],
		Skipped: v[6],
	}
	m.wm, m.idle, m.noted = int64(v[7]), src[fixedBytes-1] == 1, v[8]
	src = src[fixedBytes:]
	for port := range m.ports {
		var err error
		if src, err = m.restoreWriters(port, src); err != nil {
			return err
		}
	}
	if err := m.chain.Restore(src); err != nil {
		return err
	}
	return m.chain.Err()
}

func (m *Machine) restoreWriters(port int, src []byte) ([]byte, error) {
	count, n := binary.Uvarint(src)
	if n <= 0 || count > uint64(len(src)) {
		return nil, errShort
	}
	src = src[n:]
	for range count {
		size, n := binary.Uvarint(src)
		if n <= 0 || size > uint64(len(src)) || uint64(len(src)-n) < size+9 {
			return nil, errShort
		}
		src = src[n:]
		w := m.writer(port, string(src[:size]))
		w.wm = int64(binary.LittleEndian.Uint64(src[size:]))
		w.idle = src[size+8] == 1
		src = src[size+9:]
	}
	return src, nil
}
