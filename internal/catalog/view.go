package catalog

import (
	"context"
	"sync/atomic"
)

// View is the catalog as a service has last seen it; see NewView.
type View struct {
	last atomic.Pointer[Catalog]
}

// NewView returns a view of an empty catalog.
func NewView() *View {
	v := &View{}
	v.last.Store(New())
	return v
}

// Catalog returns the catalog as last seen. It is shared: nobody changes it.
func (v *View) Catalog() *Catalog { return v.last.Load() }

// Follow keeps the view at what the store holds, and calls changed after each change, until ctx ends.
func (v *View) Follow(ctx context.Context, s *Store, changed func()) error {
	return s.Watch(ctx, func(c *Catalog) error {
		v.last.Store(c)
		changed()
		return nil
	})
}
