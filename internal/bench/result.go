package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
)

// Result is one line of the report: a workload of Leat, or a limit it is measured against. Fields that do not apply are
// 0.
type Result struct {
	Name        string  `json:"name"`
	Records     int64   `json:"records"`
	RecordsPerS float64 `json:"records_per_s"`
	// CPUSPerMillion is the CPU time of a million records in seconds, so also that of one record in microseconds.
	CPUSPerMillion float64 `json:"cpu_s_per_million"`
	// BytesPerRecord is what a record takes: of input in direct mode, on Leat's log in message mode, of state for keys.
	BytesPerRecord float64 `json:"bytes_per_record"`
	PeakRSSBytes   int64   `json:"peak_rss_bytes"`
	P50Ms          float64 `json:"p50_ms"`
	P99Ms          float64 `json:"p99_ms"`
	// Limit names the result, of the same run, that this one is measured against.
	Limit               string  `json:"limit"`
	LimitCPUSPerMillion float64 `json:"limit_cpu_s_per_million"`
	// CPUPercent is the share of one core that an idle process takes; GCMs the CPU time of one collection.
	CPUPercent float64 `json:"cpu_percent,omitempty"`
	GCMs       float64 `json:"gc_ms,omitempty"`
}

// Goal is a ratio to reach and the one that was reached. It never fails a run.
type Goal struct {
	Name    string  `json:"name"`
	First   float64 `json:"first"`
	Aim     float64 `json:"aim"`
	Reached float64 `json:"reached"`
	// AtLeast: the ratio has to be above First; else below.
	AtLeast bool `json:"at_least,omitempty"`
	OK      bool `json:"ok"`
}

// Report is what a run found out.
type Report struct {
	Kind    string   `json:"kind"`
	Rows    int      `json:"rows"`
	Rounds  int      `json:"rounds"`
	Results []Result `json:"results"`
	Goals   []Goal   `json:"goals"`
}

const reportKind = "leat.bench/v1"

// WriteJSON writes the report as one document.
func (r *Report) WriteJSON(w io.Writer) error {
	if err := json.NewEncoder(w).Encode(r); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// WriteText writes the report as tables.
func (r *Report) WriteText(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "workload\trecords\trecords/s\tCPU us\tB/record\tpeak MiB\tp50 ms\tp99 ms\tlimit\tCPU us\tratio\t")
	for i := range r.Results {
		x := &r.Results[i]
		ratio := ""
		if x.LimitCPUSPerMillion > 0 {
			ratio = fmt.Sprintf("%.2f", x.CPUSPerMillion/x.LimitCPUSPerMillion)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", x.Name, cell(float64(x.Records), 0),
			cell(x.RecordsPerS, 0), cell(x.CPUSPerMillion, 3), cell(x.BytesPerRecord, 1),
			cell(float64(x.PeakRSSBytes)/(1<<20), 0),
			cell(x.P50Ms, 2), cell(x.P99Ms, 2), x.Limit, cell(x.LimitCPUSPerMillion, 3), ratio)
	}
	if len(r.Goals) > 0 {
		fmt.Fprintln(t)
		fmt.Fprintln(t, "goal\tfirst\taim\treached\t\t")
	}
	for _, g := range r.Goals {
		sign, state := "<=", "reached"
		if g.AtLeast {
			sign = ">="
		}
		if !g.OK {
			state = "not yet"
		}
		fmt.Fprintf(t, "%s\t%s %.4g\t%.4g\t%.3g\t%s\t\n", g.Name, sign, g.First, g.Aim, g.Reached, state)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// cell is a number, or nothing for 0.
func cell(v float64, places int) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf("%.*f", places, v)
}

// result returns the line called name.
func (r *Report) result(name string) *Result {
	for i := range r.Results {
		if r.Results[i].Name == name {
			return &r.Results[i]
		}
	}
	return nil
}
