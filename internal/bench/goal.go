package bench

// goalRow is a goal: the ratio of a figure of one result to that of another.
type goalRow struct {
	name       string
	first, aim float64
	atLeast    bool
	of, to     string
	figure     func(*Result) float64
}

func cpu(r *Result) float64     { return r.CPUSPerMillion }
func rate(r *Result) float64    { return r.RecordsPerS }
func median(r *Result) float64  { return r.P50Ms }
func peak(r *Result) float64    { return float64(r.PeakRSSBytes) }
func percent(r *Result) float64 { return r.CPUPercent }

// goals are ratios only, so that they mean the same on every machine. Those without a second result are figures.
func goals() []goalRow {
	return []goalRow{
		{"w1 CPU to the limit", 4, 2, false, "w1", "limit.w1", cpu},
		{"w2 CPU to the limit", 4, 2, false, "w2", "limit.w2", cpu},
		{"w4 CPU to the limit", 4, 2, false, "w4", "limit.w4", cpu},
		{"w1 records/s to a program by hand", 4, 8, true, "w1", "hand.w1", rate},
		{"w2 records/s to a program by hand", 4, 8, true, "w2", "hand.w2", rate},
		{"w4 records/s to a program by hand", 4, 8, true, "w4", "hand.w4", rate},
		{"w3 CPU (12 windows a row) to w2", 2, 1.2, false, "w3", "w2", cpu},
		{"w2 CPU, message to direct mode", 2, 1.4, false, "w2_message", "w2_direct", cpu},
		{"w5 CPU to a consumer by hand", 1, 0.6, false, "w5", "hand.w5", cpu},
		{"w5b CPU to a consumer by hand", 1, 0.6, false, "w5b", "hand.w5b", cpu},
		{"p50 at 1,000 rows/s to two raw hops", 10, 4, false, "latency", "limit.hops", median},
		{"p99 at half load to p50 at 1,000 rows/s", 100, 20, false, "latency_half_load", "latency", nil},
		{"leat dev ready to a bare server", 20, 8, false, "ready", "limit.ready", median},
		{"idle memory to a bare server", 4, 2, false, "idle", "limit.idle", peak},
		{"idle CPU to a bare server", 4, 2, false, "idle", "limit.idle", percent},
		{"CPU of many int groups to 1 group", 1.5, 1.5, false, "groups_int_many", "groups_int_1", cpu},
		{"CPU of many string groups to 1 group", 2, 2, false, "groups_string_many", "groups_string_1", cpu},
		{"many string keys, bytes a key", 160, 100, false, "keys_string", "", func(r *Result) float64 {
			return r.BytesPerRecord
		}},
		{"many string keys, CPU ms of a GC cycle", 500, 20, false, "keys_string", "", func(r *Result) float64 {
			return r.GCMs
		}},
	}
}

// judge fills in the goals of which both results are there.
func (r *Report) judge() {
	for _, g := range goals() {
		of, to := r.result(g.of), r.result(g.to)
		if of == nil || to == nil && g.to != "" {
			continue
		}
		var reached float64
		switch {
		case to == nil:
			reached = g.figure(of)
		case g.figure == nil:
			reached = ratio(of.P99Ms, to.P50Ms)
		default:
			reached = ratio(g.figure(of), g.figure(to))
		}
		if reached == 0 {
			continue // not measured on this system
		}
		ok := reached <= g.first
		if g.atLeast {
			ok = reached >= g.first
		}
		r.Goals = append(r.Goals, Goal{
			Name: g.name, First: g.first, Aim: g.aim, Reached: reached, AtLeast: g.atLeast,
			OK: ok,
		})
	}
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
