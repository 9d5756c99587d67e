package telemetry

import "context"

// Queue is a bounded channel whose link is measured. The sender closes it.
type Queue[T any] struct {
	c    chan T
	link *Link
}

// NewQueue makes a queue of the given capacity, at least 1, on the link list.
func NewQueue[T any](ls *Links, name LinkName, capacity int) *Queue[T] {
	capacity = max(capacity, 1)
	q := &Queue[T]{c: make(chan T, capacity)}
	q.link = ls.open(&Link{name: name, from: ls, capacity: int64(capacity), measure: q.depth})
	return q
}

// Send puts v in, waiting for room until ctx ends.
func (q *Queue[T]) Send(ctx context.Context, v T) error {
	if q.TrySend(v) {
		return nil
	}
	end := q.link.Wait()
	defer end()
	select {
	case q.c <- v:
		q.link.look(q.depth())
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// TrySend puts v in if there is room now.
func (q *Queue[T]) TrySend(v T) bool {
	select {
	case q.c <- v:
		q.link.look(q.depth())
		return true
	default:
		return false
	}
}

// Recv takes the next value, waiting until ctx ends; ok is false when the queue is closed and empty.
func (q *Queue[T]) Recv(ctx context.Context) (v T, ok bool, err error) {
	select {
	case v, ok = <-q.c:
	default:
		select {
		case v, ok = <-q.c:
		case <-ctx.Done():
			return v, false, context.Cause(ctx)
		}
	}
	if ok {
		q.link.passed.Add(1)
		q.link.look(q.depth())
	}
	return v, ok, nil
}

// Len returns how many values are in.
func (q *Queue[T]) Len() int { return len(q.c) }

func (q *Queue[T]) depth() int64 { return int64(len(q.c)) }

// Close ends the queue; what is in can still be received. Only the sender calls it, once.
func (q *Queue[T]) Close() { close(q.c) }

// Release takes the queue's link off the list, when nobody uses the queue any more.
func (q *Queue[T]) Release() { q.link.Close() }

// State returns the link as it is now.
func (q *Queue[T]) State() LinkState { return q.link.State() }
