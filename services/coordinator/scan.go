package coordinator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/catalog"
	"github.com/leatsql/leat/internal/direct"
	"github.com/leatsql/leat/internal/stage"
	"github.com/leatsql/leat/internal/topic"
	"github.com/leatsql/leat/pkg/messages"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// scanWriter is the writer name of rows that come from a table's tasks.
const scanWriter = "scan"

const (
	scanWait  = 5 * time.Second // for one chunk
	scanTasks = 8               // tasks asked at once
)

// scan is a direct.Source of the rows of a table as its tasks hold them.
type scan struct {
	c       *Coordinator
	o       *plan.Object
	started bool
	// key is the partition key that the query asks for, nil: all rows. Only the task that holds it is asked.
	key  []*vector.Vector
	task int
	last *plan.Stage
	sub  *nats.Subscription
}

// Next implements direct.Source.
func (s *scan) Next(ctx context.Context) (direct.Item, error) {
	if !s.started {
		if err := s.start(ctx); err != nil {
			return direct.Item{}, err
		}
	}
	for {
		if s.sub == nil {
			if only, ok := s.owner(); ok && s.task < only {
				s.task = only
			} else if s.task >= s.last.Partitions || ok && s.task > only {
				return direct.Item{}, io.EOF
			}
			if err := s.ask(ctx); err != nil {
				return direct.Item{}, err
			}
		}
		item, more, err := s.chunk(ctx)
		if err != nil {
			return direct.Item{}, err
		}
		if more {
			return item, nil
		}
		_ = s.sub.Unsubscribe()
		s.sub = nil
		s.task++
	}
}

// owner returns the only task that can hold the key of the query: rows lie in the state as in the topic where each task
// writes its own partition.
func (s *scan) owner() (int, bool) {
	if s.key == nil || len(s.last.Output.Keys) > 0 || s.last.Partitions != s.o.Partitions {
		return 0, false
	}
	hash := make([]uint64, 1)
	vector.HashKeys(hash, s.key, 1, nil)
	return int(hash[0] % uint64(s.last.Partitions)), true
}

// start waits, stage by stage, until all tasks have passed the ends of the logs, so that INSERT then SELECT agrees.
func (s *scan) start(ctx context.Context) error {
	s.started = true
	cat := s.c.Catalog()
	q := cat.Queries[s.o.Query]
	if q == nil {
		return &api.Error{Code: "LEAT-5002", Message: fmt.Sprintf("the query that writes %s was terminated; its "+
			"state is gone", s.o.Name)}
	}
	if q.State == catalog.Paused {
		return &api.Error{
			Code: "LEAT-4004", Message: fmt.Sprintf("query %s, which holds %s, is paused", q.ID, s.o.Name),
			Hint: "RESUME " + q.ID,
		}
	}
	p, err := q.Plan(s.o)
	if err != nil {
		return err
	}
	for _, st := range p.Stages {
		if err := s.c.passed(ctx, st); err != nil {
			return err
		}
	}
	s.last = p.Stages[len(p.Stages)-1]
	return nil
}

// passed waits until the tasks of a stage have taken what their inputs hold now.
func (c *Coordinator) passed(ctx context.Context, st *plan.Stage) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(scanTasks)
	for p := range st.Partitions {
		g.Go(func() error {
			req := api.ScanRequest{Task: stage.TaskName(st, p), Inputs: map[string]uint64{}}
			for _, in := range st.Inputs {
				name := stage.InputTopic(in)
				m, err := c.shard(name).Last(ctx, "leat.*."+name+"."+strconv.Itoa(p)+".*")
				if errors.Is(err, topic.ErrNotFound) {
					continue
				}
				if err != nil {
					return fmt.Errorf("read the end of topic %s: %w", name, err)
				}
				req.Inputs[name] = m.Seq
			}
			data, err := json.Marshal(req)
			if err != nil {
				return err
			}
			msg := nats.NewMsg(api.SubjectScan + "." + req.Task)
			msg.Data = data
			answer, err := c.ask(ctx, msg, scanWait)
			if err == nil && answer.Header.Get(api.HeaderError) != "" {
				return &api.Error{Code: "LEAT-4004", Message: answer.Header.Get(api.HeaderError), Retryable: true}
			}
			return noTask(err, req.Task)
		})
	}
	return g.Wait()
}

func noTask(err error, task string) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, nats.ErrTimeout) {
		return &api.Error{
			Code: "LEAT-4004", Message: "task " + task +
				" does not answer: no engine runs it at the moment",
			Hint: "SHOW QUERIES EXTENDED tells its state; try again", Retryable: true,
		}
	}
	return fmt.Errorf("ask task %s: %w", task, err)
}

// ask starts the scan of the next task.
func (s *scan) ask(ctx context.Context) error {
	inbox := s.c.cfg.Conn.NewRespInbox()
	sub, err := s.c.cfg.Conn.SubscribeSync(inbox)
	if err != nil {
		return fmt.Errorf("subscribe for rows: %w", err)
	}
	req := api.ScanRequest{Task: stage.TaskName(s.last, s.task), Rows: true}
	data, err := json.Marshal(req)
	if err != nil {
		return err
	}
	if err := s.c.cfg.Conn.PublishRequest(api.SubjectScan+"."+req.Task, inbox, data); err != nil {
		return fmt.Errorf("ask task %s: %w", req.Task, err)
	}
	s.sub = sub
	return ctx.Err()
}

// chunk takes one message of the scan; more is false at its end.
func (s *scan) chunk(ctx context.Context) (item direct.Item, more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, scanWait)
	defer cancel()
	m, err := s.sub.NextMsgWithContext(ctx)
	if err != nil {
		return direct.Item{}, false, noTask(err, stage.TaskName(s.last, s.task))
	}
	if m.Header.Get("Status") == "503" {
		return direct.Item{}, false, noTask(nats.ErrNoResponders, stage.TaskName(s.last, s.task))
	}
	if text := m.Header.Get(api.HeaderError); text != "" {
		return direct.Item{}, false, &api.Error{Code: "LEAT-4004", Message: text, Retryable: true}
	}
	if m.Reply != "" {
		if err := m.Respond(nil); err != nil {
			return direct.Item{}, false, fmt.Errorf("ask for more rows: %w", err)
		}
	}
	if m.Header.Get(api.HeaderEnd) != "" {
		return direct.Item{}, false, nil
	}
	var pb messages.ProcessBatch
	if err := messages.DecodeProcessBatch(m.Data, &pb); err != nil {
		return direct.Item{}, false, fmt.Errorf("rows of task %d: %w", s.task, err)
	}
	b := &vector.Batch{Watermark: vector.NoTime}
	if err := vector.FromColumns(&pb.Columns, s.o.Schema(), b); err != nil {
		return direct.Item{}, false, fmt.Errorf("rows of task %d: %w", s.task, err)
	}
	return direct.Item{Batch: b, Writer: scanWriter, Partition: s.task % max(1, s.o.Partitions)}, true, nil
}
