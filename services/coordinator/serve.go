package coordinator

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/nats-io/nats.go/micro"

	"github.com/leatsql/leat/internal/api"
)

// maxScript bounds a request's text; the parser bounds it again.
const maxRequest = 1 << 20

// serve answers the micro service until ctx ends.
func (c *Coordinator) serve(ctx context.Context) error {
	version := c.cfg.Version
	if version == "" {
		version = "0.0.0"
	}
	srv, err := micro.AddService(c.cfg.Conn, micro.Config{
		Name: "leat-coordinator", Version: version,
		Description: "Leat: streaming SQL for NATS",
	})
	if err != nil {
		return fmt.Errorf("start the micro service: %w", err)
	}
	defer func() { _ = srv.Stop() }()
	endpoints := map[string]micro.HandlerFunc{
		api.SubjectExecute:            answer(ctx, c.Execute),
		api.SubjectFetch + "." + c.id: answer(ctx, c.Fetch),
		api.SubjectClose + "." + c.id: answer(ctx, c.Close),
		api.SubjectStatus:             answer(ctx, func(context.Context, struct{}) api.Status { return c.Status() }),
		api.SubjectDLQ:                answer(ctx, c.DLQ),
	}
	for _, subject := range slices.Sorted(maps.Keys(endpoints)) {
		name := endpointName(subject, c.id)
		if err := srv.AddEndpoint(name, endpoints[subject], micro.WithEndpointSubject(subject)); err != nil {
			return fmt.Errorf("serve %s: %w", subject, err)
		}
	}
	if err := c.cfg.Conn.Flush(); err != nil { // the server knows the subscriptions from here on
		return fmt.Errorf("announce the micro service: %w", err)
	}
	if c.cfg.OnReady != nil {
		c.cfg.OnReady(c)
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

func endpointName(subject, id string) string {
	for _, s := range []string{api.SubjectFetch, api.SubjectClose} {
		if subject == s+"."+id {
			subject = s
		}
	}
	return subject[len("leat.api."):]
}

// answer makes a handler of a function from request to response. Each request runs in a goroutine of its own, so that a
// slow one does not hold up the others.
func answer[Req, Resp any](ctx context.Context, f func(context.Context, Req) Resp) micro.HandlerFunc {
	return func(r micro.Request) {
		var req Req
		if len(r.Data()) > maxRequest {
			_ = r.Error("LEAT-3301", "the request is larger than 1 MiB", nil)
			return
		}
		if len(r.Data()) > 0 {
			if err := json.Unmarshal(r.Data(), &req); err != nil {
				_ = r.Error("LEAT-2001", "the request is not the JSON that this endpoint takes: "+err.Error(), nil)
				return
			}
		}
		go func() {
			_ = r.RespondJSON(f(ctx, req)) // the client is gone when this fails
		}()
	}
}

// CloseRequest ends a cursor.
type CloseRequest struct {
	Cursor string `json:"cursor"`
}

// Close ends a cursor.
func (c *Coordinator) Close(_ context.Context, req CloseRequest) struct{} {
	c.cursors.close(req.Cursor)
	return struct{}{}
}
