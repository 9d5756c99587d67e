package infer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leatsql/leat/internal/source"
	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/plan"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// sampleTime bounds how long a sample is waited for.
const sampleTime = 5 * time.Second

// Sources reach what a statement may name.
type Sources struct {
	Open func(path string) (io.ReadCloser, error) // nil: no files are read
	NATS jetstream.JetStream                      // nil: there is no broker
	// Instead is a file to look at instead of the source; "".
	Instead string
}

// Complete gives a declaration without columns those of a sample of its rows; c.Text becomes the statement with them.
// The note tells it to the user; it is empty where nothing was to be done.
func (s Sources) Complete(ctx context.Context, c *ast.Create, def plan.Defaults) (note string, err error) {
	if len(c.Columns) > 0 || c.As != nil {
		return "", nil
	}
	u, err := plan.Declared(c, def)
	if err != nil {
		return "", err
	}
	src := u.Source
	if s.Instead != "" {
		src.Connector, src.Path, src.Format = "file", s.Instead, plan.FormatOfPath(s.Instead, src.Format)
	}
	ctx, cancel := context.WithTimeout(ctx, sampleTime)
	defer cancel()
	columns, words, err := s.columns(ctx, src)
	if errors.Is(err, fs.ErrNotExist) {
		return "", sqlerr.New(sqlerr.NotFound, c.Name.At, "%s", err.Error())
	}
	if err != nil {
		return "", plan.NoColumns(c, err.Error())
	}
	if src.Connector == "kv" {
		columns = keyFirst(u, columns)
	}
	for _, f := range columns {
		name := f.Name
		if def.Profile == expr.Ksql {
			name = strings.ToUpper(name)
		}
		if u.EventTimeFormat != "" && strings.EqualFold(name, u.EventTime) {
			f.Type = vector.TString // the format of the event time is one of a text
		}
		primary := src.Connector == "kv" && len(u.Keys) == 0 && len(c.Columns) == 0
		c.Columns = append(c.Columns, ast.ColumnDef{
			Name: ast.Ident{Name: name, Quoted: ast.Reserved(name), At: c.Name.At}, Type: f.Type, At: c.Name.At,
			Key: primary, Primary: primary,
		})
	}
	c.Text = ast.Format(c)
	return fmt.Sprintf("the columns of %s are those of %s:\n%s;", c.Name.Name, words, c.Text), nil
}

// keyFirst puts the key of a bucket's entries in front of the columns of their values. It is the column that the
// statement names, else one that is named key; a value need not hold it.
func keyFirst(u *plan.Undeclared, columns []vector.Field) []vector.Field {
	names := u.Keys
	if len(names) == 0 {
		names = []string{"key"}
	}
	var out []vector.Field
	for _, n := range names {
		i := slices.IndexFunc(columns, func(f vector.Field) bool { return strings.EqualFold(f.Name, n) })
		if i < 0 {
			out = append(out, vector.Field{Name: n, Type: vector.TString})
			continue
		}
		out = append(out, columns[i])
		columns = slices.Delete(columns, i, i+1)
	}
	return append(out, columns...)
}

// columns takes the sample of a source. The words say what was looked at.
func (s Sources) columns(ctx context.Context, src *plan.Source) (cols []vector.Field, words string, err error) {
	if known := fixed(src); known != nil {
		return known, "connector " + src.Connector, nil
	}
	take, ok := samples[src.Connector]
	if !ok {
		return nil, "", fmt.Errorf("connector %s has no rows to look at", src.Connector)
	}
	if src.Format != "json" && src.Format != "csv" {
		return nil, "", fmt.Errorf("those of format %s cannot be found out", src.Format)
	}
	in, err := take(ctx, s, src)
	if err != nil {
		return nil, "", err
	}
	in.Format, in.Delimiter, in.Header = src.Format, src.Delimiter, src.Header == "true"
	if in.Delimiter == "" {
		in.Delimiter = ","
	}
	cols, n, err := Columns(in)
	return cols, fmt.Sprintf("a sample of %d records", n), err
}

// samples are the connectors whose rows can be looked at.
var samples = map[string]func(context.Context, Sources, *plan.Source) (Sample, error){
	"file": func(_ context.Context, s Sources, src *plan.Source) (Sample, error) { return s.file(src) },
	"nats": func(ctx context.Context, s Sources, src *plan.Source) (Sample, error) { return s.subject(ctx, src) },
	"kv": func(ctx context.Context, s Sources, src *plan.Source) (Sample, error) {
		if s.NATS == nil {
			return Sample{}, fmt.Errorf("a broker would have to be asked what bucket %s holds", src.Bucket)
		}
		return s.stream(ctx, "KV_"+src.Bucket, "$KV."+src.Bucket+".>")
	},
	"generator": func(ctx context.Context, _ Sources, src *plan.Source) (Sample, error) {
		return generated(ctx, src)
	},
}

// fixed are the columns of sources that have the same ones always.
func fixed(src *plan.Source) []vector.Field {
	if src.Connector == "object" {
		return source.ObjectSchema().Fields
	}
	if src.Connector != "generator" {
		return nil
	}
	s, ok := source.GeneratorSchema(src.Generator)
	if !ok {
		return nil
	}
	return s.Fields
}

// file reads the beginning of a file.
func (s Sources) file(src *plan.Source) (Sample, error) {
	if s.Open == nil {
		return Sample{}, errors.New("this server reads no files")
	}
	if src.Format == "csv" && src.Header == "false" {
		return Sample{}, errors.New("a file without a header does not name them")
	}
	f, err := s.Open(src.Path)
	if err != nil {
		return Sample{}, err
	}
	defer f.Close()
	var in io.Reader = f
	if strings.HasSuffix(src.Path, ".gz") {
		gz, err := gzip.NewReader(f)
		if err != nil {
			return Sample{}, fmt.Errorf("unpack %s: %w", src.Path, err)
		}
		in = gz
	}
	text, err := io.ReadAll(io.LimitReader(in, maxBytes+1))
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return Sample{}, fmt.Errorf("read %s: %w", src.Path, err)
	}
	if len(text) == 0 {
		return Sample{}, fmt.Errorf("%s is empty", src.Path)
	}
	if len(text) > maxBytes {
		return Sample{Text: text[:maxBytes], Cut: true}, nil
	}
	return Sample{Text: text, Cut: err != nil}, nil
}

// generated makes the first rows of a generator.
func generated(ctx context.Context, src *plan.Source) (Sample, error) {
	options := maps.Clone(src.Options)
	if options == nil {
		options = map[string]string{}
	}
	delete(options, "rate")
	options["limit"] = strconv.Itoa(maxRecords)
	g, err := source.GeneratorOf(src.Generator, options)
	if err != nil {
		return Sample{}, err
	}
	if err := g.Open(ctx, source.Position{}); err != nil {
		return Sample{}, err
	}
	defer g.Close()
	c, err := g.Next(ctx)
	if err != nil {
		return Sample{}, fmt.Errorf("generator %s: %w", src.Generator, err)
	}
	return Sample{Text: append([]byte(nil), c.Data...)}, nil
}
