package engine

import (
	"context"
	"time"

	"github.com/leatsql/leat/internal/stage"
)

const nudgeEvery = time.Second

// nudge asks tasks for a snapshot when a topic they read is half full, so that it can be trimmed before its writers
// have to wait.
func (e *Engine) nudge(ctx context.Context) error {
	tick := time.NewTicker(nudgeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
			e.nudgeFull(ctx)
		}
	}
}

func (e *Engine) nudgeFull(ctx context.Context) {
	readers := map[string][]*liveTask{}
	e.mu.Lock()
	for _, t := range e.live { // any order: tasks are independent
		for _, in := range t.w.stage.Inputs {
			name := stage.InputTopic(in)
			readers[name] = append(readers[name], t)
		}
	}
	e.mu.Unlock()
	for name, tasks := range readers { // any order: topics are independent
		info, err := e.res.shard(name).Info(ctx)
		if err != nil || info.MaxBytes == 0 || info.Bytes < info.MaxBytes/2 {
			continue // a topic that does not answer is met by its readers
		}
		for _, t := range tasks {
			select {
			case t.half <- struct{}{}:
			default: // it knows
			}
		}
	}
}
