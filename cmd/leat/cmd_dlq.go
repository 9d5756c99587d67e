package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/leatsql/leat/internal/api"
	"github.com/leatsql/leat/internal/client"
)

func newDLQCmd(g *globals) *cobra.Command {
	return group("dlq", "Work on dead letters: records that could not be processed",
		newDLQOp(g, "list", "List dead letters, oldest first", 0),
		newDLQOp(g, "show", "Show dead letters whole, with their original bytes", 1),
		newDLQOp(g, "retry", "Send the records of dead letters to their streams once more", 1),
		newDLQOp(g, "drop", "Drop dead letters", 1))
}

func newDLQOp(g *globals, op, short string, ids int) *cobra.Command {
	req := api.DLQRequest{Op: op}
	var yes bool
	use := op
	if ids > 0 {
		use += " [ID]"
	}
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  argsBetween(0, ids),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				req.ID = args[0]
			}
			if op == "drop" && req.All && !req.DryRun && !yes && !g.confirm("drop all dead letters?") {
				return usageErr("dropping all dead letters needs --yes")
			}
			return g.dlq(cmd.Context(), req)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&req.Query, "query", "", "those of a query, stream or sink")
	fl.StringVar(&req.Reason, "reason", "", "those with an error code, such as LEAT-5201")
	fl.IntVar(&req.Limit, "limit", 100, "most letters in the answer")
	if op == "retry" || op == "drop" {
		fl.BoolVar(&req.All, "all", false, "all dead letters")
		fl.BoolVar(&req.DryRun, "dry-run", false, "say what would be done, change nothing")
	}
	if op == "drop" {
		fl.BoolVar(&yes, "yes", false, "do not ask")
	}
	return cmd
}

// confirm asks on a terminal; elsewhere the answer is no.
func (g *globals) confirm(question string) bool {
	if !isTerminal(g.stdin) || !isTerminal(g.stderr) {
		return false
	}
	fmt.Fprintf(g.stderr, "%s [y/N] ", question)
	var answer string
	_, _ = fmt.Fscanln(g.stdin, &answer) // no answer is no
	return strings.EqualFold(answer, "y") || strings.EqualFold(answer, "yes")
}

// dlqDoc is the document of leat dlq.
type dlqDoc struct {
	Kind    string           `json:"kind"`
	Count   int              `json:"count"`
	Letters []api.DeadLetter `json:"letters"`
}

func (g *globals) dlq(ctx context.Context, req api.DLQRequest) error {
	nc, err := g.connect("dlq")
	if err != nil {
		return err
	}
	defer nc.Close()
	resp, err := client.New(nc, g.timeout).DLQ(ctx, req)
	if err != nil {
		return err
	}
	if g.output == outputJSON {
		return json.NewEncoder(g.stdout).Encode(dlqDoc{
			Kind: "leat.dead_letters/v1", Count: resp.Count,
			Letters: resp.Letters,
		})
	}
	switch {
	case req.Op == "list":
		if err := g.dlqTable(resp); err != nil {
			return err
		}
		g.hintf("%d dead letters", resp.Count)
	case req.Op == "show":
		return g.dlqShow(resp)
	case req.DryRun:
		g.hintf("would %s %d dead letters", req.Op, resp.Count)
	default:
		done := map[string]string{"retry": "retried", "drop": "dropped"}[req.Op]
		g.hintf("%s %d dead letters", done, resp.Count)
	}
	return nil
}

func (g *globals) dlqTable(resp *api.DLQResponse) error {
	w := tabwriter.NewWriter(g.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tSOURCE\tPOSITION\tCODE\tERROR\tORIGINAL")
	for _, l := range resp.Letters {
		fmt.Fprintf(w, "%s\t%s\t%d/%d/%d\t%s\t%s\t%s\n", l.ID, l.Source, l.Partition, l.Sequence, l.Row, l.Code,
			printable(l.Error), printable(clip(l.Original, 60)))
	}
	return w.Flush()
}

func clip(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most-1]) + "…"
}

func (g *globals) dlqShow(resp *api.DLQResponse) error {
	for i, l := range resp.Letters {
		if i > 0 {
			fmt.Fprintln(g.stdout)
		}
		w := tabwriter.NewWriter(g.stdout, 0, 0, 2, ' ', 0)
		for _, row := range [][2]string{
			{"id", l.ID},
			{"source", l.Source},
			{"subject", l.Subject},
			{"position", fmt.Sprintf("partition %d, sequence %d, row %d", l.Partition, l.Sequence, l.Row)},
			{"query", l.Query},
			{"stage", l.Stage},
			{"code", l.Code},
			{"error", printable(l.Error)},
			{"time", l.Time},
			{"attempts", fmt.Sprint(l.Attempts)},
			{"correlation id", l.CorrelationID},
			{"trace id", l.TraceID},
			{"format", l.Format},
			{"original", printable(l.Original)},
		} {
			if row[1] != "" {
				fmt.Fprintf(w, "%s\t%s\n", row[0], row[1])
			}
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return nil
}
