package topic_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/internal/topic/topictest"
)

const simRows = 25

// owner is one life of the owner of a subject: it fences, resumes behind the last cursor, and appends rows 1, 2, 3 ...
// An older one goes on as a zombie until something tells it.
type owner struct {
	w     *topic.Writer
	epoch int
	row   int // last row in the log, as far as it knows
	live  bool
	dead  bool
}

// provenance of the test: epoch/cursor/kind.
func provenance(epoch, row int, kind string) map[string]string {
	return map[string]string{topic.HeaderProvenance: fmt.Sprintf("%d/%d/%s", epoch, row, kind)}
}

func parseProvenance(m *topic.Message) (epoch, row int, kind string) {
	p := strings.Split(m.Header[topic.HeaderProvenance], "/")
	epoch, _ = strconv.Atoi(p[0])
	row, _ = strconv.Atoi(p[1])
	return epoch, row, p[2]
}

// sim is a world of owners of one subject, a reader and a trimmer over a faulty log, driven by a seed.
type sim struct {
	t      *testing.T
	seed   uint64
	rnd    *rand.Rand
	faults *topic.SeededFaults
	log    *topic.Memory
	now    time.Time
	owners []*owner
	reader *topic.Reader
	read   []int // rows as the reader saw them
	trim   *topic.Trimmer
}

func newSim(t *testing.T, seed uint64) *sim {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 1))
	s := &sim{t: t, seed: seed, rnd: rnd, now: time.UnixMilli(0)}
	rate := func() float64 { return rnd.Float64() * rnd.Float64() * 0.4 }
	s.faults = topic.NewSeededFaults(rnd.Float64, topic.Rates{
		Lost: rate(), AckLost: rate(), Late: rate(), Undecided: rate(), ServerFull: rate() / 4,
		Stale: rate(), NoAnswer: rate(), CursorDeath: rate(),
	})
	s.log = topic.NewMemory(topic.MemoryConfig{
		MaxBytes: 400 + rnd.Uint64N(1000), History: true, Faults: s.faults,
		Clock: func() int64 { return s.now.UnixMilli() },
	})
	s.trim = topic.NewTrimmer(s.log)
	s.reader = topic.NewReader(topic.ReaderConfig{
		Log: s.log, Topic: "x/0", Filters: []string{topic.PartitionFilter(topic.ClassSource, "x", 0)},
		Jitter: rnd.Float64, Now: func() time.Time { return s.now },
	})
	s.start()
	return s
}

func (s *sim) failf(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("seed %d: %s\nlog: %s", s.seed, fmt.Sprintf(format, args...), s.history())
}

func (s *sim) history() string {
	var b strings.Builder
	for _, m := range s.log.History() {
		fmt.Fprintf(&b, "%d<%d %s, ", m.Seq, m.Fence, m.Header[topic.HeaderProvenance])
	}
	return b.String()
}

func (s *sim) start() {
	o := &owner{epoch: len(s.owners) + 1}
	o.w = topic.NewWriter(topic.WriterConfig{
		Log: s.log, Subject: topictest.Sub(0, "w"), Jitter: s.rnd.Float64,
		Now: func() time.Time { return s.now },
	})
	err := o.w.StartFence(func(last *topic.Message) (map[string]string, []byte, error) {
		o.row = 0
		if last != nil {
			epoch, row, _ := parseProvenance(last)
			if epoch > o.epoch {
				return nil, nil, topic.ErrFenced
			}
			o.row = row
		}
		return provenance(o.epoch, o.row, "epoch"), nil, nil
	})
	if err != nil {
		s.failf("start: %v", err)
	}
	s.owners = append(s.owners, o)
}

// act lets an owner do one thing: begin the next row, or make one call.
func (s *sim) act(o *owner) {
	if !o.w.InFlight() {
		if o.row == simRows {
			return
		}
		if err := o.w.Start(provenance(o.epoch, o.row+1, "row"), make([]byte, s.rnd.IntN(60))); err != nil {
			s.failf("owner %d: %v", o.epoch, err)
		}
		return
	}
	p := o.w.Step(s.t.Context())
	s.now = s.now.Add(time.Millisecond + p.Wait/8)
	switch {
	case !p.Done:
	case p.Err == nil:
		if o.live {
			o.row++
		}
		o.live = true
	case errors.Is(p.Err, topic.ErrFenced):
		if o == s.owners[len(s.owners)-1] {
			s.failf("the newest owner is fenced: %v", p.Err)
		}
		o.dead = true
	default:
		s.failf("owner %d: %v", o.epoch, p.Err)
	}
}

// poll lets the reader take what is there, and sometimes trims behind it.
func (s *sim) poll() {
	m, _, err := s.reader.Poll(s.t.Context())
	if err != nil {
		s.failf("reader: %v", err)
	}
	if m != nil {
		if _, row, kind := parseProvenance(m); kind == "row" {
			s.read = append(s.read, row)
		}
	}
	if s.rnd.IntN(4) > 0 {
		return
	}
	info, err := s.log.Info(s.t.Context())
	if err != nil {
		return
	}
	plan := topic.PlanTrim(topic.TrimInput{Info: info, Retention: 1, Partitions: []topic.PartitionReaders{{
		Subjects: []string{topictest.Sub(0, "w")}, Positions: []uint64{s.reader.Position().Seq},
	}}})
	if err = s.trim.Trim(s.t.Context(), plan); err != nil && !errors.Is(err, topic.ErrNoAnswer) {
		s.failf("trim: %v", err)
	}
}

// network lets one pending append happen, or drops it.
func (s *sim) network() {
	n := len(s.log.Pending())
	if n == 0 {
		return
	}
	if i := s.rnd.IntN(n); s.rnd.IntN(3) > 0 {
		s.log.Deliver(i)
	} else {
		s.log.Drop(i)
	}
}

func (s *sim) run() {
	for range 100 + s.rnd.IntN(900) {
		switch s.rnd.IntN(12) {
		case 0:
			s.network()
		case 1, 2, 3:
			s.poll()
		case 4:
			if len(s.owners) < 6 && s.rnd.IntN(10) == 0 {
				s.start()
			}
		default:
			if o := s.owners[s.rnd.IntN(len(s.owners))]; !o.dead {
				s.act(o)
			}
		}
	}
	s.faults.Rates = topic.Rates{}
	newest := s.owners[len(s.owners)-1]
	for n := 0; newest.row < simRows || newest.w.InFlight() || len(s.read) < simRows; n++ {
		if n > 5000 {
			s.failf("stuck at row %d, %d read", newest.row, len(s.read))
		}
		s.network()
		s.act(newest)
		s.poll()
		if o := s.owners[s.rnd.IntN(len(s.owners))]; !o.dead {
			s.act(o)
		}
	}
	s.check()
}

// check judges the whole history: every row once and in order, epochs that never fall, an unbroken chain.
func (s *sim) check() {
	row, epoch, last := 0, 0, uint64(0)
	for _, m := range s.log.History() {
		e, r, kind := parseProvenance(m)
		if e < epoch {
			s.failf("message %d of epoch %d behind epoch %d", m.Seq, e, epoch)
		}
		if m.Fence != last {
			s.failf("message %d follows %d, its fence is %d", m.Seq, last, m.Fence)
		}
		if kind == "row" {
			row++
		}
		if r != row {
			s.failf("message %d: row %d, want %d", m.Seq, r, row)
		}
		epoch, last = e, m.Seq
	}
	if row != simRows {
		s.failf("%d rows, want %d", row, simRows)
	}
	for i, r := range s.read {
		if r != i+1 {
			s.failf("the reader saw %v", s.read)
		}
	}
	var total topic.WriterStats
	for _, o := range s.owners {
		st := o.w.Stats()
		total.Appended += st.Appended
	}
	if n := len(s.log.History()); total.Appended > uint64(n) {
		s.failf("writers count %d appends, the log has %d", total.Appended, n)
	}
}

// TestOwnersUnderFaults lets owners of one subject replace each other over a log that loses, delays, refuses and
// forgets, while a reader follows and trims. No row may be lost, doubled or out of order, and nothing may stand still.
func TestOwnersUnderFaults(t *testing.T) {
	t.Parallel()
	seeds := uint64(2000)
	if testing.Short() {
		seeds = 200
	}
	for seed := range seeds {
		newSim(t, seed).run()
	}
}
