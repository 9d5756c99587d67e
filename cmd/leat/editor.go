package main

import (
	"context"
	"os"
	"os/exec"
	"strings"

	"github.com/leatsql/leat/pkg/sql/parser"
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
	return parser.Expected(text, end)
}
