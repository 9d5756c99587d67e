// Package arena gives the operators of a chain memory for flat state: slices without pointers that grow by append. Up
// to a limit of the process they lie in its own memory, above it in regions of a Store, such as mapped files.
package arena

import (
	"fmt"
	"sync/atomic"
)

// Store gives regions of memory that need not fit the machine's own. Its methods may be called from any goroutine.
type Store interface {
	// Map gives a region of at least n bytes, all zero and writable until Unmap.
	Map(n int) ([]byte, error)
	// Unmap takes back a region that Map gave, whole.
	Unmap(region []byte)
}

// Budget is the memory that the state of all chains of a process may take before it goes to a store.
type Budget struct {
	limit  int64
	least  int
	store  Store
	memory atomic.Int64
	stored atomic.Int64
}

// Least is the size below which a slice stays in memory in any case: smaller regions are not worth a mapping.
const Least = 64 << 10

// NewBudget makes a budget of limit bytes; slices of least bytes or more go to the store above it.
func NewBudget(limit int64, least int, store Store) *Budget {
	return &Budget{limit: limit, least: max(1, least), store: store}
}

// Limit is the size of the budget.
func (b *Budget) Limit() int64 { return b.limit }

// Used tells how many bytes of state lie in memory, and how many in the store.
func (b *Budget) Used() (memory, stored int64) { return b.memory.Load(), b.stored.Load() }

// Space makes the space of one chain; that of no budget is nil, which is a space without a limit.
func (b *Budget) Space() *Space {
	if b == nil {
		return nil
	}
	return &Space{b: b, regions: map[*byte][]byte{}}
}

// take takes n bytes of memory if the budget has them.
func (b *Budget) take(n int64) bool {
	if b.memory.Add(n) <= b.limit || n <= 0 {
		return true
	}
	b.memory.Add(-n)
	return false
}

// Space is the flat state of one chain. One goroutine owns it. A nil Space is memory without a limit.
type Space struct {
	b       *Budget
	regions map[*byte][]byte // by their first byte
	dead    [][]byte         // freed in this step
	memory  int64
	stored  int64
	err     error
}

// Stored is the bytes of the space that lie in the store.
func (s *Space) Stored() int64 {
	if s == nil {
		return 0
	}
	return s.stored
}

// Memory is the bytes of the space that lie in memory.
func (s *Space) Memory() int64 {
	if s == nil {
		return 0
	}
	return s.memory
}

// Full reports whether the budget is used up, so that it is better to give memory back than to keep it.
func (s *Space) Full() bool { return s != nil && s.b.memory.Load() >= s.b.limit }

// Err is what the store refused. The state is whole all the same, it grew in memory: the owner ends in good order.
func (s *Space) Err() error {
	if s == nil {
		return nil
	}
	return s.err
}

// Collect gives the store back what was freed since the last call. No slice into it may be used any more, so it is
// called between steps.
func (s *Space) Collect() {
	if s == nil || len(s.dead) == 0 {
		return
	}
	for _, r := range s.dead {
		s.b.store.Unmap(r)
	}
	clear(s.dead)
	s.dead = s.dead[:0]
}

// Close gives everything back. Nothing of the space may be read afterwards.
func (s *Space) Close() {
	if s == nil {
		return
	}
	s.Collect()
	// any order: each is given back alone
	for at, r := range s.regions {
		s.b.store.Unmap(r)
		delete(s.regions, at)
	}
	s.count(-s.memory, -s.stored)
}

// count changes the bytes of the space in memory and in the store.
func (s *Space) count(memory, stored int64) {
	s.memory += memory
	s.stored += stored
	s.b.memory.Add(memory)
	s.b.stored.Add(stored)
}

// open makes a region of n bytes; nil: the store refused.
func (s *Space) open(n int) []byte {
	r, err := s.b.store.Map(n)
	if err != nil {
		if s.err == nil {
			s.err = fmt.Errorf("state above %d bytes of memory: %w", s.b.limit, err)
		}
		return nil
	}
	s.regions[&r[0]] = r
	s.count(0, int64(len(r)))
	return r
}

// drop frees the region that starts at first, if it is one; it can be read until Collect.
func (s *Space) drop(first *byte) bool {
	r, found := s.regions[first]
	if found {
		delete(s.regions, first)
		s.dead = append(s.dead, r)
		s.count(0, -int64(len(r)))
	}
	return found
}
