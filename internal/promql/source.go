package promql

import (
	"context"
	"time"
)

// Source reads metrics of whoever may see them. Times are inclusive.
type Source interface {
	// Metrics lists what was sent on the days from one time to another, by name.
	Metrics(ctx context.Context, from, to time.Time) ([]Metric, error)
	// Sent says whether any of the named metrics was sent between two times.
	Sent(ctx context.Context, names []string, from, to time.Time) (bool, error)
	// Series lists the series of metrics on those days, of one service if service is not empty.
	Series(ctx context.Context, metrics []Metric, service string, from, to time.Time) ([]Stored, error)
	// Points reads series of numbers; what it returns has the order of series, and no points for one that has none. Of more than limit points it
	// reads less fine ones, or returns an error.
	Points(ctx context.Context, series []Stored, from, to time.Time, limit int) ([]Points, error)
	// Histograms reads series of histograms, without buckets if those are not asked for; a number of a histogram counts as a point.
	Histograms(ctx context.Context, series []Stored, buckets bool, from, to time.Time, limit int) ([]Histogram, error)
}

// Metric is one metric by its stored name.
type Metric struct {
	Name      string
	Histogram bool
}

// Stored is what is known of a stored series without its points.
type Stored struct {
	ID uint64 // what the source calls it
	Metric
	Service, Instance, Host string
	Attributes              map[string]string
	Kind                    string // what the source calls its kind
	Delta                   bool   // a point counts from the one before, not from the start
}

// Points is numbers. Those of one time may be several, and times may come in any order.
type Points struct {
	At     []int64 // milliseconds since 1970
	Values []float64
}

// Histogram is the points of a series that have the same bounds, in any order.
type Histogram struct {
	Series int       // whose they are: an index of what was asked for
	Bounds []float64 // ascending; the last bucket has none
	At     []int64
	Count  []uint64
	Sum    []float64
	Counts []uint64 // of each point one more than Bounds, not cumulative, one point after the other; none if they were not asked for
}
