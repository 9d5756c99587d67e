package main

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/parser"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/services/coordinator"
)

// runEditor runs the user's editor on a file, on this terminal.
func runEditor(ctx context.Context, editor, path string) error {
	words := strings.Fields(editor)
	cmd := exec.CommandContext(ctx, words[0], append(words[1:], path)...) //nolint:gosec // the user's own editor
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd.Run()
}

// keywordsAfter lists the keywords that may follow a text.
func keywordsAfter(text string) []string {
	end := strings.LastIndexAny(text, " \t\n(,") + 1
	words := parser.Expected(text, end)
	i := slices.Index(words, "<property>")
	if i < 0 {
		return words
	}
	names := plan.PropertyNames()
	statement := strings.ToUpper(strings.TrimSpace(text[strings.LastIndex(text, ";")+1:]))
	if strings.HasPrefix(statement, "CREATE SINK") {
		names = coordinator.SinkProperties()
	}
	return slices.Replace(words, i, i+1, names...)
}
