package investigation

import (
	"encoding/json"
	"time"
)

// DataType is a kind of data that policy can forbid.
type DataType string

// The data types of the AI policy.
const (
	Logs          DataType = "logs"
	Metrics       DataType = "metrics"
	Traces        DataType = "traces"
	Profiling     DataType = "profiling"
	Configuration DataType = "configuration"
	Cluster       DataType = "cluster"
	Code          DataType = "code"
)

// ToolCall asks for one tool. Arguments fit the tool's JSON schema.
type ToolCall struct {
	ID        string          `json:"id"` // unique in its investigation: "t<turn>c<n>"
	Tool      string          `json:"tool"`
	Arguments json.RawMessage `json:"arguments"`
	Why       string          `json:"why"` // one sentence, shown in the timeline
}

// Evidence is what a tool call returned, kept for good.
type Evidence struct {
	ID            string          `json:"id"` // "e1", "e2", … in an investigation
	Investigation string          `json:"investigation"`
	Call          string          `json:"call"` // ToolCall.ID
	Tool          string          `json:"tool"`
	Arguments     json.RawMessage `json:"arguments"` // exactly as run, times absolute
	Window        Window          `json:"window"`
	Query         string          `json:"query"`   // the SQL with its parameters, for people
	Summary       string          `json:"summary"` // one line
	Result        json.RawMessage `json:"result,omitempty"`
	Digest        string          `json:"digest"` // hex SHA-256 over tool, arguments and result
	DataTypes     []DataType      `json:"data_types"`
	Error         string          `json:"error,omitempty"` // the tool could not answer; Result is null
	At            time.Time       `json:"at"`
	// Question is the number of the question it was gathered for; 0: the investigation itself. A report rests on none of a question's.
	Question int `json:"question,omitempty"`
}

// Analysts.
const (
	AnalystBuiltin = "builtin"
	AnalystModel   = "model"
)

// Turn is one step of the analyst and what came of it.
type Turn struct {
	Number   int        `json:"number"` // from 1
	Say      string     `json:"say"`    // what the analyst thinks, one or two plain sentences
	Calls    []ToolCall `json:"calls,omitempty"`
	Evidence []string   `json:"evidence,omitempty"` // ids, same order as Calls
	Draft    *Report    `json:"draft,omitempty"`    // of the concluding turn, before the platform checked it
	Analyst  string     `json:"analyst,omitempty"`  // who decided it: AnalystBuiltin, AnalystModel
	At       time.Time  `json:"at"`
}

// Transcript is all an analyst's step gets to see. It has no state of its own.
type Transcript struct {
	Request  Request    `json:"request"`
	Turns    []Turn     `json:"turns"`
	Evidence []Evidence `json:"evidence"`  // with results, at most 8 MB together
	Now      time.Time  `json:"now"`       // the only clock a step has
	LastTurn bool       `json:"last_turn"` // tools are withdrawn: the step must conclude
	// Tools are the names of those that there are, for the built-in analyst: some belong to installations that watch a cluster alone.
	Tools []string `json:"tools,omitempty"`
}

// Step is what the analyst wants next: calls, or a report and then no calls.
type Step struct {
	Say    string     `json:"say"`
	Calls  []ToolCall `json:"calls,omitempty"`
	Report *Report    `json:"report,omitempty"`
}
