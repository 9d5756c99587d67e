package oracle_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leatsql/leat/oracle"
	"github.com/leatsql/leat/oracle/random"
)

var (
	same           = flag.Int("same", 120, "number of random queries that are asked in many ways")
	messageQueries = flag.Int("message-queries", 0, "number of random queries asked in message mode; 0 leaves it out")
)

// setups are ways to ask a query.
func setups(keep bool) []oracle.Setup {
	out := []oracle.Setup{
		{Partitions: 1, Batch: 1},
		{Partitions: 1, Batch: 7, Record: true},
		{Partitions: 2, Batch: 1024},
		{Partitions: 4, Batch: 7},
		{Partitions: 7, Batch: 1, Record: true},
		{Partitions: 1, Batch: 7, Crash: true},
		{Partitions: 4, Batch: 1024, Crash: true, Record: true},
	}
	if keep {
		out = append(out, oracle.Setup{Partitions: 1, Batch: 7, Keep: true},
			oracle.Setup{Partitions: 4, Batch: 1, Keep: true, Record: true},
			oracle.Setup{Partitions: 2, Batch: 7, Keep: true, Crash: true})
	}
	return out
}

// shuffled are the relations with the rows of streams in another order that their watermarks allow.
func shuffled(data []random.Relation, r *rand.Rand) []random.Relation {
	out := slices.Clone(data)
	for i := range out {
		out[i].Shuffle(r)
	}
	return out
}

// TestSameAnswer asks random queries with other partitions, batches, emissions, crashes and orders of the rows.
func TestSameAnswer(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	asked := 0
	for i := range *same {
		s := *seed + uint64(i)
		name, c := newTrial(s)
		if *family != "" && *family != name {
			continue
		}
		asked++
		if bad := sameAnswer(ctx, t.TempDir(), c, rand.New(rand.NewPCG(s, 8))); bad != "" {
			t.Errorf("seed %d (%s): %s", s, name, bad)
		}
	}
	t.Logf("%d queries", asked)
}

// sameAnswer says which setup answers otherwise than the plainest one.
func sameAnswer(ctx context.Context, dir string, c trial, r *rand.Rand) string {
	ordered, mixed := c, c
	ordered.setup = oracle.Setup{Partitions: 1, Batch: 1024}
	mixed.data = shuffled(c.data, r)
	dirs := [2]string{filepath.Join(dir, "ordered"), filepath.Join(dir, "mixed")}
	for i, data := range [][]random.Relation{ordered.data, mixed.data} {
		if err := errors.Join(os.Mkdir(dirs[i], 0o700), oracle.Files(dirs[i], data)); err != nil {
			return err.Error()
		}
	}
	want, err := ask(ctx, dirs[0], ordered)
	if errors.Is(err, oracle.ErrRefused) {
		return ""
	}
	if err != nil {
		return err.Error() + "\n" + show(ordered)
	}
	for _, s := range setups(c.q.Final) {
		for i, n := range []trial{ordered, mixed} {
			n.setup = s
			got, err := ask(ctx, dirs[i], n)
			if err != nil {
				return err.Error() + "\n" + show(n)
			}
			if d := oracle.Compare(got, want); d != "" {
				return d + "\n" + show(n)
			}
		}
	}
	return ""
}

// TestMessageMode asks random queries with the leat binary, through JetStream.
func TestMessageMode(t *testing.T) {
	t.Parallel()
	if *messageQueries == 0 {
		t.Skip("SKIP: -message-queries N asks them")
	}
	bin := buildLeat(t)
	for i := range *messageQueries {
		s := *seed + uint64(i)
		name, c := newTrial(s)
		dir := t.TempDir()
		if err := oracle.Files(dir, c.data); err != nil {
			t.Fatal(err)
		}
		want, err := ask(t.Context(), dir, c)
		if errors.Is(err, oracle.ErrRefused) {
			continue
		}
		if err != nil {
			t.Errorf("seed %d (%s): %v\n%s", s, name, err, show(c))
			continue
		}
		got, err := askMessage(t, bin, dir, c)
		if err != nil {
			t.Errorf("seed %d (%s): %v\n%s", s, name, err, show(c))
			continue
		}
		if d := oracle.Compare(got, want); d != "" {
			t.Errorf("seed %d (%s): %s\n%s", s, name, d, show(c))
		}
	}
}

func askMessage(t *testing.T, bin, dir string, c trial) ([][]string, error) {
	t.Helper()
	file := filepath.Join(dir, "q.sql")
	if err := os.WriteFile(file, []byte(oracle.ScriptOf(c.data, c.q, c.setup)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), bin, "run", file, "--mode", "message", "-o", "json", "-q", "--dead", "none",
		"--on-error", "fail_fast", "--partitions", strconv.Itoa(c.setup.Partitions))
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "HOME="+dir, "XDG_STATE_HOME="+dir)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("leat run: %w\n%s", err, &stderr)
	}
	rows := jsonRows(t, out)
	for _, row := range rows {
		for i, k := range c.q.Kinds() {
			row[i] = asNumber(t, k, row[i])
		}
	}
	return rows, nil
}

// asNumber turns the text of a date into days and that of a timestamp into milliseconds, as oracle.Ask gives them.
func asNumber(t *testing.T, k random.Kind, cell string) string {
	t.Helper()
	layout, unit := "2006-01-02", 24*time.Hour
	switch {
	case cell == oracle.Null || k != random.Date && k != random.Time:
		return cell
	case k == random.Time:
		layout, unit = "2006-01-02T15:04:05", time.Millisecond
	}
	at, err := time.Parse(layout, strings.TrimSuffix(cell, "Z"))
	if err != nil {
		t.Fatal(err)
	}
	return strconv.FormatInt(at.UnixMilli()/unit.Milliseconds(), 10)
}
