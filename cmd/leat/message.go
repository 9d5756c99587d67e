package main

import (
	"context"

	"github.com/leatsql/leat/internal/script"
)

func (g *globals) runMessages(ctx context.Context, p *script.Program, opt script.RunOptions) (script.Stats, error) {
	return script.Stats{}, usageErr("--mode message is not there yet")
}
