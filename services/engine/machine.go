package engine

import (
	"fmt"
	"slices"

	"github.com/leatsql/leat/internal/catalog"
	"github.com/leatsql/leat/internal/stage"
	"github.com/leatsql/leat/pkg/sql/plan"
)

// machine makes the machine of a task, which takes over what there is of earlier texts of the query.
func (e *Engine) machine(w want, cfg stage.Config) (*stage.Successor, error) {
	return successor(w.query, w.stage, cfg)
}

func successor(q *catalog.Query, s *plan.Stage, cfg stage.Config) (*stage.Successor, error) {
	m, err := stage.New(s, cfg)
	if err != nil {
		return nil, err
	}
	out := &stage.Successor{Machine: m, Generation: q.Generation}
	if q.Before == nil {
		return out, nil
	}
	out.Before = func() (*stage.Successor, error) {
		p, err := q.Before.Plan(nil)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(p.Stages, func(b *plan.Stage) bool { return b.ID == s.ID })
		if i < 0 {
			return nil, fmt.Errorf("it has no stage %s", s.ID)
		}
		return successor(q.Before, p.Stages[i], cfg)
	}
	return out, nil
}
