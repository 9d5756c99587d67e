package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/client"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// printFlags are the flags of leat print.
type printFlags struct {
	from      string
	partition int
	limit     int64
}

func newPrintCmd(g *globals) *cobra.Command {
	var f printFlags
	cmd := &cobra.Command{
		Use:   "print TOPIC",
		Short: "Show the rows of a topic as they lie in its log",
		Long: "Decodes the batches of a stream's or table's topic to rows, each with its partition, sequence, " +
			"operation and event time, and follows the log until --limit, --timeout or Ctrl-C.",
		Example: "  leat print trades --limit 10\n  leat print stats_5m --from latest -o jsonl",
		Args:    argsBetween(1, 1),
		RunE:    func(cmd *cobra.Command, args []string) error { return g.print(cmd.Context(), args[0], f) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.from, "from", "earliest", "earliest, latest, or a time (RFC 3339 or ms): rows with that event "+
		"time or later")
	fl.IntVar(&f.partition, "partition", -1, "one partition only (-1: all)")
	fl.Int64Var(&f.limit, "limit", -1, "end after so many rows (-1: never)")
	return takesOutput(cmd, outputTable, outputJSONL, outputCSV, outputVertical, outputJSON)
}

// print runs leat print.
func (g *globals) print(ctx context.Context, name string, f printFlags) error {
	since := vector.NoTime
	statement := "PRINT " + quoteName(name)
	switch f.from {
	case "latest":
	case "earliest":
		statement += " FROM BEGINNING"
	default:
		ms, err := parseNow(f.from)
		if err != nil || f.from == "" {
			return usageErr("--from %q is neither earliest, latest, RFC 3339 nor milliseconds", f.from)
		}
		since = ms
		statement += " FROM BEGINNING"
	}
	nc, err := g.connect("print")
	if err != nil {
		return err
	}
	defer nc.Close()
	if g.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, g.timeout, errPushTimeout)
		defer cancel()
	}
	c := client.New(nc, 0)
	resp, err := c.Execute(ctx, api.ExecuteRequest{Script: statement})
	if err != nil {
		return err
	}
	if resp.Error != nil {
		return resp.Error
	}
	if f.partition < -1 {
		return usageErr("--partition: %d is no partition", f.partition)
	}
	p := &printing{f: f, since: since}
	err = p.rows(ctx, g, c, resp.Results[0])
	if errors.Is(context.Cause(ctx), errPushTimeout) {
		return nil
	}
	return err
}

// quoteName writes a name as it is found without regard to case.
func quoteName(name string) string {
	for _, r := range name {
		if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') {
			return strconv.Quote(name)
		}
	}
	return name
}

// printing filters and counts rows of PRINT.
type printing struct {
	f     printFlags
	since int64
	n     int64
}

func (p *printing) rows(ctx context.Context, g *globals, c *client.Client, r api.Result) error {
	rows, err := c.Rows(r)
	if err != nil {
		return err
	}
	defer func() {
		cctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = rows.Close(cctx) // the server closes it by itself when it hears nothing
	}()
	kind := g.output
	if kind == outputTable {
		kind = "live"
	}
	w, err := newRows(kind, g.stdout)
	if err != nil {
		return err
	}
	if err := w.Begin(rows.Schema()); err != nil {
		return err
	}
	for p.f.limit < 0 || p.n < p.f.limit {
		b, err := rows.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return errors.Join(err, w.End())
		}
		if b == nil {
			continue
		}
		if err := w.Write(p.keep(b)); err != nil {
			return fmt.Errorf("print rows: %w", err)
		}
	}
	return w.End()
}

// keep leaves the rows of the partition and time that were asked for, up to the limit. Columns 0 and 3 of PRINT are the
// partition and the event time.
func (p *printing) keep(b *vector.Batch) *vector.Batch {
	var sel []uint32
	for i := range b.Rows {
		if p.f.limit >= 0 && p.n >= p.f.limit {
			break
		}
		if p.f.partition >= 0 && b.Cols[0].I64[i] != int64(p.f.partition) || b.Cols[3].I64[i] < p.since {
			continue
		}
		sel = append(sel, uint32(i))
		p.n++
	}
	out := *b
	out.Sel = append([]uint32{}, sel...)
	return vector.Compact(&out)
}
