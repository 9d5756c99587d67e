package oracle

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/leatsql/leat/internal/script"
	"github.com/leatsql/leat/oracle/random"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// Setup is how Leat runs a query; the answer may not depend on it.
type Setup struct {
	Partitions int
	Batch      int  // rows of a batch
	Record     bool // SET 'emit' = 'record'
	Crash      bool // a crash after each step
	Keep       bool // by a table that the query keeps up to date
}

// String is the setup in a line.
func (s Setup) String() string {
	return fmt.Sprintf(
		"partitions %d, batches of %d, record %t, crashes %t, kept %t",
		s.Partitions,
		s.Batch,
		s.Record,
		s.Crash,
		s.Keep,
	)
}

// ErrRefused is what Leat answers to a statement that it does not support.
var ErrRefused = errors.New("not supported")

// ScriptOf is the script that asks q over data.
func ScriptOf(data []random.Relation, q *random.Query, s Setup) string {
	var out strings.Builder
	if s.Record {
		out.WriteString("SET 'emit' = 'record';\n")
	}
	for _, d := range data {
		out.WriteString(d.Declare() + "\n")
	}
	if !s.Keep {
		return out.String() + q.In(random.Leat) + ";\n"
	}
	var cols []string
	for i := range q.Items {
		cols = append(cols, fmt.Sprintf("c%d", i))
	}
	fmt.Fprintf(&out, "CREATE TABLE kept AS %s;\nSELECT %s FROM kept;\n", q.In(random.Leat), strings.Join(cols, ", "))
	return out.String()
}

// Files writes the relations to a folder.
func Files(dir string, data []random.Relation) error {
	for _, d := range data {
		if err := os.WriteFile(filepath.Join(dir, d.Name+".json"), []byte(d.JSON()), 0o600); err != nil {
			return fmt.Errorf("write the rows of %s: %w", d.Name, err)
		}
	}
	return nil
}

// Ask runs q in this process over relations that Files has written.
func Ask(ctx context.Context, dir string, data []random.Relation, q *random.Query, s Setup) ([][]string, error) {
	p, errs := script.Compile(ctx, ScriptOf(data, q, s), script.Options{Partitions: s.Partitions})
	if len(errs) > 0 {
		if errs[0].Code == sqlerr.NotSupported {
			return nil, fmt.Errorf("%w: %s", ErrRefused, errs[0].Error())
		}
		return nil, errs[0]
	}
	var out rows
	var failed []string
	stats, err := p.Run(ctx, script.RunOptions{
		Out: &out, NowMs: 1, Dir: dir, MaxRows: s.Batch, Crash: s.Crash,
		Failed: func(stage string, row []byte, _, msg string) {
			failed = append(failed, stage+": "+msg+": "+string(row))
		},
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("run: %w", err)
	case stats.Dead > 0:
		return nil, fmt.Errorf("%d rows failed: %s", stats.Dead, strings.Join(failed, "; "))
	case stats.Late() > 0:
		return nil, fmt.Errorf("%d rows were late", stats.Late())
	}
	return out.rows, out.err
}

// rows keeps rows as text: a date as days, a timestamp as milliseconds.
type rows struct {
	rows [][]string
	err  error
}

// Begin implements format.RowWriter.
func (*rows) Begin(*vector.Schema) error { return nil }

// End implements format.RowWriter.
func (*rows) End() error { return nil }

// Write implements format.RowWriter.
func (w *rows) Write(b *vector.Batch) error {
	for k := range b.Live() {
		i := k
		if b.Sel != nil {
			i = int(b.Sel[k])
		}
		row := make([]string, len(b.Cols))
		for n, v := range b.Cols {
			switch {
			case v.Null(i):
				row[n] = Null
			case v.Type.Kind == vector.Date || v.Type.Kind == vector.Timestamp:
				row[n] = strconv.FormatInt(v.I64[i], 10)
			default:
				row[n] = string(vector.AppendText(nil, v, i))
			}
		}
		if b.Op(i) != vector.Insert {
			w.err = fmt.Errorf("a final row with op %d: %v", b.Op(i), row)
		}
		w.rows = append(w.rows, row)
	}
	return nil
}
