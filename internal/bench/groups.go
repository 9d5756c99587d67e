package bench

import (
	"context"
	"fmt"
	"os"
	"strconv"

	"github.com/zeebo/xxh3"
)

const (
	manyGroups = 1_000_000
	groupsRows = 2 // times the rows of the direct workloads
)

// groupsScript keeps every 1,000th group, so that the rows of the answer cost nothing beside the groups.
func groupsScript(text bool) string {
	key, keep := "BIGINT", "MOD(k, 1000) = 0"
	if text {
		key, keep = "STRING", "k LIKE '%000'"
	}
	return `CREATE STREAM g (k ` + key + `, v BIGINT, ts BIGINT)
  WITH (connector = 'file', path = '${in}', format = 'json', event_time = 'ts', watermark = '1s');
SELECT k, COUNT(*) AS n, SUM(v) AS total, MIN(v) AS lo, MAX(v) AS hi FROM g GROUP BY k HAVING ` + keep + `;`
}

// growth measures how CPU per record grows from one group to many (a million with the default rows), in message mode.
func (b *bench) growth(ctx context.Context) error {
	rows := groupsRows * b.cfg.Rows
	many := min(manyGroups, rows/2)
	var entrants []entrant
	for _, text := range []bool{false, true} {
		for _, keys := range []int{1, many} {
			name := groupsName(text, keys)
			in, err := b.input(name+".ndjson", func(p string) error { return writeGroups(p, rows, keys, text) })
			if err != nil {
				return err
			}
			script := b.path(name + ".sql")
			if err := os.WriteFile(script, []byte(groupsScript(text)), 0o600); err != nil {
				return fmt.Errorf("write the script: %w", err)
			}
			want := groupsAnswer(rows, keys, text)
			entrants = append(entrants, entrant{name, func() (usage, error) {
				return b.groupsRun(ctx, script, in, int64(rows), want)
			}})
		}
	}
	m, err := b.rounds(ctx, entrants)
	if err != nil {
		return err
	}
	for _, e := range entrants {
		b.add(m[e.name].result(e.name), nil)
	}
	return nil
}

func groupsName(text bool, keys int) string {
	kind, count := "int", "1"
	if text {
		kind = "string"
	}
	if keys > 1 {
		count = "many"
	}
	return "groups_" + kind + "_" + count
}

func (b *bench) groupsRun(ctx context.Context, script, in string, rows int64, want Answer) (usage, error) {
	out := b.path("out")
	u, err := b.run(ctx, out, "run", script, "--mode", "message", "--define", "in="+in, "-o", "jsonl", "-q")
	if err != nil {
		return u, err
	}
	u.records = rows
	got, err := answerOf(out, []string{"k", "n", "total", "lo", "hi"})
	if err == nil {
		err = sameAnswer(got, want)
	}
	return u, err
}

// groupsAnswer computes the answer of groupsScript from how the rows are made.
func groupsAnswer(rows, keys int, text bool) Answer {
	type group struct{ n, sum, lo, hi int64 }
	all := make([]group, (keys+999)/1000) // of the keys that are kept
	for i := range rows {
		k := spread(i%keys, keys)
		if k%1000 != 0 {
			continue
		}
		g, v := &all[k/1000], int64(i%1000)
		if g.n == 0 {
			*g = group{lo: v, hi: v}
		}
		g.n++
		g.sum += v
		g.lo, g.hi = min(g.lo, v), max(g.hi, v)
	}
	var a Answer
	var b []byte
	for i, g := range all {
		b = b[:0]
		key := string(appendGroupKey(nil, i*1000, text))
		if text {
			key = key[1 : len(key)-1]
		}
		b = append(append(b, key...), 0)
		for _, v := range []int64{g.n, g.sum, g.lo, g.hi} {
			b = append(strconv.AppendInt(b, v, 10), 0)
		}
		a.Rows++
		a.Sum += xxh3.Hash(b)
	}
	return a
}
