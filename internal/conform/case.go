package conform

import (
	"fmt"
	"io"
	"runtime/debug"
	"strings"
)

// Verdict is what became of a case.
type Verdict uint8

// The verdicts. Skipped cases count neither way.
const (
	Passed Verdict = iota
	Failed
	Skipped
)

var verdictNames = [...]string{"passed", "failed", "skipped"}

func (v Verdict) String() string { return verdictNames[v] }

// Outcome is the result of one case.
type Outcome struct {
	ID       string   `json:"id"`
	Group    string   `json:"group"` // what is counted apart: results, rejections, schemas, ...
	File     string   `json:"file,omitempty"`
	Features []string `json:"features,omitempty"`
	Verdict  Verdict  `json:"-"`
	Status   string   `json:"status"`
	// Reason is the first line of what is wrong, or why the case is skipped; Detail shows it.
	Reason string `json:"reason,omitempty"`
	Detail string `json:"detail,omitempty"`
}

func passed(id, group string) Outcome { return Outcome{ID: id, Group: group} }

func failed(id, group, reason, detail string) Outcome {
	return Outcome{ID: id, Group: group, Verdict: Failed, Reason: reason, Detail: detail}
}

func skipped(id, group, reason string) Outcome {
	return Outcome{ID: id, Group: group, Verdict: Skipped, Reason: reason}
}

// guarded runs one case; a panic in it is its failure.
func guarded(id, group string, run func() []Outcome) (out []Outcome) {
	defer func() {
		if p := recover(); p != nil {
			out = []Outcome{failed(id, group, fmt.Sprintf("panic: %v", p), place(debug.Stack()))}
		}
	}()
	return run()
}

// place cuts a stack to the frames below the panic.
func place(stack []byte) string {
	lines := strings.Split(string(stack), "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "panic(") && i+2 < len(lines) {
			lines = lines[i+2:]
			break
		}
	}
	const most = 12
	return strings.Join(lines[:min(len(lines), most)], "\n")
}

// Suite is a file of cases, read.
type Suite interface {
	// IDs lists the cases in the order of the file; Run runs one of them.
	IDs() []string
	Run(i int, opt Options) []Outcome
}

// Options are how cases run.
type Options struct {
	Crash bool // a snapshot and a restore of every machine after every step
}

// Formats are the names of the file formats of cases, with their readers.
func Formats() map[string]func(io.Reader) (Suite, error) {
	return map[string]func(io.Reader) (Suite, error){
		"ksql": readKsql, "velo": readVelo, "velo-corpus": readCorpus,
	}
}
