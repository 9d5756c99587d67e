package source

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// given is a source of messages.
type given struct{ chunks []Chunk }

func (g *given) Open(context.Context, Position) error   { return nil }
func (g *given) Commit(context.Context, Position) error { return nil }
func (g *given) Close() error                           { return nil }

func (g *given) Next(context.Context) (*Chunk, error) {
	if len(g.chunks) == 0 {
		return nil, io.EOF
	}
	c := g.chunks[0]
	g.chunks = g.chunks[1:]
	return &c, nil
}

var headerSchema = &vector.Schema{Fields: []vector.Field{
	{Name: "id", Type: vector.TInt},
	{Name: "h", Type: vector.TArray(vector.TStruct(vector.Field{Name: "KEY", Type: vector.TString},
		vector.Field{Name: "VALUE", Type: vector.TBytes}))},
	{Name: "name", Type: vector.TString},
	{Name: "one", Type: vector.TBytes},
}}

func TestHeaderColumns(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxHeaderValue+1)
	for format, records := range map[string][]string{
		"json": {
			`{"id":1,"name":"a","h":5,"one":"no"}` + "\n" + `{"id":"x"}` + "\n" + `{"id":2}`, `{"id":3}`, `{"id":4}`,
		},
		"csv":     {"1,a\nx,\n2,", "3,", "4,"},
		"msgpack": {"\x93\x92\x01\xa1a\x92\xa1x\xc0\x92\x02\xc0", "\x92\x03\xc0", "\x92\x04\xc0"},
	} {
		src := &given{}
		for i, headers := range []map[string][]string{
			{"b": {"1", "2"}, "A": {"", long}, "Leat-Batch-Id": {"x"}, "Nats-Msg-Id": {"y"}}, nil, {"b": {"3"}},
		} {
			src.chunks = append(src.chunks, Chunk{
				Data: []byte(records[i]), Message: true, More: true, Start: Position{Seq: uint64(i + 1)},
				Headers: headers,
			})
		}
		r, err := NewReader(src, Config{
			Format: format, Schema: headerSchema, Headers: map[int]string{1: "", 3: "b"}, MaxRows: 3,
		}, false, Position{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for {
			b, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for i := range b.Rows {
				line := ""
				for _, v := range b.Cols {
					line = string(vector.AppendJSON([]byte(line+" "), v, i))
				}
				got = append(got, line)
			}
		}
		all := `[{"KEY":"A","VALUE":""},{"KEY":"b","VALUE":"MQ=="},{"KEY":"b","VALUE":"Mg=="}]`
		want := []string{
			` 1 ` + all + ` "a" "Mg=="`, ` 2 ` + all + ` null "Mg=="`, ` 3 [] null null`,
			` 4 [{"KEY":"b","VALUE":"Mw=="}] null "Mw=="`,
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", format, d)
		}
		if r.BadRows() != 1 {
			t.Errorf("%s: got %d bad rows, want 1", format, r.BadRows())
		}
	}
}

func TestManyHeadersAreCut(t *testing.T) {
	t.Parallel()
	h := map[string][]string{strings.Repeat("k", maxHeaderName+1): {"x"}, "a": make([]string, 2*maxHeaders)}
	if n := len(userHeaders(h)); n != maxHeaders {
		t.Errorf("got %d headers, want %d", n, maxHeaders)
	}
}
