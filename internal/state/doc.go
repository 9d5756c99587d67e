// Package state keeps the snapshots of tasks: how one is framed, and where it lies.
//
// A snapshot is an object that is written once under a name of its own; a pointer, switched by revision, names the two
// newest. Store is the contract of both. JetStream keeps them in an object store and a bucket of keys; Memory is for
// the simulator and has faults.
package state

import (
	"context"
	"errors"
)

// The errors of a Store.
var (
	// ErrNotFound: no such object, or no pointer yet.
	ErrNotFound = errors.New("not found")
	// ErrMoved: the pointer has another revision. Not switched by this attempt; an earlier one that was not answered
	// may have been.
	ErrMoved = errors.New("the pointer has moved")
	// ErrFull: the store has no room for the object. Not stored.
	ErrFull = errors.New("the snapshot store is full")
	// ErrNoAnswer: no answer in time. A put, delete or switch may still happen.
	ErrNoAnswer = errors.New("no answer from the snapshot store")
)

// Objects keeps snapshots under names.
type Objects interface {
	// Put stores data under a name that was never used before. After an error the name is not used again.
	Put(ctx context.Context, name string, data []byte) error
	// Get returns what Put stored, or ErrNotFound. Damage that it notices is an error too.
	Get(ctx context.Context, name string) ([]byte, error)
	// Delete removes an object; one that is not there is no error.
	Delete(ctx context.Context, name string) error
	// List returns the names that begin with prefix.
	List(ctx context.Context, prefix string) ([]string, error)
}

// Pointers keeps one small value a task, switched by revision.
type Pointers interface {
	// Load returns the value and its revision as the leader knows them, or ErrNotFound.
	Load(ctx context.Context, task string) (value []byte, revision uint64, err error)
	// Switch replaces the value if its revision is still the one given (0: there is none yet) and returns the new one.
	Switch(ctx context.Context, task string, value []byte, revision uint64) (uint64, error)
}

// Store is where tasks keep their snapshots.
type Store interface {
	Objects
	Pointers
}
