package random

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// Null is a cell without a value.
const Null = "\\N"

// Column is a column of a relation.
type Column struct {
	Name string
	Kind Kind
	Type string // in Leat; DuckDB's is by kind, but for INT and DECIMAL, which are the same
}

// Relation is a stream or a table with its rows in log order. Cells are the text of JSON, but for strings.
type Relation struct {
	Name    string
	Table   bool // rows with an equal first cell replace each other
	DelayMs int  // how far rows lie from the order of their times; streams only
	Columns []Column
	Rows    [][]string
}

// Start is the first event time.
const Start = 1_600_000_000_000

var texts = []string{"a", "b", "ab", "Abc", "", "a b", "bba", "x y", "12", "ü"}

// cell makes a value of a kind, or a null.
func cell(r *rand.Rand, k Kind) string {
	if r.IntN(7) == 0 {
		return Null
	}
	switch k {
	case Int:
		return fmt.Sprint(r.IntN(12) - 3)
	case Double:
		return fmt.Sprintf("%.2f", float64(r.IntN(80)-30)/4)
	case Decimal:
		n := r.IntN(2000) - 600
		return fmt.Sprintf("%s%d.%02d", map[bool]string{true: "-"}[n < 0], max(n, -n)/100, max(n, -n)%100)
	case Text:
		return texts[r.IntN(len(texts))]
	case Bool:
		return fmt.Sprint(r.IntN(2) == 0)
	case Date:
		return fmt.Sprint(18200 + r.IntN(400))
	default:
		return fmt.Sprint(Start + int64(r.IntN(40_000_000))*1000 + int64(r.IntN(2)*r.IntN(1000)))
	}
}

func stream(r *rand.Rand, name string, columns []Column) Relation {
	s := Relation{Name: name, Columns: slices.Concat([]Column{{"id", Int, "BIGINT"}, {"ts", Int, "BIGINT"}}, columns)}
	ts := int64(Start)
	step := []int{1, 400, 3000}[r.IntN(3)]
	for i := range 5 + r.IntN(70) {
		if r.IntN(5) > 0 { // else a row of the same time
			ts += int64(1 + r.IntN(step))
		}
		if r.IntN(25) == 0 {
			ts += 60_000
		}
		row := []string{fmt.Sprint(i), fmt.Sprint(ts)}
		for _, c := range columns {
			row = append(row, cell(r, c.Kind))
		}
		s.Rows = append(s.Rows, row)
	}
	return s
}

func table(r *rand.Rand, name string, columns []Column) Relation {
	t := Relation{Name: name, Table: true, Columns: slices.Concat([]Column{{"pk", Int, "INT"}}, columns)}
	again := r.IntN(3) == 0
	for i := range 2 + r.IntN(14) {
		pk := i - 3
		if again && i > 0 && r.IntN(3) == 0 {
			pk = r.IntN(i) - 3
		}
		row := []string{fmt.Sprint(pk)}
		for _, c := range columns {
			row = append(row, cell(r, c.Kind))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// NewData makes the streams a and b and the tables u and r.
func NewData(r *rand.Rand) []Relation {
	return []Relation{
		stream(r, "a", []Column{
			{"k", Int, "INT"},
			{"v", Int, "INT"},
			{"x", Double, "DOUBLE"},
			{"m", Decimal, "DECIMAL(10,2)"},
			{"s", Text, "STRING"},
			{"f", Bool, "BOOLEAN"},
			{"d", Date, "DATE"},
			{"t", Time, "TIMESTAMP"},
		}),
		stream(r, "b", []Column{
			{"k", Int, "INT"}, {"w", Int, "INT"}, {"s", Text, "STRING"}, {"x", Double, "DOUBLE"}, {"m", Decimal, "DECIMAL(12,3)"},
		}),
		table(r, "u", []Column{{"name", Text, "STRING"}, {"ref", Int, "INT"}, {"m", Decimal, "DECIMAL(10,2)"}}),
		table(r, "r", []Column{{"z", Int, "INT"}, {"s", Text, "STRING"}, {"f", Bool, "BOOLEAN"}, {"d", Date, "DATE"}}),
	}
}

// Shuffle puts the rows of a stream in another order that keeps rows of one time in theirs, none more than its delay
// behind the newest time.
func (d *Relation) Shuffle(r *rand.Rand) {
	if d.Table {
		return
	}
	d.DelayMs = 4000
	rows := slices.Clone(d.Rows)
	at := func(row []string) (n int64) {
		_, _ = fmt.Sscan(row[1], &n)
		return n
	}
	var out [][]string
	for len(rows) > 0 {
		first := at(rows[0])
		for _, row := range rows {
			first = min(first, at(row))
		}
		end := 0 // rows that may go next: what is left may not be late after them
		for end < len(rows) && at(rows[end]) < first+int64(d.DelayMs) {
			end++
		}
		i := r.IntN(max(1, end))
		for k := range i { // an earlier row of the same time goes first
			if at(rows[k]) == at(rows[i]) {
				i = k
				break
			}
		}
		out = append(out, rows[i])
		rows = slices.Delete(rows, i, i+1)
	}
	d.Rows = out
}

// JSON returns the rows as lines.
func (d *Relation) JSON() string {
	var out strings.Builder
	for _, row := range d.Rows {
		out.WriteByte('{')
		for i, c := range d.Columns {
			if i > 0 {
				out.WriteByte(',')
			}
			cell := row[i]
			switch {
			case cell == Null:
				cell = "null"
			case c.Kind == Text:
				cell = `"` + cell + `"`
			}
			fmt.Fprintf(&out, "%q:%s", c.Name, cell)
		}
		out.WriteString("}\n")
	}
	return out.String()
}

// Declare returns the statement of Leat that reads the rows from a file.
func (d *Relation) Declare() string {
	var cols []string
	for i, c := range d.Columns {
		col := c.Name + " " + c.Type
		if d.Table && i == 0 {
			col += " PRIMARY KEY"
		}
		cols = append(cols, col)
	}
	kind, with := "STREAM", fmt.Sprintf(", event_time = 'ts', watermark = '%dms'", d.DelayMs)
	if d.Table {
		kind, with = "TABLE", ""
	}
	return fmt.Sprintf("CREATE %s %s (%s) WITH (file = '%s.json', format = 'json'%s);", kind, d.Name, strings.Join(cols, ", "), d.Name, with)
}

// Load returns the statements of DuckDB that make the relation; of a table's rows the last of each key stays.
func (d *Relation) Load() string {
	var cols, rows []string
	for _, c := range d.Columns {
		t := c.Type
		if c.Kind == Text {
			t = "VARCHAR"
		}
		cols = append(cols, c.Name+" "+t)
	}
	last := map[string]int{}
	for i, row := range d.Rows {
		last[row[0]] = i
	}
	for i, row := range d.Rows {
		if d.Table && last[row[0]] != i {
			continue
		}
		var cells []string
		for k, c := range d.Columns {
			cells = append(cells, literal(c.Kind, row[k]))
		}
		rows = append(rows, "("+strings.Join(cells, ", ")+")")
	}
	out := fmt.Sprintf("CREATE OR REPLACE TABLE %s (%s);", d.Name, strings.Join(cols, ", "))
	if len(rows) > 0 {
		out += fmt.Sprintf(" INSERT INTO %s VALUES %s;", d.Name, strings.Join(rows, ", "))
	}
	return out
}

// literal is a cell in DuckDB.
func literal(k Kind, cell string) string {
	switch {
	case cell == Null:
		return "NULL"
	case k == Text:
		return "'" + cell + "'"
	case k == Date:
		return "DATE '1970-01-01' + " + cell
	case k == Time:
		return "make_timestamp_ms(" + cell + ")"
	default:
		return cell
	}
}
