package result

import "time"

// SpanGroups is the result of failing_spans and slow_spans.
type SpanGroups struct {
	ThresholdMS float64     `json:"threshold_ms,omitempty"` // slow_spans only
	Groups      []SpanGroup `json:"groups"`
}

// SpanGroup is spans that share everything but time.
type SpanGroup struct {
	Service   string `json:"service"`
	Side      string `json:"side"` // server or client
	Peer      string `json:"peer"`
	Address   string `json:"address"` // host:port of the accepting end
	Operation string `json:"operation"`
	ErrorType string `json:"error_type"`
	Code      string `json:"code"`    // HTTP status, SQLSTATE or Redis error prefix
	Message   string `json:"message"` // status message, templated
	Count     uint64 `json:"count"`
	// Baseline is the count in the healthy window, scaled to the length of the fault window.
	Baseline float64      `json:"baseline"`
	P50MS    float64      `json:"p50_ms"`
	MaxMS    float64      `json:"max_ms"`
	First    time.Time    `json:"first"`
	Last     time.Time    `json:"last"`
	Samples  []SpanSample `json:"samples"`
}

// SpanSample is one span of a group.
type SpanSample struct {
	Time       time.Time `json:"time"`
	TraceID    string    `json:"trace_id"`
	SpanID     string    `json:"span_id"`
	Instance   string    `json:"instance"`
	DurationMS float64   `json:"duration_ms"`
}
