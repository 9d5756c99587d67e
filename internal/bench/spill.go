package bench

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/leatsql/leat/internal/spill"
	"github.com/leatsql/leat/pkg/sql/arena"
)

const (
	spillMemory = 64 << 20 // memory of the state that spills
	spillRounds = 2        // each key is made, then found again
)

// spilled measures the same state of many keys in memory and in files, each in a process of its own.
func (b *bench) spilled(ctx context.Context) error {
	n := strconv.Itoa(stateKeys * b.cfg.Rows)
	u, r, err := b.child(ctx, "spill", n, "0", b.dir)
	if err != nil {
		return err
	}
	memory := u.result("state_memory")
	memory.BytesPerRecord, memory.GCMs = r.perKey(), ms(time.Duration(r.GCNs))
	u, r, err = b.child(ctx, "spill", n, strconv.Itoa(spillMemory), b.dir)
	if err != nil {
		return err
	}
	files := u.result("state_files")
	files.BytesPerRecord, files.GCMs = r.perKey(), ms(time.Duration(r.GCNs))
	b.add(memory, nil)
	b.add(files, &memory)
	if r.StoredBytes == 0 {
		return errors.New("no state lies in files: more keys are needed")
	}
	b.cfg.Progress(fmt.Sprintf("spill: %d of %d bytes of state in files; a key takes %.2f times the CPU time",
		r.StoredBytes, r.StateBytes, files.CPUSPerMillion/memory.CPUSPerMillion))
	return nil
}

// perKey is the state of one key.
func (r *childReport) perKey() float64 {
	return float64(r.StateBytes) * spillRounds / float64(max(1, r.Records))
}

// childSpill groups by keys (argument 0) with so many bytes of memory (argument 1; 0: no limit) and files in a folder
// (argument 2).
func childSpill(ctx context.Context, args []string) (*childReport, error) {
	n, err := number(arg(args, 0))
	if err != nil {
		return nil, err
	}
	limit, err := number(arg(args, 1))
	if err != nil {
		return nil, err
	}
	var budget *arena.Budget
	if limit > 0 {
		budget = spill.NewBudget(int64(limit), arg(args, 2))
	}
	return groupKeys(ctx, n, spillRounds, budget)
}
