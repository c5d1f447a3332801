package result

import "time"

// Logs is the result of search_logs.
type Logs struct {
	Matched  uint64       `json:"matched"` // lines in the window, shown or not
	Patterns []LogPattern `json:"patterns"`
	Lines    []LogLine    `json:"lines"` // the newest
}

// LogPattern is lines that differ only in numbers, ids and quoted values.
type LogPattern struct {
	Service  string `json:"service"`
	Severity string `json:"severity"`
	Pattern  string `json:"pattern"`
	Count    uint64 `json:"count"`
	// Baseline is the count in the healthy window, scaled to the length of the fault window.
	Baseline float64   `json:"baseline"`
	New      bool      `json:"new"` // not seen in the healthy window
	First    time.Time `json:"first"`
	Sample   string    `json:"sample"`
}

// LogLine is one line.
type LogLine struct {
	Time     time.Time `json:"time"`
	Service  string    `json:"service"`
	Severity string    `json:"severity"`
	Body     string    `json:"body"`
}
