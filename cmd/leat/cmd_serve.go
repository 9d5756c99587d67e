package main

import (
	"context"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/leatsql/leat/internal/errcode"
	"github.com/leatsql/leat/internal/web"
)

// serveFlags are the flags of leat serve.
type serveFlags struct {
	appNATS, appCreds, creds string
	http                     string
	fileRoot                 string
	replicas                 int
	partitions               int
	check                    bool
	state                    stateFlags
}

func newServeCmd(g *globals) *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve ingest|engine|sink|coordinator|all",
		Short: "Run one of the services against a NATS server",
		Long: "Runs a service as a process of its own. Processes of one role share the work by partition; what " +
			"a process that is killed had is taken over by the others.",
		Example: "  leat serve all --nats nats://127.0.0.1:4222\n  leat serve engine --nats nats://nats:4222 " +
			"--http 127.0.0.1:4270",
		Args:      argsBetween(1, 1),
		ValidArgs: append(append([]string{}, allRoles...), "all"),
		RunE:      func(cmd *cobra.Command, args []string) error { return g.serve(cmd.Context(), args[0], f) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.creds, "creds", "", "credentials file for Leat's account")
	fl.StringVar(&f.appNATS, "app-nats", "", "NATS server of the users' account (default: the same as --nats)")
	fl.StringVar(&f.appCreds, "app-creds", "", "credentials file for the users' account")
	fl.StringVar(&f.http, "http", "", "HTTP address HOST:PORT for health, metrics and, with a coordinator, "+
		"statements (default: none)")
	fl.StringVar(&f.fileRoot, "file-root", "", "folder that holds the files of sources and sinks (default: no files)")
	fl.IntVar(&f.replicas, "replicas", 1, "replicas of new streams and buckets (3 on a cluster)")
	fl.IntVar(&f.partitions, "partitions", 0, "partitions of new sources (default 8)")
	f.state.add(fl, "the system's temporary folder")
	fl.BoolVar(&f.check, "check-config", false, "check flags and connections, then end")
	return cmd
}

// serve runs leat serve.
func (g *globals) serve(ctx context.Context, role string, f serveFlags) error {
	roles, err := rolesOf(role)
	if err != nil {
		return err
	}
	if f.replicas < 1 || f.replicas > 5 {
		return usageErr("--replicas: %d is outside 1..5", f.replicas)
	}
	t, err := g.telemetry(ctx, "leat-"+role, false)
	if err != nil {
		return err
	}
	defer shutdownTelemetry(ctx, t)
	cfg := nodeConfig{roles: roles, telemetry: t, console: g.stdout, replicas: f.replicas, partitions: f.partitions}
	if cfg.state, err = f.state.budget(""); err != nil {
		return err
	}
	url := orDefault(g.nats, defaultNATS)
	if cfg.leat, err = g.connectService("leat "+role, url, f.creds); err != nil {
		return err
	}
	defer cfg.leat.Close()
	cfg.natsURL = redacted(withScheme(url))
	cfg.app = cfg.leat
	if f.appNATS != "" || f.appCreds != "" {
		if cfg.app, err = g.connectService("leat "+role+" (users)", orDefault(f.appNATS, url), f.appCreds); err != nil {
			return err
		}
		defer cfg.app.Close()
	}
	if cfg.root, err = openRoot(f.fileRoot); err != nil {
		return err
	}
	defer cfg.root.Close()
	if f.http != "" {
		if cfg.listener, err = web.Listen(ctx, f.http, false); err != nil {
			return err
		}
	}
	if f.check {
		g.hintf("configuration is good: %s on %s", strings.Join(roles, ", "), cfg.natsURL)
		return nil
	}
	g.hintf("%s on %s", strings.Join(roles, ", "), cfg.natsURL)
	return runNode(ctx, cfg)
}

func rolesOf(role string) ([]string, error) {
	if role == "all" {
		return allRoles, nil
	}
	for _, r := range allRoles {
		if r == role {
			return []string{r}, nil
		}
	}
	return nil, usageErr("no service %q", role).WithHint("one of %s, all", strings.Join(allRoles, ", "))
}

// openRoot opens the folder for files. Without one, files are refused: an empty folder stands in.
func openRoot(dir string) (*os.Root, error) {
	if dir == "" {
		tmp, err := os.MkdirTemp("", "leat-no-files-")
		if err != nil {
			return nil, errcode.New(errcode.StoreBad, "make an empty folder: %w", err)
		}
		dir = tmp
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, errcode.New(errcode.BadConfig, "--file-root: %w", err)
	}
	return root, nil
}
