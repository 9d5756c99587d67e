package bench

import (
	"context"
	"fmt"
	"os"
)

const declareTrades = `CREATE STREAM trades (symbol STRING, price DECIMAL(18,4), volume BIGINT, ts BIGINT, venue STRING)
  WITH (connector = 'file', path = '${in}', format = 'json', event_time = 'ts', watermark = '1s');
`

// scripts are the SQL of the direct workloads.
var scripts = map[string]string{
	"w1": declareTrades +
		`SELECT symbol, price, price * volume AS notional FROM trades WHERE venue = 'XNAS' AND volume > 1000;`,
	"w2": declareTrades +
		`SELECT symbol, window_start, COUNT(*) AS n, AVG(price) AS avg, MIN(price) AS lo, MAX(price) AS hi
FROM trades WINDOW TUMBLING(1s) GROUP BY symbol;`,
	"w3": declareTrades +
		`SELECT symbol, window_start, COUNT(*) AS n, AVG(price) AS avg, MIN(price) AS lo, MAX(price) AS hi
FROM trades WINDOW SLIDING(60s, 5s) GROUP BY symbol;`,
	"w4": declareTrades + `CREATE TABLE symbols (symbol STRING PRIMARY KEY, sector STRING, lot BIGINT)
  WITH (connector = 'file', path = '${table}', format = 'json');
SELECT t.symbol AS symbol, s.sector AS sector, t.price AS price, t.volume * s.lot AS shares
FROM trades t JOIN symbols s ON t.symbol = s.symbol;`,
}

// allColumns are those of the answers, handColumns those of them in which float64 gives the same text.
var (
	allColumns = map[string]string{
		"w1": "symbol,price,notional", "w2": "symbol,window_start,n,avg,lo,hi",
		"w3": "symbol,window_start,n,avg,lo,hi", "w4": "symbol,sector,price,shares",
	}
	handColumns = map[string]string{
		"w1": "symbol,price", "w2": "symbol,window_start,n,lo,hi",
		"w3": "symbol,window_start,n,lo,hi", "w4": "symbol,sector,price,shares",
	}
)

// handShare is how much of the rows the program by hand gets: it is ten times slower.
const handShare = 5

// direct measures one of w1 to w4. Answers go to a file and are checked in the round that does not count; in the others
// they go nowhere, because the file would cost more than the limit itself.
func (b *bench) direct(ctx context.Context, w string) error {
	in, table, err := b.directInputs(ctx, w)
	if err != nil {
		return err
	}
	_, want, err := b.child(ctx, "limit", w, in, table, b.path("want"), allColumns[w])
	if err != nil {
		return err
	}
	run := leatRun{w, "direct", in, table}
	if err := b.leatCheck(ctx, run, want); err != nil {
		return err
	}
	entrants := []entrant{
		b.programEntrant(ctx, "limit", w, in, table),
		b.leatEntrant(ctx, w, run),
		b.programEntrant(ctx, "hand", w, b.path(fewRows), table),
	}
	if w == "w1" {
		entrants = append(entrants, b.programEntrant(ctx, "limit", "scan", in, table))
	}
	m, err := b.rounds(ctx, entrants)
	if err != nil {
		return err
	}
	limit := m["limit."+w].result("limit." + w)
	r := m[w].result(w)
	r.BytesPerRecord = float64(fileBytes(in)) / float64(b.cfg.Rows)
	b.add(r, &limit)
	b.add(limit, nil)
	if u, ok := m["limit.scan"]; ok {
		b.add(u.result("limit.scan"), nil)
	}
	b.add(m["hand."+w].result("hand."+w), nil)
	return nil
}

const fewRows = "trades.few.ndjson"

// directInputs makes the files of a direct workload, and lets the limit program and the one by hand agree on the fewer
// rows.
func (b *bench) directInputs(ctx context.Context, w string) (in, table string, err error) {
	if in, err = b.input("trades.ndjson", func(p string) error { return writeTrades(p, b.cfg.Rows) }); err != nil {
		return "", "", err
	}
	few, err := b.input(fewRows, func(p string) error { return writeTrades(p, b.cfg.Rows/handShare) })
	if err != nil {
		return "", "", err
	}
	if table, err = b.input("symbols.ndjson", writeSymbols); err != nil {
		return "", "", err
	}
	_, limit, err := b.child(ctx, "limit", w, few, table, b.path("out"), handColumns[w])
	if err != nil {
		return "", "", err
	}
	_, hand, err := b.child(ctx, "hand", w, few, table, b.path("out"), handColumns[w])
	if err == nil && limit.Answer != hand.Answer {
		err = fmt.Errorf("the limit program answers %+v, the one by hand %+v", limit.Answer, hand.Answer)
	}
	return in, table, err
}

// programEntrant runs a limit program or one by hand.
func (b *bench) programEntrant(ctx context.Context, kind, w, in, table string) entrant {
	return entrant{kind + "." + w, func() (usage, error) {
		u, _, err := b.child(ctx, kind, w, in, table, os.DevNull)
		return u, err
	}}
}

// leatRun is a run of the script of workload w in a mode over its inputs.
type leatRun struct{ w, mode, in, table string }

// leatEntrant runs a script with leat run.
func (b *bench) leatEntrant(ctx context.Context, name string, r leatRun) entrant {
	return entrant{name, func() (usage, error) {
		u, err := b.leatRun(ctx, r, os.DevNull)
		u.records = int64(b.cfg.Rows)
		return u, err
	}}
}

func (b *bench) leatRun(ctx context.Context, r leatRun, out string) (usage, error) {
	script := b.path(r.w + ".sql")
	if err := os.WriteFile(script, []byte(scripts[r.w]), 0o600); err != nil {
		return usage{}, fmt.Errorf("write the script: %w", err)
	}
	return b.run(ctx, out, "run", script, "--mode", r.mode, "--define", "in="+r.in, "--define", "table="+r.table, "-o",
		"jsonl", "-q", "--dead", "none", "--on-error", "fail_fast")
}

// leatCheck compares the answer of leat run with that of the limit program.
func (b *bench) leatCheck(ctx context.Context, r leatRun, want *childReport) error {
	out := b.path("out")
	if _, err := b.leatRun(ctx, r, out); err != nil {
		return err
	}
	_, got, err := b.child(ctx, "answer", out, allColumns[r.w])
	if err != nil {
		return err
	}
	return sameAnswer(got.Answer, want.Answer)
}

func sameAnswer(got, want Answer) error {
	if got == want {
		return nil
	}
	return fmt.Errorf("wrong answer: %d rows, checksum %x; want %d rows, %x", got.Rows, got.Sum, want.Rows, want.Sum)
}

func fileBytes(path string) int64 {
	st, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return st.Size()
}
