package bench

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   []int64
		want int64
	}{{[]int64{5}, 5}, {[]int64{9, 1}, 1}, {[]int64{7, 100, 3}, 7}, {[]int64{4, 1, 3, 2}, 2}} {
		var us []usage
		for _, v := range c.in {
			us = append(us, usage{peak: v})
		}
		if got := medianOf(us, func(u usage) int64 { return u.peak }); got != c.want {
			t.Errorf("%v: %d, want %d", c.in, got, c.want)
		}
	}
}

// Goals compare the right figures in the right direction, and say nothing of what was not measured.
func TestJudge(t *testing.T) {
	t.Parallel()
	r := Report{Kind: reportKind, Results: []Result{
		{Name: "w1", CPUSPerMillion: 0.45, RecordsPerS: 2e6},
		{Name: "limit.w1", CPUSPerMillion: 0.1},
		{Name: "hand.w1", RecordsPerS: 4e5},
		{Name: "w3", CPUSPerMillion: 1},
		{Name: "latency", P50Ms: 0.5, P99Ms: 3},
		{Name: "latency_half_load", P99Ms: 20},
		{Name: "keys_string", BytesPerRecord: 90},
	}}
	r.judge()
	want := map[string]Goal{
		"w1 CPU to the limit":                     {Reached: 4.5, OK: false},
		"w1 records/s to a program by hand":       {Reached: 5, OK: true},
		"p99 at half load to p50 at 1,000 rows/s": {Reached: 40, OK: true},
		"many string keys, bytes a key":           {Reached: 90, OK: true},
	}
	for _, g := range r.Goals {
		w, ok := want[g.Name]
		if !ok || w.OK != g.OK || g.Reached < w.Reached*0.999 || g.Reached > w.Reached*1.001 {
			t.Errorf("%+v, want %+v", g, w)
		}
		delete(want, g.Name)
	}
	if len(want) > 0 {
		t.Errorf("no word of %v", want)
	}
}

// Every goal names results that some workload gives.
func TestGoalsName(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, g := range goals() {
		if seen[g.name] {
			t.Errorf("goal %q twice", g.name)
		}
		seen[g.name] = true
		if g.of == "" || g.first <= 0 || g.aim <= 0 || !g.atLeast && g.aim > g.first || g.atLeast && g.aim < g.first {
			t.Errorf("goal %+v makes no sense", g)
		}
	}
}

// The document has all the fields that readers rely on, also where they do not apply.
func TestDocument(t *testing.T) {
	t.Parallel()
	u := usage{wall: 2 * time.Second, cpu: time.Second, peak: 3 << 20, records: 1_000_000}
	r := Report{Kind: reportKind, Results: []Result{u.result("w1")}, Goals: []Goal{}}
	var out bytes.Buffer
	if err := r.WriteJSON(&out); err != nil {
		t.Fatal(err)
	}
	var doc struct{ Results []map[string]any }
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"name": "w1", "records": 1e6, "records_per_s": 5e5, "cpu_s_per_million": 1.0,
		"bytes_per_record": 0.0, "peak_rss_bytes": 3.0 * (1 << 20), "p50_ms": 0.0, "p99_ms": 0.0, "limit": "",
		"limit_cpu_s_per_million": 0.0,
	}
	for k, v := range want {
		if doc.Results[0][k] != v {
			t.Errorf("%s is %v, want %v", k, doc.Results[0][k], v)
		}
	}
	out.Reset()
	if err := r.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "500000") || strings.Contains(out.String(), "goal") {
		t.Errorf("text: %s", out.String())
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	good := Config{Leat: "leat", Only: []string{"w1", "latency"}, Rows: minRows}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	bad := Config{Only: []string{"w9"}, Rows: 5, Rounds: 1000}
	err := bad.Validate()
	for _, word := range []string{"binary", "w9", "rows", "rounds"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("no word of %s: %v", word, err)
		}
	}
	if _, err := Run(t.Context(), bad); err == nil {
		t.Error("a wrong configuration runs")
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	var w tail
	for range 10_000 {
		if n, err := w.Write([]byte("0123456789")); n != 10 || err != nil {
			t.Fatal(n, err)
		}
	}
	if len(w.buf) > 3*tailBytes || !strings.HasSuffix(w.String(), "0123456789") {
		t.Errorf("%d bytes kept", len(w.buf))
	}
}
