package parser

import (
	"slices"
	"strings"
	"testing"
)

func TestExpected(t *testing.T) {
	t.Parallel()
	cases := []struct{ text, want, not string }{
		{"|", "SELECT CREATE INSERT SHOW EXPLAIN", "FROM"},
		{"SELECT 1; |", "SELECT CREATE", "FROM"},
		{"SEL|", "SELECT", "FROM"},
		{"SELECT |", "<column> <function> DISTINCT * CASE CAST", "SELECT <table>"},
		{"SELECT a |", "FROM AS , AND", "SELECT <table>"},
		{"SELECT a FRO|", "FROM AS ,", ""},
		{"SELECT a FROM |", "<table>", "<column> WHERE"},
		{"SELECT a FROM t |", "AS WHERE WINDOW GROUP HAVING ORDER EMIT LIMIT JOIN LEFT UNION ;", "FROM SELECT"},
		{"SELECT a FROM t WHERE |", "<column> <function> NOT", "GROUP"},
		{"SELECT a FROM t WHERE b |", "AND OR IS IN LIKE BETWEEN NOT GROUP", "<column>"},
		{"SELECT a FROM t GROUP |", "BY", "WHERE"},
		{"SELECT a FROM t GROUP BY |", "<column> GROUPING ROLLUP CUBE", "HAVING"},
		{"SELECT a FROM t EMIT |", "CHANGES FINAL", "WHERE"},
		{"SELECT a FROM t WINDOW |", "TUMBLING SLIDING HOPPING SESSION CUMULATE", "WHERE"},
		{"SELECT a FROM t WINDOW TUMBLING(|", "<duration> SIZE", "WHERE"},
		{"SELECT a FROM t JOIN |", "<table>", "<column>"},
		{"SELECT a FROM t JOIN u |", "ON WITHIN AS", "WHERE"},
		{"CREATE |", "STREAM TABLE SINK TYPE SOURCE OR", "SELECT"},
		{"CREATE OR |", "REPLACE", "TABLE"},
		{"CREATE STREAM |", "<name> IF", "<table>"},
		{"CREATE STREAM IF NOT |", "EXISTS", ""},
		{"CREATE STREAM s |", "( WITH AS FROM", "SELECT"},
		{"CREATE STREAM s (a |", "<type>", "<column>"},
		{"CREATE STREAM s (a INT |", "KEY PRIMARY , )", "<type>"},
		{"CREATE STREAM s (a INT) WITH (|", "<property>", ""},
		{"CREATE SINK s FROM t TO |", "NATS KV FILE CONSOLE HTTP POSTGRES", ""},
		{"DROP |", "STREAM TABLE SINK TYPE", "SELECT"},
		{"DROP TABLE |", "<table> IF", ""},
		{"SHOW |", "STREAMS TABLES QUERIES", "SELECT"},
		{"DESCRIBE |", "<table> FUNCTION SINK", ""},
		{"SELECT CAST(a AS |", "<type>", "<column>"},
		{"SELECT a FROM ${t} |", "WHERE", ""},
		{"SELECT a FROM t LIMIT |", "<number>", "<column>"},
		{"SELECT 'abc|", "", "SELECT <column>"},
		{"SELECT a -- com|", "", "FROM"},
		{"SELECT a /* com|", "", "FROM"},
		{"SELECT a /* com */ |", "FROM", ""},
		{"SELECT FROM x |", "", "WHERE"},
	}
	for _, c := range cases {
		offset := strings.Index(c.text, "|")
		text := strings.Replace(c.text, "|", "", 1)
		got := Expected(text, offset)
		for w := range strings.FieldsSeq(c.want) {
			if !slices.Contains(got, w) {
				t.Errorf("%s: %s is missing in %v", c.text, w, got)
			}
		}
		for w := range strings.FieldsSeq(c.not) {
			if slices.Contains(got, w) {
				t.Errorf("%s: %s is in %v", c.text, w, got)
			}
		}
	}
}

func TestWordBegins(t *testing.T) {
	t.Parallel()
	from, words := wantedAt("SELECT a FROM tra WHERE", len("SELECT a FROM tra"))
	if !slices.Contains(words, wantTable) || slices.Contains(words, wantColumn) || from != len("SELECT a FROM ") {
		t.Errorf("from %d: %q", from, words)
	}
	from, words = wantedAt("SELECT pr", len("SELECT pr"))
	if !slices.Contains(words, wantColumn) || slices.Contains(words, wantTable) || from != len("SELECT ") {
		t.Errorf("from %d: %q", from, words)
	}
}
