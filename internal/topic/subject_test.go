package topic_test

import (
	"strings"
	"testing"

	"github.com/leatsql/leat/internal/topic"
)

func TestSubjects(t *testing.T) {
	t.Parallel()
	s := topic.Subject(topic.ClassResult, topic.StageName("q1", 1), 7, "3")
	if s != "leat.res.Qq1-1.7.3" {
		t.Errorf("subject %q", s)
	}
	p, err := topic.ParseSubject(s)
	if want := (topic.Place{Class: "res", Name: "Qq1-1", Partition: 7, Writer: "3"}); err != nil || p != want {
		t.Errorf("parsed %+v %v, want %+v", p, err, want)
	}
	if !topic.Match(topic.PartitionFilter("res", "Qq1-1", 7), s) ||
		!topic.Match(topic.Filter("res", "Qq1-1"), s) ||
		topic.Match(topic.PartitionFilter("res", "Qq1-1", 77), s) || topic.Match(topic.Filter("src", "Qq1-1"), s) {
		t.Error("filters do not match")
	}
	if n := topic.ShardName("orders", 2); n != "LEAT_orders_2" {
		t.Errorf("shard %q", n)
	}
	if err := topic.CheckName(topic.StageName("q1", 1)); err == nil {
		t.Error("a user's stream can meet a stage's topic")
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for name, good := range map[string]bool{
		"a": true, "orders": true, "q1_1": true, "a" + strings.Repeat("b", 62): true,
		"": false, "1a": false, "_a": false, "Orders": false, "a.b": false, "a-b": false, "a b": false, "a>": false,
		"ä": false, "a\n": false, "a\x00": false, "a" + strings.Repeat("b", 63): false,
	} {
		if err := topic.CheckName(name); (err == nil) != good {
			t.Errorf("name %q: %v", name, err)
		}
	}
	for _, s := range []string{
		"", "leat", "leat.src.x.0", "leat.src.x.0.w.z", "nats.src.x.0.w", "leat.api.x.0.w", "leat.src.x.00.w",
		"leat.src.x.-1.w",
		"leat.src.x.65536.w", "leat.src.x.+1.w", "leat.src.*.0.w", "leat.src.x.0.>", "leat.src..0.w", "leat.src.x.0.",
	} {
		if p, err := topic.ParseSubject(s); err == nil {
			t.Errorf("subject %q: parsed %+v", s, p)
		}
	}
}

func TestSubjectRefusesKeys(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		class, name, writer string
		partition           int
	}{
		{"api", "x", "w", 0},
		{"src", "a.>", "w", 0},
		{"src", "x", "a.b", 0},
		{"src", "x", "", 0},
		{"src", "x", "w", -1},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v: no panic", c)
				}
			}()
			topic.Subject(c.class, c.name, c.partition, c.writer)
		}()
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		filter, subject string
		want            bool
	}{
		{"a.b", "a.b", true},
		{"a.b", "a.c", false},
		{"a.b", "a.b.c", false},
		{"a.b.c", "a.b", false},
		{"a.*", "a.b", true},
		{"a.*", "a.b.c", false},
		{"*.b", "a.b", true},
		{"a.>", "a.b.c", true},
		{"a.>", "a", false},
		{">", "a", true},
		{"a.*.c", "a.b.c", true},
		{"a.*.c", "a.b.d", false},
	} {
		if got := topic.Match(c.filter, c.subject); got != c.want {
			t.Errorf("Match(%q, %q) = %v", c.filter, c.subject, got)
		}
	}
}

func FuzzParseSubject(f *testing.F) {
	for _, s := range []string{"leat.src.x.0.w", "leat.res.Qq-1.7.3", "leat.dlq.a.65535._", "leat.src.x.00.w"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := topic.ParseSubject(s)
		if err != nil {
			return
		}
		if again := topic.Subject(p.Class, p.Name, p.Partition, p.Writer); again != s {
			t.Errorf("%q parsed and made again is %q", s, again)
		}
		if !topic.Match(topic.PartitionFilter(p.Class, p.Name, p.Partition), s) {
			t.Errorf("%q is not in its partition", s)
		}
	})
}
