package result

import "time"

// Trace is the result of trace: one trace as a waterfall, parents before their children, siblings by start.
type Trace struct {
	TraceID    string      `json:"trace_id"`
	Start      time.Time   `json:"start"`
	DurationMS float64     `json:"duration_ms"` // from the first start to the last end
	Total      int         `json:"total"`       // spans there are; more than 5000 are not looked at
	Omitted    int         `json:"omitted"`     // of them not listed: failures and the critical path come first
	Orphans    int         `json:"orphans"`     // spans whose parent was not recorded; they are told as roots
	Spans      []TraceSpan `json:"spans"`
	// Critical is where the time of the longest root went: each service's part of the critical path, longest first.
	Critical []CriticalPart `json:"critical"`
}

// TraceSpan is one span of a waterfall.
type TraceSpan struct {
	SpanID     string  `json:"span_id"`
	Parent     string  `json:"parent_span_id"` // span it is drawn below; empty: a root
	Depth      int     `json:"depth"`
	Service    string  `json:"service"`
	Instance   string  `json:"instance"`
	Side       string  `json:"side"` // server, client, internal …
	Peer       string  `json:"peer"`
	Operation  string  `json:"operation"`
	OffsetMS   float64 `json:"offset_ms"` // from the start of the trace
	DurationMS float64 `json:"duration_ms"`
	// CriticalMS is how long the critical path runs through the span itself: time that, had it been shorter, would have made
	// the whole shorter. 0: not on it.
	CriticalMS float64 `json:"critical_ms"`
	Status     string  `json:"status"`
	Code       string  `json:"code"`
	ErrorType  string  `json:"error_type"`
	Message    string  `json:"message"`
	Statement  string  `json:"statement"` // templated, of a database
	// SameCall is set when the span is drawn below the other end of the same call, which named the same parent.
	SameCall bool `json:"same_call,omitempty"`
}

// CriticalPart is a service's part of a critical path.
type CriticalPart struct {
	Service string  `json:"service"`
	MS      float64 `json:"ms"`
	Share   float64 `json:"share"` // of the root's duration
}

// TraceSearch is the result of search_traces: traces with a span that matches, slowest match first.
type TraceSearch struct {
	Matched uint64       `json:"matched"` // spans that match, shown or not
	Traces  []FoundTrace `json:"traces"`
}

// FoundTrace is a trace and the slowest of its spans that match.
type FoundTrace struct {
	TraceID    string    `json:"trace_id"`
	SpanID     string    `json:"span_id"`
	Time       time.Time `json:"time"`
	Service    string    `json:"service"`
	Side       string    `json:"side"`
	Operation  string    `json:"operation"`
	Peer       string    `json:"peer"`
	Instance   string    `json:"instance"`
	DurationMS float64   `json:"duration_ms"`
	Status     string    `json:"status"`
	Code       string    `json:"code"`
	Message    string    `json:"message"`
	Matches    uint64    `json:"matches"` // spans of the trace that match
	Spans      uint64    `json:"spans"`   // of the whole trace in the window; 1: nobody proved what else belongs to it
}
