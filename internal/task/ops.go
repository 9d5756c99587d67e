package task

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/leatsql/leat/internal/state"
	"github.com/leatsql/leat/internal/topic"
)

type opKind uint8

const (
	opLoad opKind = iota
	opSwitch
	opPut
	opGet
	opDelete
	opList
)

// storeOp is one call to the snapshot store. The core makes one at a time; then takes the answer.
type storeOp struct {
	kind     opKind
	name     string // of the object, the task, or a prefix
	data     []byte
	revision uint64
	prepare  func(*storeOp) // when its turn comes; what it makes stays the same however often the call is made
	then     func(storeAnswer) error
}

type storeAnswer struct {
	data     []byte
	revision uint64
	names    []string
	err      error
}

// do makes the call.
func (o *storeOp) do(ctx context.Context, s state.Store) (a storeAnswer) {
	switch o.kind {
	case opLoad:
		a.data, a.revision, a.err = s.Load(ctx, o.name)
	case opSwitch:
		a.revision, a.err = s.Switch(ctx, o.name, o.data, o.revision)
	case opPut:
		a.err = s.Put(ctx, o.name, o.data)
	case opGet:
		a.data, a.err = s.Get(ctx, o.name)
	case opDelete:
		a.err = s.Delete(ctx, o.name)
	case opList:
		a.names, a.err = s.List(ctx, o.name)
	}
	return a
}

// ask queues a call; one that gets no answer is made again.
func (c *core) ask(o *storeOp) { c.ops = append(c.ops, c.persistent(o)) }

// askNext queues a call before all others.
func (c *core) askNext(o *storeOp) { c.ops = append([]*storeOp{c.persistent(o)}, c.ops...) }

func (c *core) persistent(o *storeOp) *storeOp {
	then := o.then
	o.then = func(a storeAnswer) error {
		if errors.Is(a.err, state.ErrNoAnswer) && o.kind != opPut {
			c.ops = append([]*storeOp{o}, c.ops...)
			return nil
		}
		return then(a)
	}
	return o
}

// nextOp hands out the next call to the store, nil when there is none or one is under way.
func (c *core) nextOp() *storeOp {
	if c.opOut || len(c.ops) == 0 || c.err != nil {
		return nil
	}
	c.opOut = true
	o := c.ops[0]
	if o.prepare != nil {
		o.prepare(o)
		o.prepare = nil
	}
	return o
}

// opDone takes the answer to the call that was handed out.
func (c *core) opDone(a storeAnswer) {
	o := c.ops[0]
	c.ops, c.opOut = c.ops[1:], false
	if err := o.then(a); err != nil {
		c.fail(err)
	}
	c.pump()
}

// writePointer changes the pointer and switches it by the revision this owner holds. A switch without an answer is
// settled by making it again: moved to this very value means that it was made.
func (c *core) writePointer(change func(*pointer), then func() error, moved func(storeAnswer) error) {
	var p pointer
	o := &storeOp{kind: opSwitch, name: c.cfg.Name}
	done := func(revision uint64) error {
		c.ptr, c.revision = p, revision
		return then()
	}
	o.prepare = func(o *storeOp) {
		c.serial++
		p = c.ptr
		change(&p)
		p.Epoch, p.Serial = c.cfg.Epoch, c.serial
		o.data, o.revision = p.encode(), c.revision
	}
	o.then = func(a storeAnswer) error {
		switch {
		case a.err == nil:
			return done(a.revision)
		case errors.Is(a.err, state.ErrMoved):
			c.look(o.data, done, moved)
			return nil
		}
		return fmt.Errorf("task %s: switch its pointer: %w", c.cfg.Name, a.err)
	}
	c.ask(o)
}

// look reads the pointer that has moved, until what it reads is newer than what this owner knows.
func (c *core) look(mine []byte, done func(uint64) error, moved func(storeAnswer) error) {
	c.askNext(&storeOp{kind: opLoad, name: c.cfg.Name, then: func(a storeAnswer) error {
		switch {
		case a.err != nil && !errors.Is(a.err, state.ErrNotFound):
			return fmt.Errorf("task %s: read its pointer: %w", c.cfg.Name, a.err)
		case bytes.Equal(a.data, mine):
			return done(a.revision)
		case a.revision <= c.revision: // an answer from the past
			c.look(mine, done, moved)
			return nil
		case moved != nil:
			return moved(a)
		}
		return fmt.Errorf("task %s: its pointer was moved by another owner: %w", c.cfg.Name, topic.ErrFenced)
	}})
}
