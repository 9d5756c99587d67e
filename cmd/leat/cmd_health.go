package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/leatsql/leat/internal/errcode"
	"github.com/leatsql/leat/internal/web"
)

// healthDoc is the document of a health page.
type healthDoc struct {
	State  string `json:"state"`
	Checks []struct {
		Name   string `json:"name"`
		State  string `json:"state"`
		Value  string `json:"value"`
		Limit  string `json:"limit"`
		Detail string `json:"detail"`
	} `json:"checks"`
}

func newHealthCmd(g *globals) *cobra.Command {
	var verbose bool
	cmd := &cobra.Command{
		Use:   "health [URL]",
		Short: "Ask a process of Leat whether it can do its work; exit code 6 when not",
		Long: "Asks the health page of a process: by default /readyz of leat dev, or of a service on this machine's " +
			"port 4270. It needs no shell, so a container can use it as its health check.",
		Args: argsBetween(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			target, err := g.healthURL(args)
			if err != nil {
				return err
			}
			return g.health(cmd.Context(), target, verbose)
		},
	}
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "list each check with its value and limit")
	return cmd
}

// healthURL is the page to ask.
func (g *globals) healthURL(args []string) (*url.URL, error) {
	at := "http://" + web.DefaultAddr
	if len(args) == 1 {
		at = args[0]
	} else if s, err := g.readDevState(); err != nil {
		return nil, err
	} else if s != nil && s.HTTP != "" {
		at = s.HTTP
	}
	u, err := url.Parse(at)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, usageErr("%q is no address of a page", at).WithHint("as in http://%s", web.DefaultAddr)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/readyz"
	}
	return u, nil
}

func (g *globals) health(ctx context.Context, u *url.URL, verbose bool) error {
	timeout := 5 * time.Second
	if g.timeout > 0 {
		timeout = g.timeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ask := *u
	if verbose || g.output == outputJSON {
		ask.RawQuery = "verbose"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, ask.String(), nil)
	if err != nil {
		return usageErr("ask %s: %w", u, err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return errcode.New(errcode.Unreach, "ask for health: %w", err).WithHint("leat dev or leat serve must run there")
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(io.LimitReader(resp.Body, maxSetting))
	if err != nil {
		return errcode.New(errcode.Unreach, "read the health page: %w", err)
	}
	if err := g.printHealth(page, verbose); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return errcode.New(errcode.Unhealthy, "%s answers %s", u, resp.Status).
			WithHint("leat health -v lists each check")
	}
	return nil
}

func (g *globals) printHealth(page []byte, verbose bool) error {
	var doc healthDoc
	if !verbose || g.output == outputJSON || json.Unmarshal(page, &doc) != nil {
		_, err := fmt.Fprintf(g.stdout, "%s\n", bytes.TrimSpace(page))
		return err
	}
	w := tabwriter.NewWriter(g.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CHECK\tSTATE\tVALUE\tLIMIT\tDETAIL")
	for _, c := range doc.Checks {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", c.Name, c.State, c.Value, c.Limit, c.Detail)
	}
	return w.Flush()
}
