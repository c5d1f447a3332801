package promql

import (
	"context"
	"time"
)

// Source reads metrics of whoever may see them. Times are inclusive.
type Source interface {
	// Metrics lists what was sent between two times, by name.
	Metrics(ctx context.Context, from, to time.Time) ([]Metric, error)
	// Read reads metrics between two times, of one service if service is not empty, at most limit points; if there are more it
	// returns an error.
	Read(ctx context.Context, names []string, service string, from, to time.Time, limit int) ([]Stored, error)
	// ReadHistograms is Read for histograms; a bucket counts as a point.
	ReadHistograms(ctx context.Context, names []string, service string, from, to time.Time, limit int) ([]StoredHistogram, error)
}

// Metric is one metric by its stored name.
type Metric struct {
	Name      string
	Histogram bool
}

// Identity is what makes a stored series one.
type Identity struct {
	Name, Service, Instance, Host string
	Attributes                    map[string]string
	Delta                         bool // a point counts from the one before, not from the start
}

// Stored is a series of numbers, by time.
type Stored struct {
	Identity
	At     []int64 // milliseconds since 1970
	Values []float64
}

// StoredHistogram is a series of histograms with the same bounds, by time.
type StoredHistogram struct {
	Identity
	Bounds []float64 // ascending; the last bucket has none
	At     []int64
	Count  []uint64
	Sum    []float64
	Counts [][]uint64 // one more than Bounds, not cumulative
}
