// Package api is the contract between clients and the coordinator: requests over NATS (micro service leat-coordinator,
// subjects leat.api.>) and over HTTP, all JSON.
package api

import "encoding/json"

// Subjects of the service. Fetch and Close go to the instance that holds the cursor: SubjectFetch + "." + instance.
const (
	SubjectExecute = "leat.api.execute"
	SubjectFetch   = "leat.api.fetch"
	SubjectClose   = "leat.api.close"
	SubjectStatus  = "leat.api.status"
	SubjectDLQ     = "leat.api.dlq"
	SubjectInsert  = "leat.api.insert"
)

// Subjects inside Leat's account.
const (
	// SubjectPush + "." + topic: rows for the ingest that owns the topic. Header Leat-Format: batch (a ProcessBatch),
	// or json, csv, msgpack. The answer is sent after the append.
	SubjectPush = "leat.ctl.push"
	// SubjectScan + "." + task: the rows of a task's table (ScanRequest); answers are Chunks.
	SubjectScan = "leat.ctl.scan"
)

// ExecuteRequest runs the statements of Script in order and stops at the first error.
type ExecuteRequest struct {
	Script     string            `json:"script"`
	Session    map[string]string `json:"session,omitempty"` // SET values
	Vars       map[string]string `json:"vars,omitempty"`    // DEFINE values
	TimeoutMs  int64             `json:"timeout_ms,omitempty"`
	FromLatest bool              `json:"from_latest,omitempty"` // push queries start now instead of at the beginning
	// IfNotExists takes every CREATE as one with IF NOT EXISTS: a script that is run at each start.
	IfNotExists bool `json:"if_not_exists,omitempty"`
}

// ExecuteResponse has a Result for each statement that ran, and the error of the one that did not.
type ExecuteResponse struct {
	Results []Result          `json:"results"`
	Error   *Error            `json:"error,omitempty"`
	Session map[string]string `json:"session,omitempty"` // the session after SET and UNSET
	Vars    map[string]string `json:"vars,omitempty"`
}

// Result is what one statement answers: a message, a small table, or a cursor to fetch rows from.
type Result struct {
	Kind     string     `json:"kind"` // message, table, rows
	Message  string     `json:"message,omitempty"`
	Warnings []string   `json:"warnings,omitempty"`
	Columns  []Column   `json:"columns,omitempty"`
	Rows     [][]string `json:"rows,omitempty"` // of a table: text cells
	Cursor   string     `json:"cursor,omitempty"`
	Instance string     `json:"instance,omitempty"`
	Push     bool       `json:"push,omitempty"` // rows may come for ever
}

// Column names and types a column of a result.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Key  bool   `json:"key,omitempty"`
}

// FetchRequest asks for the next rows of a cursor; it waits up to WaitMs (at most 2,000) for the first.
type FetchRequest struct {
	Cursor string `json:"cursor"`
	WaitMs int64  `json:"wait_ms,omitempty"`
	// Format: batch (Batches hold encoded ProcessBatch messages) or json (Rows hold one JSON object each).
	Format string `json:"format,omitempty"`
}

// FetchResponse carries rows. Notice is a sentence for stderr ("waiting: trades has 0 records ...").
type FetchResponse struct {
	Batches [][]byte          `json:"batches,omitempty"`
	Rows    []json.RawMessage `json:"rows,omitempty"`
	Done    bool              `json:"done"`
	Notice  string            `json:"notice,omitempty"`
	Error   *Error            `json:"error,omitempty"`
}

// Error is the one form of error of every answer.
type Error struct {
	Code      string    `json:"code"`
	Message   string    `json:"message"`
	Hint      string    `json:"hint,omitempty"`
	Retryable bool      `json:"retryable"`
	Position  *Position `json:"position,omitempty"`
}

func (e *Error) Error() string { return e.Message + " [" + e.Code + "]" }

// Position is a place in the script of the request.
type Position struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Offset int `json:"offset"`
	Length int `json:"length"`
}

// Status is the state of all that runs: what the demo screen, SHOW QUERIES and leat topology read.
type Status struct {
	Kind    string         `json:"kind"` // leat.status/v1
	NATS    string         `json:"nats"`
	HTTP    string         `json:"http"`
	Sources []SourceStatus `json:"sources"`
	Queries []QueryStatus  `json:"queries"`
	Sinks   []SinkStatus   `json:"sinks"`
	Members []MemberStatus `json:"members"`
}

// Counts are totals: In = Used + Filtered + Late + DeadLettered + Skipped.
type Counts struct {
	In           uint64 `json:"in"`
	Used         uint64 `json:"used"`
	Out          uint64 `json:"out"`
	Filtered     uint64 `json:"filtered"`
	Late         uint64 `json:"late"`
	DeadLettered uint64 `json:"dead_lettered"`
	Skipped      uint64 `json:"skipped"`
}

// SourceStatus is a declared source and its ingest.
type SourceStatus struct {
	Name   string `json:"name"`
	Owner  string `json:"owner"`
	State  string `json:"state"` // running, waiting, stopped: reason
	Reason string `json:"reason,omitempty"`
	Counts Counts `json:"counts"`
	Links  []Link `json:"links,omitempty"`
}

// QueryStatus is a query with its tasks summed up.
type QueryStatus struct {
	ID     string        `json:"id"`
	Result string        `json:"result"`
	State  string        `json:"state"`
	Reason string        `json:"reason,omitempty"`
	Lag    uint64        `json:"lag"` // messages of its inputs not yet taken
	Stages []StageStatus `json:"stages"`
}

// StageStatus is one stage, summed over its tasks.
type StageStatus struct {
	ID         string `json:"id"`
	Tasks      int    `json:"tasks"`
	Counts     Counts `json:"counts"`
	StateBytes int64  `json:"state_bytes"`
	// StoredBytes of StateBytes lie in files; StateKeys is the number of groups, keys and rows of the state.
	StoredBytes int64  `json:"state_stored_bytes"`
	StateKeys   int64  `json:"state_keys"`
	Links       []Link `json:"links,omitempty"`
}

// SinkStatus is a sink and what it guarantees.
type SinkStatus struct {
	Name      string `json:"name"`
	Guarantee string `json:"guarantee"`
	State     string `json:"state"`
	Reason    string `json:"reason,omitempty"`
	Delivered uint64 `json:"delivered"`
	Dead      uint64 `json:"dead"`
	Lag       uint64 `json:"lag"`
	Links     []Link `json:"links,omitempty"`
}

// Link is one bounded link of the chain from sink to publisher.
type Link struct {
	Name      string `json:"name"`
	Depth     int64  `json:"depth"`
	Capacity  int64  `json:"capacity"`
	HighWater uint64 `json:"high_water"` // times above 90 %
	BlockedMs int64  `json:"blocked_ms"`
}

// MemberStatus is a process.
type MemberStatus struct {
	ID    string   `json:"id"`
	Roles []string `json:"roles"`
	Tasks []string `json:"tasks"`
}

// DLQRequest lists, shows, retries or drops dead letters.
type DLQRequest struct {
	Op     string `json:"op"` // list, show, retry, drop
	Query  string `json:"query,omitempty"`
	Reason string `json:"reason,omitempty"` // an error code
	ID     string `json:"id,omitempty"`     // topic/partition/sequence of one letter
	All    bool   `json:"all,omitempty"`
	DryRun bool   `json:"dry_run,omitempty"`
	Limit  int    `json:"limit,omitempty"`
}

// ScanRequest waits (at most a second) until a task has taken its inputs up to the given sequences and its output is
// acknowledged; with Rows it then sends the rows of the task's table: each chunk is a request to the reply subject,
// which the receiver answers for the next one. Header Leat-End marks the last message, Leat-Error an error.
type ScanRequest struct {
	Task   string            `json:"task"`
	Inputs map[string]uint64 `json:"inputs"` // topic -> sequence
	Rows   bool              `json:"rows"`
	// Whole wants an error as long as the inputs are not passed; without it, a task that goes on answers after a
	// second.
	Whole bool `json:"whole,omitempty"`
}

// Headers of requests inside Leat.
const (
	HeaderFormat = "Leat-Format"
	HeaderEnd    = "Leat-End"
	HeaderError  = "Leat-Error"
)

// PushResponse answers rows pushed to an ingest.
type PushResponse struct {
	Rows  int    `json:"rows"`
	Dead  int    `json:"dead"`
	Error *Error `json:"error,omitempty"`
}

// MemberReport is what a member's heartbeat carries.
type MemberReport struct {
	Sources []SourceStatus `json:"sources,omitempty"`
	Tasks   []TaskReport   `json:"tasks,omitempty"`
	Sinks   []SinkStatus   `json:"sinks,omitempty"`
}

// TaskReport is one task of an engine.
type TaskReport struct {
	Name        string `json:"name"` // q1.1.3
	Query       string `json:"query"`
	Stage       string `json:"stage"`
	State       string `json:"state"` // running, recovering, waiting, stopped
	Reason      string `json:"reason,omitempty"`
	Counts      Counts `json:"counts"`
	StateBytes  int64  `json:"state_bytes"`
	StoredBytes int64  `json:"state_stored_bytes"`
	StateKeys   int64  `json:"state_keys"`
	Lag         uint64 `json:"lag"`
	Links       []Link `json:"links,omitempty"`
}

// DLQResponse answers a DLQRequest.
type DLQResponse struct {
	Letters []DeadLetter `json:"letters"`
	Count   int          `json:"count"` // letters that match, or were retried or dropped
	Error   *Error       `json:"error,omitempty"`
}

// DeadLetter is a dead letter for a person to read.
type DeadLetter struct {
	ID            string `json:"id"` // topic/partition/sequence
	Source        string `json:"source"`
	Subject       string `json:"subject,omitempty"`
	Partition     int    `json:"partition"`
	Sequence      uint64 `json:"sequence"`
	Row           int    `json:"row"`
	Query         string `json:"query,omitempty"`
	Stage         string `json:"stage,omitempty"`
	Code          string `json:"code"`
	Error         string `json:"error"`
	CorrelationID string `json:"correlation_id,omitempty"`
	TraceID       string `json:"trace_id,omitempty"`
	Attempts      uint32 `json:"attempts"`
	Time          string `json:"time"` // RFC 3339 UTC
	Format        string `json:"format"`
	Original      string `json:"original,omitempty"` // text, or base64 with OriginalBase64
	Base64        bool   `json:"base64,omitempty"`
	Truncated     bool   `json:"truncated,omitempty"`
}
