package topic

// AppendFault is what happens to one attempt to append to a Memory.
type AppendFault uint8

// The faults of an append. All but AppendServerFull answer ErrNoAnswer.
const (
	// AppendOK: no fault.
	AppendOK AppendFault = iota
	// AppendLost: the request never arrives.
	AppendLost
	// AppendAckLost: the request is decided as usual, the answer gets lost.
	AppendAckLost
	// AppendLate: the request waits in the network until Deliver, and is decided then; nobody hears the answer. Other
	// appends to the subject go on meanwhile.
	AppendLate
	// AppendUndecided: the leader takes the request but has no quorum. Until Deliver (committed) or Drop (forgotten)
	// every other append to the subject is answered ErrUndecided. A request that the leader refuses is answered at
	// once.
	AppendUndecided
	// AppendServerFull: the server has no storage: ErrServerFull.
	AppendServerFull
)

// ReadFault is what happens to one read of a Memory.
type ReadFault uint8

// The faults of a read.
const (
	// ReadOK: no fault.
	ReadOK ReadFault = iota
	// ReadStale: Last and Get answer as a leader that missed the newest message of the subject. Not for Next.
	ReadStale
	// ReadNoAnswer: ErrNoAnswer. A cursor whose Next is answered so is dead.
	ReadNoAnswer
)

// ReadOp names the call a ReadFault is drawn for.
type ReadOp uint8

// The calls that read.
const (
	OpLast ReadOp = iota
	OpGet
	OpRead
	OpNext
	OpTrim
	OpInfo
)

// Faults decides about every call to a Memory. It is called with the log locked and may not call it.
type Faults interface {
	OnAppend(subject string) AppendFault
	OnRead(op ReadOp) ReadFault
}

// Rates are the chances (0 to 1) of faults. Of an append at most one is drawn.
type Rates struct {
	Lost, AckLost, Late, Undecided, ServerFull float64
	Stale, NoAnswer                            float64 // of Last and Get; NoAnswer of every read but Next
	CursorDeath                                float64 // of Next and Read
}

// SeededFaults draws faults by Rates from a source of random numbers that the caller seeds. Rates may be changed
// between calls; the zero Rates are quiet.
type SeededFaults struct {
	Rates Rates
	next  func() float64
}

// NewSeededFaults returns faults drawn from next, which gives numbers in [0, 1): rand.New(rand.NewPCG(seed,
// 0)).Float64.
func NewSeededFaults(next func() float64, r Rates) *SeededFaults {
	return &SeededFaults{Rates: r, next: next}
}

// OnAppend implements Faults.
func (f *SeededFaults) OnAppend(string) AppendFault {
	r := f.Rates
	x := f.next()
	for _, c := range []struct {
		rate  float64
		fault AppendFault
	}{
		{r.Lost, AppendLost},
		{r.AckLost, AppendAckLost},
		{r.Late, AppendLate},
		{r.Undecided, AppendUndecided},
		{r.ServerFull, AppendServerFull},
	} {
		if x < c.rate {
			return c.fault
		}
		x -= c.rate
	}
	return AppendOK
}

// OnRead implements Faults.
func (f *SeededFaults) OnRead(op ReadOp) ReadFault {
	x := f.next()
	switch {
	case op == OpNext || op == OpRead:
		if x < f.Rates.CursorDeath {
			return ReadNoAnswer
		}
	case x < f.Rates.NoAnswer:
		return ReadNoAnswer
	case x < f.Rates.NoAnswer+f.Rates.Stale && (op == OpLast || op == OpGet):
		return ReadStale
	}
	return ReadOK
}
