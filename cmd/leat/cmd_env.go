package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// settingDoc is one setting with where its value comes from.
type settingDoc struct {
	Command string `json:"command,omitempty"`
	Flag    string `json:"flag"`
	Env     string `json:"env"`
	Value   string `json:"value"`
	Origin  string `json:"origin"`
}

func newEnvCmd(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "env",
		Short: "Print every setting with its value and where it comes from: flag, env, file or default",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := g.allSettings(cmd)
			if err != nil {
				return err
			}
			if g.output == outputJSON {
				return json.NewEncoder(g.stdout).Encode(struct {
					Kind     string       `json:"kind"`
					Settings []settingDoc `json:"settings"`
				}{"leat.env/v1", settings})
			}
			w := tabwriter.NewWriter(g.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "COMMAND\tFLAG\tENV\tVALUE\tORIGIN")
			for _, s := range settings {
				fmt.Fprintf(w, "%s\t--%s\t%s\t%s\t%s\n", s.Command, s.Flag, s.Env, s.Value, s.Origin)
			}
			return w.Flush()
		},
	}
}

// allSettings returns the settings of all commands, those that every command has first.
func (g *globals) allSettings(cmd *cobra.Command) ([]settingDoc, error) {
	file, err := g.readConfig(cmd)
	if err != nil {
		return nil, err
	}
	var all []settingDoc
	cmd.Root().PersistentFlags().VisitAll(func(f *pflag.Flag) {
		origin := g.origins[f.Name]
		if origin == "" {
			origin = "default"
		}
		value := f.Value.String()
		if f.Name == "output-format" && origin == "default" {
			value = ""
		}
		all = append(all, settingDoc{Flag: f.Name, Env: envName(f.Name), Value: redacted(value), Origin: origin})
	})
	var walk func(*cobra.Command)
	walk = func(parent *cobra.Command) {
		for _, sub := range parent.Commands() {
			sub.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
				if f.Name == "help" {
					return
				}
				d := settingDoc{
					Command: commandName(sub), Flag: f.Name, Env: envName(f.Name), Value: f.Value.String(),
					Origin: "default",
				}
				if s, lookErr := g.lookup(sub, f.Name, file); lookErr != nil {
					err = lookErr
				} else if s != nil {
					d.Value, d.Origin = s.value, s.origin
				}
				d.Value = redacted(d.Value)
				all = append(all, d)
			})
			walk(sub)
		}
	}
	walk(cmd.Root())
	return all, err
}
