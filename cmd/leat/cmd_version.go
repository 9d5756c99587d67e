package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/spf13/cobra"
)

// versionDoc is what leat version tells.
type versionDoc struct {
	Kind       string `json:"kind"`
	Version    string `json:"version"`
	Revision   string `json:"revision,omitempty"`
	Modified   bool   `json:"modified"`
	Go         string `json:"go"`
	OS         string `json:"os"`
	Arch       string `json:"arch"`
	NATSServer string `json:"nats_server"`
}

func newVersionCmd(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of this build",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			d := versionDoc{
				Kind: "leat.version/v1", Version: version, Go: runtime.Version(), OS: runtime.GOOS,
				Arch: runtime.GOARCH, NATSServer: server.VERSION,
			}
			if info, ok := debug.ReadBuildInfo(); ok {
				for _, s := range info.Settings {
					switch s.Key {
					case "vcs.revision":
						d.Revision = s.Value
					case "vcs.modified":
						d.Modified = s.Value == "true"
					}
				}
			}
			if g.output == outputJSON {
				return json.NewEncoder(g.stdout).Encode(d)
			}
			_, err := fmt.Fprintf(g.stdout, "leat %s (nats-server %s, %s %s/%s)\n", d.Version, d.NATSServer, d.Go,
				d.OS, d.Arch)
			return err
		},
	}
}
