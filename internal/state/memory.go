package state

import (
	"context"
	"slices"
	"strings"
	"sync"
)

// Fault is what happens to one call of a Memory.
type Fault uint8

// The faults of a call. All but None answer ErrNoAnswer.
const (
	None    Fault = iota
	Lost          // the request never arrives
	AckLost       // it is carried out, the answer gets lost
	Late          // a Switch waits in the network until Deliver; other calls: Lost
)

// Memory is a Store in memory with faults that the caller decides. It starts no goroutine.
type Memory struct {
	// Fault decides about every call; nil: none. It is called with the store locked.
	Fault func(op string) Fault

	mu       sync.Mutex
	objects  map[string][]byte
	pointers map[string]pointer
	revision uint64
	late     []lateSwitch
}

type pointer struct {
	value    []byte
	revision uint64
}

type lateSwitch struct {
	task     string
	value    []byte
	revision uint64
}

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{objects: map[string][]byte{}, pointers: map[string]pointer{}}
}

func (m *Memory) fault(op string) Fault {
	if m.Fault == nil {
		return None
	}
	return m.Fault(op)
}

// Put implements Objects.
func (m *Memory) Put(_ context.Context, name string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.fault("put")
	if f == None || f == AckLost {
		m.objects[name] = slices.Clone(data)
	}
	if f != None {
		return ErrNoAnswer
	}
	return nil
}

// Get implements Objects.
func (m *Memory) Get(_ context.Context, name string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fault("get") != None {
		return nil, ErrNoAnswer
	}
	data, ok := m.objects[name]
	if !ok {
		return nil, ErrNotFound
	}
	return slices.Clone(data), nil
}

// Delete implements Objects.
func (m *Memory) Delete(_ context.Context, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.fault("delete")
	if f == None || f == AckLost {
		delete(m.objects, name)
	}
	if f != None {
		return ErrNoAnswer
	}
	return nil
}

// List implements Objects.
func (m *Memory) List(_ context.Context, prefix string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fault("list") != None {
		return nil, ErrNoAnswer
	}
	var names []string
	for name := range m.objects { // any order: sorted below
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Load implements Pointers.
func (m *Memory) Load(_ context.Context, task string) ([]byte, uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fault("load") != None {
		return nil, 0, ErrNoAnswer
	}
	p, ok := m.pointers[task]
	if !ok {
		return nil, 0, ErrNotFound
	}
	return slices.Clone(p.value), p.revision, nil
}

// Switch implements Pointers.
func (m *Memory) Switch(_ context.Context, task string, value []byte, revision uint64) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.fault("switch")
	switch f {
	case Lost:
		return 0, ErrNoAnswer
	case Late:
		m.late = append(m.late, lateSwitch{task, slices.Clone(value), revision})
		return 0, ErrNoAnswer
	default:
	}
	rev, err := m.apply(task, value, revision)
	if f == AckLost {
		return 0, ErrNoAnswer
	}
	return rev, err
}

func (m *Memory) apply(task string, value []byte, revision uint64) (uint64, error) {
	if m.pointers[task].revision != revision {
		return 0, ErrMoved
	}
	m.revision++
	m.pointers[task] = pointer{slices.Clone(value), m.revision}
	return m.revision, nil
}

// Late returns how many switches are still on their way.
func (m *Memory) Late() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.late)
}

// Deliver lets late switch number i arrive.
func (m *Memory) Deliver(i int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.late[i]
	m.late = slices.Delete(m.late, i, i+1)
	_, _ = m.apply(l.task, l.value, l.revision) // nobody hears the answer
}

// Damage flips a byte of an object; it tells whether there is one.
func (m *Memory) Damage(name string, at int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	data := m.objects[name]
	if len(data) == 0 {
		return false
	}
	data[at%len(data)] ^= 0x55
	return true
}

// Peek returns the pointer of a task without drawing a fault.
func (m *Memory) Peek(task string) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.pointers[task].value
}

// Object returns an object without drawing a fault, nil when it is not there.
func (m *Memory) Object(name string) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.objects[name]
}
