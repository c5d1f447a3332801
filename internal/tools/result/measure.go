package result

import "github.com/midwatch/midwatch/internal/investigation"

// Measure is what a group of requests looked like in one window.
type Measure struct {
	Requests   uint64  `json:"requests"`
	RatePerS   float64 `json:"rate_per_s"`
	Errors     uint64  `json:"errors"`
	ErrorRatio float64 `json:"error_ratio"`
	MeanMS     float64 `json:"mean_ms"`
	P50MS      float64 `json:"p50_ms"`
	P95MS      float64 `json:"p95_ms"`
	P99MS      float64 `json:"p99_ms"`
}

// Change compares a group of requests in the fault window with the same group in the healthy one. The flags are the
// platform's judgement: material in size and unlikely by chance (see internal/analysis.Judge).
type Change struct {
	Fault     Measure `json:"fault"`
	Healthy   Measure `json:"healthy"`
	RateRatio float64 `json:"rate_ratio"`
	P50Ratio  float64 `json:"p50_ratio"`
	P95Ratio  float64 `json:"p95_ratio"`
	ErrorZ    float64 `json:"error_z"`   // two-proportion z of the error ratio
	LatencyZ  float64 `json:"latency_z"` // rank-sum z of the durations
	Failing   bool    `json:"failing"`   // more errors than before, and still so at the end of the window
	Slow      bool    `json:"slow"`      // slower than before, and still so at the end of the window
	Quiet     bool    `json:"quiet"`     // far fewer requests than before
	Busy      bool    `json:"busy"`      // far more requests than before
	Healed    bool    `json:"healed"`    // failed or was slow, but not in the last third of the window
	New       bool    `json:"new"`       // not seen in the healthy window
}

// Bad says that requests of the group fail or are slow.
func (c Change) Bad() bool { return c.Failing || c.Slow }

// Pair is one number in both windows.
type Pair struct {
	Fault   float64 `json:"fault"`
	Healthy float64 `json:"healthy"`
}

// Comparison is the result of compare_windows.
type Comparison struct {
	FaultWindow   investigation.Window `json:"fault_window"`
	HealthyWindow investigation.Window `json:"healthy_window"`
	Services      []ServiceChange      `json:"services"`
	Operations    []OperationChange    `json:"operations"`
	Edges         []EdgeChange         `json:"edges"`
}

// ServiceChange is what a service answered (its server spans). It is failing or slow if one of its operations is; the
// same holds for an edge.
type ServiceChange struct {
	Service string `json:"service"`
	Change
	// SelfMS is the time per request that was not spent waiting for calls; it can be negative when calls run in parallel.
	SelfMS Pair `json:"self_ms"`
	// CallErrors is the number of failed calls the service made per request it answered.
	CallErrors Pair     `json:"call_errors"`
	Versions   []string `json:"versions"` // service.version seen in the fault window, newest first
}

// OperationChange is one operation a service answered.
type OperationChange struct {
	Service   string `json:"service"`
	Operation string `json:"operation"`
	Change
}

// EdgeChange is what one service asked another (its client spans).
type EdgeChange struct {
	From     string `json:"from"`
	To       string `json:"to"`       // service, or host:port when nobody known answers there
	Address  string `json:"address"`  // host:port
	Protocol string `json:"protocol"` // http, postgresql, redis; tcp for connects that failed
	Change
	// PerRequest is the number of calls per request that From answered; 0 when From answers nothing.
	PerRequest Pair `json:"per_request"`
}
