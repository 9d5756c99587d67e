package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/leatsql/leat/internal/errcode"
)

// codeDoc is the explanation of an error code.
type codeDoc struct {
	Kind        string `json:"kind"`
	Code        string `json:"code"`
	Title       string `json:"title"`
	Explanation string `json:"explanation"`
	Exit        int    `json:"exit"`
	Retryable   bool   `json:"retryable"`
}

func newHelpCmd(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND | LEAT-NNNN | codes]",
		Short:   "Help about a command or an error code",
		Example: "  leat help run\n  leat help LEAT-3101\n  leat help codes",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && args[0] == "codes" {
				return g.printCodes()
			}
			if len(args) == 1 && strings.HasPrefix(strings.ToUpper(args[0]), "LEAT-") {
				return g.printCode(errcode.Code(strings.ToUpper(args[0])))
			}
			target, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 && target.HasSubCommands() {
				return unknownCommand(cmd.Root(), strings.Join(args, " "))
			}
			target.InitDefaultHelpFlag()
			return target.Help()
		},
	}
}

func (g *globals) printCode(code errcode.Code) error {
	e, ok := errcode.Lookup(code)
	if !ok {
		return usageErr("%s is no error code of Leat", code).WithHint("leat help codes lists them")
	}
	if g.output == outputJSON {
		return json.NewEncoder(g.stdout).Encode(docOf(e))
	}
	retry := ""
	if code.Retryable() {
		retry = ", a retry may help"
	}
	_, err := fmt.Fprintf(g.stdout, "%s: %s (exit code %d%s)\n\n%s\n", e.Code, e.Title, code.Exit(), retry,
		wrapped(e.Text, 78))
	return err
}

func (g *globals) printCodes() error {
	for _, e := range errcode.Entries() {
		var err error
		if g.output == outputJSON {
			err = json.NewEncoder(g.stdout).Encode(docOf(e))
		} else {
			_, err = fmt.Fprintf(g.stdout, "%s  %s\n", e.Code, e.Title)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func docOf(e errcode.Entry) codeDoc {
	return codeDoc{
		Kind: "leat.code/v1", Code: string(e.Code), Title: e.Title, Explanation: e.Text, Exit: e.Code.Exit(),
		Retryable: e.Code.Retryable(),
	}
}

// wrapped breaks text into lines of at most width characters.
func wrapped(text string, width int) string {
	var b strings.Builder
	line := 0
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case line+1+len(word) > width:
			b.WriteByte('\n')
			line = 0
		default:
			b.WriteByte(' ')
			line++
		}
		b.WriteString(word)
		line += len(word)
	}
	return b.String()
}
