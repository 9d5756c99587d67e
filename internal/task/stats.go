package task

import "sync/atomic"

// OutputStats measures one output subject. Any goroutine may read it.
type OutputStats struct {
	Subject  string
	Capacity int64 // bytes that may wait

	rows, messages, bytes, depth, most, blockedNs atomic.Int64
}

// OutputNumbers are the figures of an output at one moment.
type OutputNumbers struct {
	Subject               string
	Rows, Messages, Bytes int64 // appended or waiting; acknowledged; acknowledged (estimate)
	Depth, Capacity, Most int64 // bytes that wait, may wait, have ever waited
	BlockedNs             int64 // time in which the task waited for room here
}

// Numbers returns the figures.
func (s *OutputStats) Numbers() OutputNumbers {
	return OutputNumbers{
		Subject: s.Subject, Rows: s.rows.Load(), Messages: s.messages.Load(), Bytes: s.bytes.Load(),
		Depth:    s.depth.Load(),
		Capacity: s.Capacity, Most: s.most.Load(), BlockedNs: s.blockedNs.Load(),
	}
}

func (s *OutputStats) add(bytes, rows int) {
	s.rows.Add(int64(rows))
	d := s.depth.Add(int64(bytes))
	if d > s.most.Load() { // one goroutine adds
		s.most.Store(d)
	}
}

func (s *OutputStats) settled(bytes, pending int) {
	s.messages.Add(1)
	s.bytes.Add(int64(bytes))
	s.depth.Store(int64(pending))
}
