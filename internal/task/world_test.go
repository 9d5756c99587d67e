package task

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/leatsql/leat/internal/state"
	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/messages"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// world is one simulated run of the real tasks over logs in memory:
//
//	i0, i1 -> S -> x0, x1 -> E -> g0, g1 -> R -> j0, j1 -> O
//	                         E -----------------> j0, j1
//
// a diamond with an exchange, an aggregate and a join. One random event at a time happens; which one the seed says.
type world struct {
	rnd    *rand.Rand
	rules  Rules
	hooks  hooks
	shards map[string]*shard
	names  []string // of the shards, in order
	tasks  []*toyTask
	byName map[string]*toyTask
	all    []*instance
	store  *state.Memory
	source []*sourceWriter
	now    time.Time

	limits                         Limits
	pCrash, pZombie, pBad, pTrim   float64
	pStore, pStop, pAfter          float64
	sloth                          [5]float64 // some outputs are slow
	poison                         int64      // row ids that kill: of this remainder by 13; 0: none
	killed                         int
	draining                       bool
	trace                          *strings.Builder
	events, appends, starts, snaps int
	largest                        int
}

// hooks are the mutants that no rule of the core's makes.
type hooks struct {
	noFence, noEpochMsg, trimLast, trimBookmark bool
}

type shard struct {
	name   string
	log    *topic.Memory
	faults *topic.SeededFaults
	rates  topic.Rates
}

// toyTask is the fixed part of a task.
type toyTask struct {
	name   string
	kind   toyKind
	part   int
	inputs []Input
	config func() Config
	fresh  func() *toy
	kills  func(toyRow) bool
	inst   *instance
	epoch  uint64
}

// instance is one life of a task. Those that are not the newest go on as zombies.
type instance struct {
	t       *toyTask
	c       *core
	m       *toy
	readers []*topic.Reader
	answer  *storeAnswer
	dead    bool
	paused  int
}

// sourceWriter appends prepared messages to one subject of the source; ingest is tested apart.
type sourceWriter struct {
	subject string
	rest    []*topic.Message
	last    uint64
}

type violation string

func (w *world) fail(format string, args ...any) { panic(violation(fmt.Sprintf(format, args...))) }
func (w *world) p(x float64) bool                { return w.rnd.Float64() < x }

func (w *world) tracef(format string, args ...any) {
	if w.trace != nil {
		fmt.Fprintf(w.trace, format+"\n", args...)
	}
}

func newWorld(seed uint64, rules Rules, h hooks) *world {
	w := &world{
		rnd: rand.New(rand.NewPCG(seed, 7)), rules: rules, hooks: h, shards: map[string]*shard{},
		byName: map[string]*toyTask{}, store: state.NewMemory(), now: time.UnixMilli(1),
	}
	rate := func(most float64) float64 {
		if w.p(0.3) {
			return 0
		}
		return most * w.rnd.Float64()
	}
	w.limits = Limits{MessageBytes: 60 + w.rnd.IntN(200), PendingBytes: 100 + w.rnd.IntN(600)}
	rates := topic.Rates{
		Lost: rate(0.15), AckLost: rate(0.15), Late: rate(0.15), Undecided: rate(0.15),
		Stale: rate(0.3), NoAnswer: rate(0.15), CursorDeath: rate(0.05),
	}
	w.pCrash, w.pZombie, w.pBad, w.pTrim = rate(0.02), rate(0.02), rate(0.01), 0.05+rate(0.3)
	w.pStore, w.pStop, w.pAfter = rate(0.2), rate(0.01), rate(0.15)
	for k := range w.sloth {
		w.sloth[k] = rate(0.97)
	}
	w.store.Fault = func(op string) state.Fault {
		switch {
		case w.draining || !w.p(w.pStore):
			return state.None
		case op == "switch" && w.p(0.4):
			return state.Late
		case w.p(0.5):
			return state.AckLost
		}
		return state.Lost
	}
	for _, s := range []struct {
		name     string
		subjects int
	}{{"S", 4}, {"E", 4}, {"R", 2}, {"O", 4}, {"dead", 0}, {"late", 0}} {
		w.addShard(s.name, s.subjects, rates)
	}
	w.addSources()
	if w.p(0.2) { // rows of some ids kill the exchange, by a panic or with the process
		w.poison = int64(3 + w.rnd.IntN(9))
	}
	w.addTasks()
	for _, t := range w.tasks {
		w.start(t)
	}
	return w
}

const biggest = 500 // bytes of a message with header; TestSimulation checks it

func (w *world) addShard(name string, subjects int, rates topic.Rates) {
	cfg := topic.MemoryConfig{History: true}
	if subjects > 0 && w.p(0.6) {
		cfg.MaxBytes = uint64(2*(subjects+1)*biggest + w.rnd.IntN(3000))
	}
	s := &shard{name: name, rates: rates}
	s.faults = topic.NewSeededFaults(w.rnd.Float64, rates)
	cfg.Faults = s.faults
	s.log = topic.NewMemory(cfg)
	w.shards[name] = s
	w.names = append(w.names, name)
}

// addSources prepares what two ingest tasks write.
func (w *world) addSources() {
	rows := 3 + w.rnd.IntN(25)
	if w.p(0.2) {
		rows *= 3
	}
	for i := range 2 {
		name := fmt.Sprintf("i%d", i)
		writers := []*sourceWriter{
			{subject: topic.Subject(topic.ClassSource, "S", 0, name)},
			{subject: topic.Subject(topic.ClassSource, "S", 1, name)},
		}
		most := int64(0)
		for n := 0; n < rows; {
			var parts [2][]toyRow
			for range 1 + w.rnd.IntN(4) {
				r := toyRow{id: int64(i*1000 + n), key: int64(w.rnd.IntN(6)), t: int64(n*2 + w.rnd.IntN(6))}
				most = max(most, r.t)
				parts[r.key%2] = append(parts[r.key%2], r)
				n++
			}
			for p, part := range parts {
				writers[p].add(name, part, most-4, w.p(0.1) && len(part) == 0)
			}
		}
		for _, s := range writers {
			s.add(name, nil, vector.MaxTime, false)
		}
		w.source = append(w.source, writers...)
	}
}

func (s *sourceWriter) add(name string, rows []toyRow, wm int64, idle bool) {
	var b messages.ProcessBatch
	vector.ToColumns(toyBatch(rows), &b.Columns)
	b.Watermark, b.Idle = wm, idle
	p := Provenance{
		Writer: name, Epoch: 1, Kind: KindBatch, Cursor: Cursor{Step: uint64(len(s.rest) + 1)},
		Watermark: wm,
	}
	s.rest = append(s.rest, &topic.Message{
		Subject: s.subject, Data: b.Append(nil),
		Header: map[string]string{topic.HeaderProvenance: string(p.Append(nil))},
	})
}

func (w *world) addTasks() {
	input := func(port int, name, class string, p int) Input {
		return Input{
			Port: port, Topic: name, Partition: p, Log: w.shards[name].log, Schema: toySchema,
			Filters: []string{topic.PartitionFilter(class, name, p)},
		}
	}
	for p := range 2 {
		e := input(0, "E", topic.ClassResult, p)
		xs := []string{"x0", "x1"}
		w.addTask(toyExchange, p, "E", []Input{input(0, "S", topic.ClassSource, p)}, []string{"i0", "i1"})
		w.addTask(toyAggregate, p, "R", []Input{e}, xs)
		w.addTask(toyJoin, p, "O", []Input{e, input(1, "R", topic.ClassResult, p)}, xs,
			[]string{fmt.Sprintf("g%d", p)})
	}
}

func (w *world) addTask(kind toyKind, p int, out string, in []Input, writers ...[]string) {
	prefix := map[toyKind]string{toyExchange: "x", toyAggregate: "g", toyJoin: "j"}[kind]
	both := kind != toyAggregate // its output goes to every partition
	t := &toyTask{name: fmt.Sprintf("%s%d", prefix, p), kind: kind, part: p, inputs: in}
	logs := func(name string, all bool) []topic.Log {
		var list []topic.Log
		for q := range 2 {
			if all || q == p {
				list = append(list, w.hooked(w.shards[name].log))
			} else {
				list = append(list, nil)
			}
		}
		return list
	}
	t.fresh = func() *toy { return newToy(kind, p, 2, writers...) }
	if kind == toyExchange && w.poison > 0 {
		t.kills = func(r toyRow) bool { return r.id%13 == w.poison }
	}
	t.config = func() Config {
		cfg := Config{
			Name: t.name, Inputs: in, Snapshots: w.store, Limits: w.limits, rules: w.rules,
			Outputs: []OutputConfig{{Topic: out, Schema: toySchema, Logs: logs(out, both)}},
		}
		if kind == toyExchange {
			cfg.DeadLetters = &OutputConfig{Topic: "dead", Logs: logs("dead", false)}
		}
		if kind == toyAggregate {
			cfg.Late = &OutputConfig{Topic: "late", Schema: toySchema, Logs: logs("late", false)}
		}
		return cfg
	}
	w.tasks = append(w.tasks, t)
	w.byName[t.name] = t
}

// hooked puts the mutants of the log in front of it.
func (w *world) hooked(l topic.Log) topic.Log {
	if w.hooks.noFence || w.hooks.noEpochMsg {
		return &mutantLog{Log: l, h: w.hooks}
	}
	return l
}

type mutantLog struct {
	topic.Log
	h hooks
}

func (l *mutantLog) Append(ctx context.Context, m *topic.Message, expect uint64) (uint64, error) {
	if l.h.noEpochMsg && m.Header[topic.HeaderKind] == KindEpoch {
		return expect, nil
	}
	seq, err := l.Log.Append(ctx, m, expect)
	var wrong *topic.WrongLastError
	if l.h.noFence && errors.As(err, &wrong) {
		return l.Log.Append(ctx, m, wrong.Last)
	}
	return seq, err
}

func (w *world) start(t *toyTask) {
	t.epoch++
	w.starts++
	cfg := t.config()
	m := t.fresh()
	cfg.Epoch, cfg.Machine = t.epoch, m
	m.die = t.kills
	c, err := newCore(cfg)
	if err != nil {
		w.fail("%v", err)
	}
	i := &instance{t: t, c: c, m: m, readers: make([]*topic.Reader, len(cfg.Inputs))}
	t.inst = i
	w.all = append(w.all, i)
	w.tracef("START %s epoch %d", t.name, t.epoch)
}

func (w *world) die(i *instance, why string) {
	w.tracef("STOP %s epoch %d: %s", i.t.name, i.c.cfg.Epoch, why)
	i.dead = true
}

// act lets an instance do one thing.
func (w *world) act(i *instance) {
	c := i.c
	switch x := w.rnd.IntN(10); {
	case x < 4:
		w.lane(i)
	case x < 6:
		w.storage(i)
	case x < 9:
		w.takeInput(i)
	case c.phase == phaseLive && !c.stopping:
		w.snaps++
		c.snapshot()
	}
	if c.stopping {
		c.pumpStop()
	}
	var poison *PoisonError
	died := i.m.died
	i.m.died = false
	switch {
	case i.dead:
	case died && w.p(0.5): // the process went with it, or will before it can say so
		w.killed++
		w.die(i, "killed by a row")
	case errors.As(c.err, &poison):
		w.killed++
		w.die(i, c.err.Error())
	case c.err == nil && c.stopped:
		w.die(i, "stopped in good order")
	case errors.Is(c.err, topic.ErrFenced):
		if w.byName[i.t.name].inst == i && !w.rules.NoEpochCheck && w.newest(i) {
			w.fail("%s epoch %d is the newest owner and was fenced: %v", i.t.name, c.cfg.Epoch, c.err)
		}
		w.die(i, c.err.Error())
	case c.err != nil:
		if i.t.inst == i {
			w.fail("%s epoch %d: %v", i.t.name, c.cfg.Epoch, c.err)
		}
		w.die(i, c.err.Error())
	}
}

// newest tells whether no later owner was ever started.
func (w *world) newest(i *instance) bool { return i.c.cfg.Epoch == i.t.epoch }

func (w *world) lane(i *instance) {
	k := w.rnd.IntN(len(i.c.lanes))
	if !w.draining && w.p(w.sloth[(i.t.part+2*k+int(i.t.kind))%len(w.sloth)]) || !i.c.laneWork(k) {
		return
	}
	w.appends++
	if p := i.c.lanes[k].writer.Step(context.Background()); p.Done {
		i.c.laneDone(k, p)
		if !w.draining && w.p(w.pAfter/4) {
			w.die(i, "crash behind an append")
		}
	}
}

// storage makes a call to the store, or brings its answer.
func (w *world) storage(i *instance) {
	if i.answer != nil {
		a := *i.answer
		i.answer = nil
		i.c.opDone(a)
		if !w.draining && w.p(w.pAfter) {
			w.die(i, "crash behind an answer of the store")
		}
		return
	}
	if o := i.c.nextOp(); o != nil {
		a := o.do(context.Background(), w.store)
		i.answer = &a
	}
}

func (w *world) takeInput(i *instance) {
	k := w.rnd.IntN(len(i.readers))
	if !i.c.wants(k) {
		return
	}
	in := &i.c.cfg.Inputs[k]
	if i.readers[k] == nil {
		cfg := i.c.reader(k)
		cfg.Jitter, cfg.Now, cfg.Confirm = w.rnd.Float64, func() time.Time { return w.now }, time.Hour
		i.readers[k] = topic.NewReader(cfg)
	}
	m, _, err := i.readers[k].Poll(context.Background())
	if err != nil {
		if i.t.inst == i {
			w.fail("%s epoch %d: %v", i.t.name, i.c.cfg.Epoch, err)
		}
		w.die(i, err.Error())
		return
	}
	if m == nil {
		return
	}
	d, err := Decode(m, in.Topic, in.Schema)
	if err != nil {
		w.fail("%v", err)
	}
	d.Created = i.readers[k].Created()
	i.c.take(k, d)
}

// network delivers or drops an append that is on its way, or a late switch of a pointer.
func (w *world) network() {
	s := w.shards[w.names[w.rnd.IntN(len(w.names))]]
	if n := len(s.log.Pending()); n > 0 {
		if k := w.rnd.IntN(n); w.p(0.6) {
			s.log.Deliver(k)
		} else {
			s.log.Drop(k)
		}
	}
	if n := w.store.Late(); n > 0 && w.p(0.3) {
		w.store.Deliver(w.rnd.IntN(n))
	}
}

// append lets a source writer append its next message.
func (w *world) appendSource() {
	s := w.source[w.rnd.IntN(len(w.source))]
	if len(s.rest) == 0 {
		return
	}
	sh := w.shards["S"]
	sh.faults.Rates = topic.Rates{}
	seq, err := sh.log.Append(context.Background(), s.rest[0], s.last)
	if !w.draining {
		sh.faults.Rates = sh.rates
	}
	switch {
	case err == nil:
		s.last, s.rest = seq, s.rest[1:]
	case !errors.Is(err, topic.ErrFull):
		w.fail("source: %v", err)
	}
}

// trim removes what no consumer's older snapshot needs.
func (w *world) trim() {
	name := w.names[w.rnd.IntN(4)]
	part := w.rnd.IntN(2)
	low := uint64(1) << 40
	readers := false
	for _, t := range w.tasks {
		for k, in := range t.inputs {
			if in.Topic != name || in.Partition != part {
				continue
			}
			p := &pointer{}
			if v := w.store.Peek(t.name); v != nil {
				var err error
				if p, err = decodePointer(v); err != nil {
					w.fail("%v", err)
				}
			}
			readers = true
			low = min(low, heldAt(p, &w.rules, k))
		}
	}
	if !readers {
		low = 1 << 40 // retention trims what nobody reads
	}
	if w.hooks.trimBookmark {
		low++
	}
	log := w.shards[name].log
	for _, m := range log.Messages() {
		if place, err := topic.ParseSubject(m.Subject); err != nil || place.Partition != part || m.Seq >= low {
			continue
		}
		if w.hooks.trimLast {
			log.Delete(m.Seq)
			continue
		}
		if err := log.Trim(context.Background(), m.Subject, low); err != nil {
			return
		}
	}
}

// tick is one random event.
func (w *world) tick() {
	w.events++
	w.now = w.now.Add(time.Millisecond)
	switch x := w.rnd.IntN(100); {
	case x < 70:
		i := w.all[w.rnd.IntN(len(w.all))]
		if i.dead {
			i = w.tasks[w.rnd.IntN(len(w.tasks))].inst
		}
		if i.paused > 0 {
			i.paused--
		} else if !i.dead {
			w.act(i)
		}
	case x < 80:
		w.network()
	case x < 88:
		w.appendSource()
	case x < 92:
		if w.draining || w.p(w.pTrim*3) {
			w.trim()
		}
	default:
		w.disturb(w.tasks[w.rnd.IntN(len(w.tasks))])
	}
}

func (w *world) disturb(t *toyTask) {
	i := t.inst
	switch {
	case i.dead:
		w.start(t)
	case w.draining:
	case w.p(w.pCrash * 6):
		w.die(i, "crash")
	case w.p(w.pZombie * 6):
		i.paused = w.rnd.IntN(30)
		w.start(t)
	case w.p(w.pBad * 6):
		w.damage(t)
	case w.p(w.pStop * 6):
		if i.c.phase == phaseLive {
			i.c.stop()
		}
	}
}

// damage flips a byte of the newest snapshot, if the one before is whole.
func (w *world) damage(t *toyTask) {
	v := w.store.Peek(t.name)
	if v == nil {
		return
	}
	p, err := decodePointer(v)
	if err != nil {
		w.fail("%v", err)
	}
	whole := func(s *slot) bool {
		if s == nil {
			return false
		}
		_, err := state.Decode(w.store.Object(s.Name))
		return err == nil
	}
	if whole(p.Newest) && (whole(p.Older) || w.rules.OneSnapshot) {
		w.store.Damage(p.Newest.Name, 30+w.rnd.IntN(1000))
		w.tracef("DAMAGE %s", p.Newest.Name)
	}
}

// drain ends all faults.
func (w *world) drain() {
	w.draining = true
	for _, s := range w.shards {
		s.faults.Rates = topic.Rates{}
	}
	w.tracef("--- no more faults; everything drains")
}

// done tells whether every task has read everything and said everything.
func (w *world) done() bool {
	for _, s := range w.source {
		if len(s.rest) > 0 {
			return false
		}
	}
	for _, t := range w.tasks {
		i := t.inst
		if i.dead || i.c.phase != phaseLive || i.c.stopping || !i.c.drained() {
			return false
		}
		for k := range t.inputs {
			if w.behind(t, k, i.c.inputs[k].seq) {
				return false
			}
		}
	}
	return true
}

func (w *world) behind(t *toyTask, k int, seq uint64) bool {
	log := w.shards[t.inputs[k].Topic].log
	return slices.ContainsFunc(log.Messages(), func(m *topic.Message) bool {
		return m.Seq > seq && topic.MatchAny(t.inputs[k].Filters, m.Subject)
	})
}

// why says who has not come to an end.
func (w *world) why() string {
	var b strings.Builder
	for _, s := range w.source {
		if len(s.rest) > 0 {
			fmt.Fprintf(&b, "%s: %d messages to go\n", s.subject, len(s.rest))
		}
	}
	for _, t := range w.tasks {
		c := t.inst.c
		fmt.Fprintf(&b, "%s epoch %d: dead %v, phase %d, step %d, stopping %v, snapshot %v, ops %d", t.name,
			c.cfg.Epoch, t.inst.dead, c.phase, c.step, c.stopping, c.snap != nil, len(c.ops))
		for k := range t.inputs {
			at := c.inputs[k].seq
			fmt.Fprintf(&b, ", input %d at %d (wants %v, more %v)", k, at, c.wants(k), w.behind(t, k, at))
		}
		for _, l := range c.lanes {
			fmt.Fprintf(&b, "; %s after %d pending %d segs %d in flight %v/%v", l.writer.Subject(), l.writer.Last(),
				l.pending, len(l.segs), l.inFlight != nil, l.writer.InFlight())
		}
		b.WriteString("\n")
	}
	for _, n := range w.names {
		info, _ := w.shards[n].log.Info(context.Background())
		fmt.Fprintf(&b, "shard %s: %d of %d bytes, %d messages\n", n, info.Bytes, info.MaxBytes, info.Messages)
	}
	return b.String()
}

func heldAt(p *pointer, rules *Rules, k int) uint64 {
	if h := p.held(rules); k < len(h) {
		return h[k]
	}
	return 0
}
