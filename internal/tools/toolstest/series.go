package toolstest

import (
	"fmt"
	"hash/fnv"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/store"
)

// Metric is a sample with its series.
type Metric struct {
	Time       time.Time
	Env        string
	Service    string
	Instance   string
	Host       string
	Name       string
	Kind       string
	Value      float64
	Attributes map[string]string
	Resource   map[string]string
}

// Histogram is a histogram with its series.
type Histogram struct {
	Metric
	Unit   string
	Count  uint64
	Sum    float64
	Bounds []float64
	Counts []uint64
}

// series is a row of metric_series.
type series struct {
	Day        time.Time         `ch:"day"`
	ID         uint64            `ch:"series_id"`
	Env        string            `ch:"environment"`
	Service    string            `ch:"service"`
	Instance   string            `ch:"instance"`
	Host       string            `ch:"host"`
	Name       string            `ch:"name"`
	Unit       string            `ch:"unit"`
	Kind       string            `ch:"kind"`
	Attributes map[string]string `ch:"attributes"`
	Resource   string            `ch:"resource_json"`
}

type sample struct {
	Series uint64    `ch:"series_id"`
	Time   time.Time `ch:"time"`
	Value  float64   `ch:"value"`
}

type histogram struct {
	Series uint64    `ch:"series_id"`
	Time   time.Time `ch:"time"`
	Count  uint64    `ch:"count"`
	Sum    float64   `ch:"sum"`
	Bounds []float64 `ch:"bounds"`
	Counts []uint64  `ch:"counts"`
}

// WriteMetrics stores points with their series.
func WriteMetrics(t testing.TB, db *store.DB, rows []Metric) {
	t.Helper()
	w := map[seriesDay]series{}
	var samples []sample
	for _, m := range rows {
		samples = append(samples, sample{seriesOf(t, w, m, ""), m.Time, m.Value})
	}
	writeSeries(t, db, w)
	write(t, db, "metric_samples", "series_id, time, value", samples)
}

// WriteHistograms stores histograms with their series.
func WriteHistograms(t testing.TB, db *store.DB, rows []Histogram) {
	t.Helper()
	w := map[seriesDay]series{}
	var points []histogram
	for _, h := range rows {
		points = append(points, histogram{seriesOf(t, w, h.Metric, h.Unit), h.Time, h.Count, h.Sum, h.Bounds, h.Counts})
	}
	writeSeries(t, db, w)
	write(t, db, "histograms", "series_id, time, count, sum, bounds, counts", points)
}

// seriesDay is what is one row of metric_series.
type seriesDay struct {
	id  uint64
	day time.Time
}

func seriesOf(t testing.TB, known map[seriesDay]series, m Metric, unit string) uint64 {
	t.Helper()
	resource := object(t, m.Resource)
	h := fnv.New64a()
	fmt.Fprint(h, m.Env, "|", m.Service, "|", m.Instance, "|", m.Host, "|", m.Name, "|", unit, "|", m.Kind, "|", m.Attributes, "|", resource)
	row := series{m.Time.UTC().Truncate(24 * time.Hour), h.Sum64(), m.Env, m.Service, m.Instance, m.Host, m.Name, unit, m.Kind, m.Attributes, resource}
	known[seriesDay{row.ID, row.Day}] = row
	return row.ID
}

func writeSeries(t testing.TB, db *store.DB, known map[seriesDay]series) {
	t.Helper()
	var rows []series
	for _, s := range known {
		rows = append(rows, s)
	}
	write(t, db, "metric_series", "day, series_id, environment, service, instance, host, name, unit, kind, attributes, resource_json", rows)
}
