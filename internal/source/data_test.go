package source

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/leatsql/leat/internal/format"
	"github.com/leatsql/leat/pkg/sql/vector"
)

// dataDir finds the real data, or skips.
func dataDir(tb testing.TB) string {
	tb.Helper()
	dir := filepath.Join("..", "..", "..", "shared", "data")
	if _, err := os.Stat(dir); err != nil {
		tb.Skip("the real data is not there: ../shared/data beside the repository")
	}
	return dir
}

// schemaOf reads "a BIGINT, b DECIMAL(18,4)".
func schemaOf(tb testing.TB, text string) *vector.Schema {
	tb.Helper()
	kinds := map[string]vector.Type{
		"BIGINT": vector.TBigInt, "STRING": vector.TString, "DOUBLE": vector.TDouble,
		"BOOLEAN": vector.TBoolean, "TIMESTAMP": vector.TTimestamp, "INT": vector.TInt, "DATE": vector.TDate,
		"TIME": vector.TTime, "BYTES": vector.TBytes,
	}
	s := &vector.Schema{}
	for _, m := range regexp.MustCompile(`(\w+) (\w+)(?:\((\d+),(\d+)\))?`).FindAllStringSubmatch(text, -1) {
		typ, ok := kinds[m[2]]
		if m[2] == "DECIMAL" {
			var p, q uint8
			if _, err := fmt.Sscan(m[3], &p); err != nil {
				tb.Fatal(err)
			}
			if _, err := fmt.Sscan(m[4], &q); err != nil {
				tb.Fatal(err)
			}
			typ, ok = vector.TDecimal(p, q), true
		}
		if !ok {
			tb.Fatalf("type %s", m[2])
		}
		s.Fields = append(s.Fields, vector.Field{Name: m[1], Type: typ})
	}
	return s
}

// inputs declares the real files: columns, options, and how many records are good and bad.
var inputs = []struct {
	file, columns, format, event string
	good, bad                    int
}{
	{"trades.csv.gz", `seq BIGINT, ts BIGINT, symbol STRING, price DECIMAL(18,4), size BIGINT, exchange STRING,
		condition STRING`, "csv", "ts", 76_723, 0},
	{"quotes.csv.gz", `seq BIGINT, ts BIGINT, symbol STRING, bid DECIMAL(18,4), bid_size BIGINT, ask DECIMAL(18,4),
		ask_size BIGINT, exchange STRING, condition STRING, suspicious BIGINT`, "csv", "ts", 219_854, 0},
	{"wiki_edits.ndjson.gz", `time TIMESTAMP, channel STRING, cityName STRING, comment STRING, countryIsoCode STRING,
		countryName STRING, isAnonymous BOOLEAN, isMinor BOOLEAN, isNew BOOLEAN, isRobot BOOLEAN, isUnpatrolled BOOLEAN,
		metroCode BIGINT, namespace STRING, page STRING, regionIsoCode STRING, regionName STRING, user STRING,
		delta BIGINT, added BIGINT, deleted BIGINT`, "json", "time", 39_244, 0},
	{"access.ndjson.gz", `line BIGINT, time TIMESTAMP, client STRING, user STRING, method STRING, path STRING,
		protocol STRING, status BIGINT, bytes BIGINT, referer STRING, agent STRING`, "json", "time", 9_999, 0},
	{"access.log.gz", `line STRING`, "raw", "", 10_000, 0},
	{"machine_temp.csv.gz", `timestamp TIMESTAMP, value DOUBLE`, "csv", "timestamp", 22_695, 0},
	{"coinbase.ndjson.gz", `recv_ms BIGINT, type STRING, product_id STRING, trade_id BIGINT, side STRING,
		price DECIMAL(18,8), size DECIMAL(18,8), sequence BIGINT, time TIMESTAMP, best_bid DECIMAL(18,8),
		best_ask DECIMAL(18,8)`, "json", "", 9_946, 4},
	{"coinbase_l2.csv.gz", `seq BIGINT, recv_ms BIGINT, ts BIGINT, product_id STRING, side STRING, price DECIMAL(18,8),
		size DECIMAL(18,8)`, "csv", "ts", 9_719, 0},
	{
		"earthquakes.ndjson.gz",
		`id STRING, time BIGINT, updated BIGINT, mag DOUBLE, magType STRING, place STRING, net STRING,
		status STRING, type STRING, felt BIGINT, cdi DOUBLE, mmi DOUBLE, alert STRING, tsunami BIGINT, sig BIGINT,
		nst BIGINT, dmin DOUBLE, rms DOUBLE, gap DOUBLE, lon DOUBLE, lat DOUBLE,
		depth DOUBLE`, "json", "time", 1_707, 0,
	},
	{"taxi.csv.gz", `pickup_community_area BIGINT, fare DECIMAL(10,2), trip_start_month BIGINT, trip_start_hour BIGINT,
		trip_start_day BIGINT, trip_start_timestamp BIGINT, pickup_latitude DOUBLE, pickup_longitude DOUBLE,
		dropoff_latitude DOUBLE, dropoff_longitude DOUBLE, trip_miles DOUBLE, pickup_census_tract DOUBLE,
		dropoff_census_tract DOUBLE, payment_type STRING, company STRING, trip_seconds DOUBLE,
		dropoff_community_area DOUBLE, tips DECIMAL(10,2)`, "csv", "", 15_002, 0},
}

// readAll reads a source to its end.
func readAll(tb testing.TB, r *Reader) (batches []*vector.Batch, bad []BadRow) {
	tb.Helper()
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			return batches, bad
		}
		if err != nil {
			tb.Fatal(err)
		}
		batches = append(batches, b)
		bad = append(bad, r.Bad()...)
	}
}

func TestRealFiles(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	for _, in := range inputs {
		t.Run(in.file, func(t *testing.T) {
			t.Parallel()
			for _, rows := range []int{0, 97} {
				r, err := OpenFile(t.Context(), filepath.Join(dir, in.file),
					Config{Format: in.format, Schema: schemaOf(t, in.columns), EventTime: in.event, MaxRows: rows})
				if err != nil {
					t.Fatal(err)
				}
				good := 0
				batches, bad := readAll(t, r)
				for _, b := range batches {
					good += b.Rows
				}
				if good != in.good || len(bad) != in.bad {
					t.Errorf("batches of %d: %d good, %d bad; want %d, %d; first bad %+v", rows, good, len(bad),
						in.good, in.bad, first(bad))
				}
				if err := r.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func first(bad []BadRow) string {
	if len(bad) == 0 {
		return "none"
	}
	return fmt.Sprintf("line %d: %s %s: %s", bad[0].Line, bad[0].Reason, bad[0].Code, bad[0].Original)
}

// TestRealFilesRoundTrip writes what was read as JSON and CSV, reads it again, and wants the same text.
func TestRealFilesRoundTrip(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	readAs := map[string]string{"jsonl": "json", "csv": "csv"}
	for _, in := range inputs {
		if in.format == "raw" {
			continue
		}
		t.Run(in.file, func(t *testing.T) {
			t.Parallel()
			schema := schemaOf(t, in.columns)
			r, err := OpenFile(t.Context(), filepath.Join(dir, in.file),
				Config{Format: in.format, Schema: schema, EventTime: in.event})
			if err != nil {
				t.Fatal(err)
			}
			batches, _ := readAll(t, r)
			want := written(t, "jsonl", schema, batches)
			for _, kind := range []string{"jsonl", "csv"} {
				f := &File{Path: kind, Input: strings.NewReader(written(t, kind, schema, batches))}
				again, err := Open(t.Context(), f, Config{Format: readAs[kind], Schema: schema, EventTime: in.event})
				if err != nil {
					t.Fatal(err)
				}
				got, bad := readAll(t, again)
				if len(bad) > 0 {
					t.Errorf("%s: %d bad rows, %s", kind, len(bad), first(bad))
				}
				if g := written(t, "jsonl", schema, got); g != want {
					t.Errorf("%s: the rows read again differ", kind)
				}
			}
		})
	}
}

func written(tb testing.TB, kind string, s *vector.Schema, batches []*vector.Batch) string {
	tb.Helper()
	var out strings.Builder
	w, err := format.NewWriter(kind, &out)
	if err != nil {
		tb.Fatal(err)
	}
	if err := w.Begin(s); err != nil {
		tb.Fatal(err)
	}
	for _, b := range batches {
		if err := w.Write(b); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.End(); err != nil {
		tb.Fatal(err)
	}
	return out.String()
}
