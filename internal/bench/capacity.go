package bench

import "context"

func (b *bench) capacities(context.Context) error { return nil }
