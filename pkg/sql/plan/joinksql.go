package plan

import (
	"slices"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// ksqlRules refuses the joins that the ksql profile does not know.
func (g *joining) ksqlRules() error {
	if g.j.Kind == ast.Cross {
		return unsupported(g.j.At, "CROSS JOIN in the ksql profile")
	}
	if err := g.noSelfJoin(); err != nil {
		return err
	}
	if len(g.eqs) != 1 || len(g.rest) > 0 {
		if g.j.AsOf {
			return nil
		}
		return sqlerr.New(sqlerr.BadStatement, g.j.On.Span(), "ON of a join is one equality between the two sources").
			WithHint("conditions go to WHERE; SET 'dialect' = 'leat' allows more")
	}
	if err := g.sameWindows(); err != nil {
		return err
	}
	l, r := isTable(g.l.node), isTable(g.r.node)
	switch {
	case !l && !r && g.j.Within == nil && !g.j.AsOf:
		return sqlerr.New(sqlerr.BadStatement, g.j.At, "a stream-stream join needs WITHIN").
			WithHint("... JOIN b WITHIN 1 HOUR ON ...")
	case (l || r) && g.j.Within != nil:
		return sqlerr.New(sqlerr.BadStatement, g.j.Within.At, "WITHIN joins two streams")
	case r && plain(g.eqs[0].r) != single(g.r.node.Key):
		return sqlerr.New(sqlerr.BadStatement, g.j.On.Span(), "a join with a table goes by its primary key").
			WithHint("SET 'dialect' = 'leat' allows other columns")
	case l && r && plain(g.eqs[0].l) != single(g.l.node.Key):
		return g.foreignRules()
	}
	return nil
}

// sameWindows refuses to join keys with windows with others: sessions meet sessions, time windows meet time windows.
func (g *joining) sameWindows() error {
	l, r := keyWindows(g.l), keyWindows(g.r)
	if l == r || l == "" && r == "" {
		return nil
	}
	return sqlerr.New(sqlerr.BadStatement, g.j.At, "%s has %s, %s has %s: their keys do not meet", describe(g.l),
		windowWords[l], describe(g.r), windowWords[r]).
		WithHint("join sources whose keys have windows of the same kind")
}

var windowWords = map[string]string{
	"": "no windows in its key", "time": "time windows in its key", "session": "sessions in its key",
}

// keyWindows is the kind of windows that the key of a side has: time, session or "".
func keyWindows(sc *scope) string {
	if !windowedSource(sc) {
		return ""
	}
	if sc.relations[0].object.WindowType == "SESSION" {
		return "session"
	}
	return "time"
}

// single is the only column of a key, or -2.
func single(key []int) int {
	if len(key) == 1 {
		return key[0]
	}
	return -2
}

func (g *joining) foreignRules() error {
	if l := g.l.node; len(l.KeyAlts) == 1 && slices.Contains(l.KeyAlts[0], plain(g.eqs[0].l)) {
		return nil
	}
	switch {
	case g.j.Kind != ast.Inner && g.j.Kind != ast.Left:
		return sqlerr.New(sqlerr.BadStatement, g.j.At, "a join by a foreign key is INNER or LEFT")
	case len(g.l.relations) > 1:
		return sqlerr.New(sqlerr.BadStatement, g.j.At, "a join by a foreign key is the first one of its query")
	default:
		return nil
	}
}

// noSelfJoin refuses an object that stands in FROM twice.
func (g *joining) noSelfJoin() error {
	for _, r := range g.r.relations {
		for _, l := range g.l.relations {
			if l.object != nil && r.object != nil && l.object.Name == r.object.Name {
				return sqlerr.New(sqlerr.BadStatement, g.j.At, "%s joins itself", l.object.Name).
					WithHint("SET 'dialect' = 'leat' allows self joins")
			}
		}
	}
	return nil
}

// wantsRowKey tells that * shows the key that the join made.
func (b *Binder) wantsRowKey(sc *scope) bool { return b.Profile == expr.Ksql && sc.rowkey > 0 }
