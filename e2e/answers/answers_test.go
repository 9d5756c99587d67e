package answers

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/leatsql/leat/e2e/rig"
)

func TestMain(m *testing.M) { rig.Main(m) }

// covered are the questions that the language covers, and the columns that are DOUBLE.
var covered = []struct {
	name    string
	doubles string
}{
	{"access/a1_tumbling", "avg_bytes"},
	{"access/a2_session", ""},
	{"access/a3_table", ""},
	{"access/a4_sliding_ratio", "error_share"},
	{"access/a5_case", ""},
	{"coinbase/c1_tumbling_decimal", ""},
	{"coinbase/c2_types", ""},
	{"coinbase/c3_join", ""},
	{"coinbase/c4_l2_windows", ""},
	{"coinbase/c5_book", ""},
	{"earthquakes/e1_tumbling", "avg_mag max_mag depth_sd"},
	{"earthquakes/e2_sliding", "strongest"},
	{"earthquakes/e3_topn", "mag"},
	{"earthquakes/e4_self_join", "stronger"},
	{"machine_temp/m1_tumbling", "avg_value low high sd"},
	{"machine_temp/m2_moving_averages", "value ma_15m ma_1h ma_4h"},
	{"machine_temp/m3_sliding", "avg_value sd"},
	{"machine_temp/m4_episodes", "peak total"},
	{"quotes/q1_tumbling_nulls", "avg_ask"},
	{"quotes/q2_sliding", "avg_bid avg_ask spread bid_sd"},
	{"quotes/q3_latest", ""},
	{"quotes/q4_dedup", ""},
	{"taxi/x1_tumbling", "avg_miles"},
	{"taxi/x2_nulls", "avg_fare avg_seconds"},
	{"taxi/x3_topn", "fare"},
	{"taxi/x4_pairs", "avg_seconds avg_miles"},
	{"taxi/x5_share", "tipped avg_share"},
	{"trades/t1_tumbling", "avg_price"},
	{"trades/t2_sliding", "avg_price price_volatility"},
	{"trades/t3_moving_averages", "ma_15m ma_1h ma_4h"},
	{"trades/t4_asof", ""},
	{"trades/t5_join_within", ""},
	{"trades/t6_topn", ""},
	{"trades/t7_session", "vwap"},
	{"trades/t8_distinct", ""},
	{"wiki/w1_tumbling", "avg_delta"},
	{"wiki/w2_topn", ""},
	{"wiki/w3_filter", "robot_delta sd"},
	{"wiki/w4_session", ""},
	{"wiki/w5_null_keys", ""},
	{"wiki/w6_unicode", ""},
}

func tolerances(names string) map[string]tolerance {
	out := map[string]tolerance{}
	for n := range strings.FieldsSeq(names) {
		out[n] = tolerance{relative: 1e-9}
		if n == "spread" || n == "stronger" { // a difference of near values
			out[n] = tolerance{absolute: 1e-6}
		}
	}
	return out
}

var section = regexp.MustCompile(`(?m)^-- (question|key|leat|duckdb|sqlite|assert-zero)\b:?(.*)$`)

// question returns the key columns and the text of a question.
func question(t *testing.T, path string) (key []string, sql string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := section.FindAllStringSubmatchIndex(string(text), -1)
	for i, m := range at {
		end := len(text)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		switch string(text[m[2]:m[3]]) {
		case "key":
			for k := range strings.SplitSeq(string(text[m[4]:m[5]]), ",") {
				key = append(key, strings.ToLower(strings.TrimSpace(k)))
			}
		case "leat":
			sql = string(text[m[1]:end])
		}
	}
	if len(key) == 0 || sql == "" {
		t.Fatalf("%s has no key or no question", path)
	}
	return key, sql
}

// answer reads the known answer.
func answer(t *testing.T, path string) table {
	t.Helper()
	var r io.Reader
	f, err := os.Open(path + ".csv")
	if os.IsNotExist(err) {
		if f, err = os.Open(path + ".csv.gz"); err == nil {
			r, err = gzip.NewReader(f)
		}
	} else {
		r = f
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	tab, err := parseCSV(string(text))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return tab
}

var paths = regexp.MustCompile(`path = '([^'/]+)'`)

// run asks every covered question in a mode and compares the answers. Fewer than all that pass are a failure.
func run(t *testing.T, mode string, partitions int) {
	t.Helper()
	data := rig.Shared(t, "data")
	text, err := os.ReadFile(filepath.Join(data, "streams.sql"))
	if err != nil {
		t.Fatal(err)
	}
	absolute, err := filepath.Abs(data)
	if err != nil {
		t.Fatal(err)
	}
	declarations := paths.ReplaceAllString(string(text), "path = '"+absolute+"/$1'")
	home, passed := t.TempDir(), 0
	var failed []string
	for _, q := range covered {
		path := filepath.Join(data, "answers", q.name)
		key, sql := question(t, path+".sql")
		script := filepath.Join(home, filepath.Base(q.name)+".sql")
		if err := os.WriteFile(script, []byte(declarations+sql), 0o600); err != nil {
			t.Fatal(err)
		}
		r := rig.Run(t, home, "", "run", script, "--mode", mode, "--partitions", fmt.Sprint(partitions), "-o", "csv",
			"--dead", "none")
		if r.Code != 0 {
			failed = append(failed, q.name)
			t.Errorf("%s: exit code %d: %s", q.name, r.Code, r.Stderr)
			continue
		}
		got, err := parseCSV(r.Stdout)
		if err != nil {
			t.Fatalf("%s: %v", q.name, err)
		}
		if diffs := compare(got, answer(t, path), key, tolerances(q.doubles)); len(diffs) > 0 {
			failed = append(failed, q.name)
			t.Errorf("%s: %s", q.name, strings.Join(diffs[:min(5, len(diffs))], "\n  "))
			continue
		}
		passed++
	}
	slices.Sort(failed)
	fmt.Printf("answers, %s mode, %d partitions: %d passed, %d failed, 0 skipped\n", mode, partitions, passed,
		len(failed))
	all, err := filepath.Glob(filepath.Join(data, "answers", "*", "*.sql"))
	if err != nil || passed+len(failed) != len(all) {
		t.Errorf("%d questions were asked, there are %d (%v)", passed+len(failed), len(all), err)
	}
}

func TestDirect(t *testing.T) {
	t.Parallel()
	for _, partitions := range []int{1, 7} {
		t.Run(fmt.Sprint(partitions), func(t *testing.T) { run(t, "direct", partitions) })
	}
}
