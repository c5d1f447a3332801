package result

import "time"

// Metrics is the result of list_metrics.
type Metrics struct {
	Metrics []Metric `json:"metrics"` // by name
	Omitted int      `json:"omitted"` // that are not listed
}

// Metric is one metric that was sent in the window.
type Metric struct {
	Name     string   `json:"name"`   // as query_metrics takes it; of a histogram without _bucket, _sum and _count
	Stored   string   `json:"stored"` // as it was sent
	Kind     string   `json:"kind"`   // gauge, sum_delta, sum_cumulative or histogram
	Unit     string   `json:"unit"`
	Points   uint64   `json:"points"`
	Services []string `json:"services"` // at most ten
	Labels   []string `json:"labels"`   // besides service, instance and host; at most twenty
}

// MetricQuery is the result of query_metrics.
type MetricQuery struct {
	Expression string         `json:"expression"`
	StepS      float64        `json:"step_s"`
	Series     []MetricSeries `json:"series"`   // largest maximum first
	Omitted    int            `json:"omitted"`  // series that are not listed
	Warnings   []string       `json:"warnings"` // of the engine, and what was left out
}

// MetricSeries is one series of an answer. Numbers are over the points of the window.
type MetricSeries struct {
	Labels map[string]string `json:"labels"`
	First  float64           `json:"first"`
	Last   float64           `json:"last"`
	Min    float64           `json:"min"`
	Max    float64           `json:"max"`
	Mean   float64           `json:"mean"`
	Points []MetricPoint     `json:"points"`
}

// MetricPoint is a value at a time.
type MetricPoint struct {
	Time  time.Time `json:"time"`
	Value float64   `json:"value"`
}
