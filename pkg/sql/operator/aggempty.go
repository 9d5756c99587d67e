package operator

import (
	"github.com/leatsql/leat/pkg/sql/arena"
)

// Groups of which rows are taken back: a group without rows is deleted, unless it is kept.

// dead reports whether the group of record r is not there for readers: it has no rows (or fewer, for a while).
func (a *aggregate) dead(r []uint64) bool {
	at := a.lay.rows
	if at < 0 || len(a.types) == 0 && a.spec.Window.Kind == NoWindow {
		return false
	}
	n := int64(r[at])
	return n < 0 || n == 0 && !a.spec.KeepEmpty && r[wFlags]&flagKept == 0
}

// forget ends the emission of the dirty groups: those without rows are taken out of the table.
func (a *aggregate) forget(ctx *Context, emit Emit) {
	sent := a.out.having == nil
	for _, g := range a.dirty {
		r := a.st.rec(g)
		r[wFlags] &^= flagDirty
		if a.lay.rows < 0 || !a.dead(r) {
			continue
		}
		if !sent { // HAVING reads the flags of the records when it decides
			a.out.send(ctx, emit)
			sent = true
		}
		r[wFlags] &^= flagEmitted | flagVisible
		if a.paneMs == 0 && r[a.lay.rows] == 0 {
			a.st.clean(g)
			a.keys.remove(g)
		}
	}
}

// living keeps the groups that readers see.
func (a *aggregate) living(st *store, ids, recs []uint32) ([]uint32, []uint32) {
	var i, r []uint32
	for k, g := range recs {
		if rec := st.rec(g); rec[wFlags]&flagLive != 0 && !a.dead(rec) {
			i, r = append(i, ids[k]), append(r, g)
		}
	}
	return i, r
}

// tidy numbers the groups anew once most of the numbers are not used.
func (a *aggregate) tidy() {
	a.st.tidy()
	old := a.keys
	if a.sess != nil || a.paneMs != 0 || old.gone < 1<<10 || 2*old.gone < old.n {
		return
	}
	keys := old.like()
	n := uint32(0)
	for id := range uint32(old.n) {
		if a.st.rec(id)[wFlags]&flagLive == 0 {
			continue
		}
		keys.addFrom(old, id)
		copy(a.st.rec(n), a.st.rec(id))
		n++
	}
	old.free()
	a.keys = keys
	a.st.n, a.st.recs = n, arena.Fit(a.st.mem, a.st.recs[:int(n)*a.lay.stride])
}
