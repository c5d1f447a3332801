package tools

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/promql"
)

const (
	// What was sent in a long window is known by the day; in a short one it is looked for in what was measured.
	metricNamesSQL = `
WITH {to:DateTime64(9,'UTC')} - {from:DateTime64(9,'UTC')} <= 21600 AS short
SELECT DISTINCT name, toUInt8(` + histogramKinds + `) AS histogram FROM metric_series
WHERE ` + seriesWindow + ` AND (NOT short OR series_id IN (
    SELECT DISTINCT series_id FROM metric_samples WHERE short AND ` + timeWindow + `
    UNION ALL SELECT DISTINCT series_id FROM histograms WHERE short AND ` + timeWindow + `
    UNION ALL SELECT DISTINCT series_id FROM exponential_histograms WHERE short AND ` + timeWindow + `))
ORDER BY name, histogram LIMIT 5000`

	wantedSeries = `FROM metric_series WHERE name IN {names:Array(String)} AND ({service:String} = '' OR service = {service:String}) AND ` + seriesWindow
	identified   = `
WITH series AS (
    SELECT DISTINCT series_id, name, service, instance, host, ` + seriesAttributes + ` AS pairs, kind,
           toUInt8(kind IN ('sum_delta', 'histogram_delta', 'exponential_delta')) AS delta
    ` + wantedSeries + ` AND `
	ofSeries = ` WHERE ` + wanted + ` AND ` + timeWindow

	// How much there is, before it is read: an expression may name every metric and every process of an environment.
	metricPointsSQL = `
WITH series AS (SELECT series_id ` + wantedSeries + ` AND ` + sampleKinds + `)
SELECT toUInt64(count()) AS points FROM metric_samples` + ofSeries
	histogramBucketsSQL = `
WITH series AS (SELECT series_id ` + wantedSeries + ` AND ` + histogramKinds + `)
SELECT toUInt64(sum(n)) AS points FROM (
    SELECT length(counts) + 2 AS n FROM histograms` + ofSeries + `
    UNION ALL SELECT length(positive_counts) + length(negative_counts) + 4 AS n FROM exponential_histograms` + ofSeries + `)`

	// Points are gathered by series before they meet its attributes, which are many times larger.
	metricSeriesSQL = identified + sampleKinds + `)` + seriesOfPoints + `
FROM (SELECT series_id, groupArray((toUnixTimestamp64Milli(time), value)) AS gathered FROM metric_samples
      WHERE series_id IN (SELECT series_id ` + wantedSeries + ` AND ` + sampleKinds + `) AND ` + timeWindow + ` GROUP BY series_id) AS samples INNER JOIN series USING (series_id)` + bySeries
	seriesOfPoints = `
SELECT * EXCEPT (pairs, p) FROM (SELECT name, service, instance, host, pairs, mapKeys(pairs) AS keys, mapValues(pairs) AS vals, delta,
       arraySort(groupArrayArray(gathered)) AS p, arrayMap(x -> x.1, p) AS at, arrayMap(x -> x.2, p) AS v`
	bySeries = `
GROUP BY name, service, instance, host, pairs, delta
ORDER BY name, service, instance, host, pairs
LIMIT 20000)`

	histogramSeriesSQL = identified + histogramKinds + `)
SELECT * EXCEPT (pairs, p) FROM (SELECT name, service, instance, host, pairs, mapKeys(pairs) AS keys, mapValues(pairs) AS vals, delta, bounds,
       arraySort(x -> x.1, groupArrayArray(gathered)) AS p,
       arrayMap(x -> x.1, p) AS at, arrayMap(x -> x.2, p) AS n, arrayMap(x -> x.3, p) AS sums, arrayMap(x -> x.4, p) AS buckets
FROM (SELECT series_id, bounds, groupArray((toUnixTimestamp64Milli(time), count, sum, counts)) AS gathered FROM histograms` + ofSeries + ` GROUP BY series_id, bounds
      UNION ALL SELECT series_id, bounds, groupArray((toUnixTimestamp64Milli(time), count, sum, counts)) AS gathered FROM exponential_histograms` + ofSeries + ` GROUP BY series_id, bounds) AS samples INNER JOIN series USING (series_id)
GROUP BY name, service, instance, host, pairs, delta, bounds
ORDER BY name, service, instance, host, pairs, bounds
LIMIT 20000)`
)

// metricSource reads metrics for PromQL, on somebody's behalf.
type metricSource struct {
	db    Store
	scope Scope
	text  []string // the queries, for people
}

var _ promql.Source = (*metricSource)(nil)

// Metrics is what PromQL reads of an environment, for one expression: it remembers what it asked.
func Metrics(db Store, scope Scope) promql.Source { return &metricSource{db: db, scope: scope} }

type metricNameRow struct {
	Name      string `ch:"name"`
	Histogram uint8  `ch:"histogram"`
}

// Metrics lists the names that were sent.
func (m *metricSource) Metrics(ctx context.Context, from, to time.Time) ([]promql.Metric, error) {
	rows, _, err := query[metricNameRow](ctx, m.db, metricNamesSQL, in(m.scope, inclusive(from, to)))
	if err != nil {
		return nil, err
	}
	out := make([]promql.Metric, len(rows))
	for i, row := range rows {
		out[i] = promql.Metric{Name: row.Name, Histogram: row.Histogram == 1}
	}
	return out, nil
}

// identityRow is the part of a row that says which series it is.
type identityRow struct {
	Name     string   `ch:"name"`
	Service  string   `ch:"service"`
	Instance string   `ch:"instance"`
	Host     string   `ch:"host"`
	Keys     []string `ch:"keys"`
	Vals     []string `ch:"vals"`
	Delta    uint8    `ch:"delta"`
}

func (r identityRow) identity() promql.Identity {
	return promql.Identity{
		Name: r.Name, Service: r.Service, Instance: r.Instance, Host: r.Host, Attributes: maps.Collect(zip(r.Keys, r.Vals)), Delta: r.Delta == 1,
	}
}

type storedRow struct {
	identityRow
	At     []int64   `ch:"at"`
	Values []float64 `ch:"v"`
}

type storedHistogramRow struct {
	identityRow
	Bounds []float64  `ch:"bounds"`
	At     []int64    `ch:"at"`
	N      []uint64   `ch:"n"`
	Sums   []float64  `ch:"sums"`
	Counts [][]uint64 `ch:"buckets"`
}

// ReadHistograms reads histograms.
func (m *metricSource) ReadHistograms(ctx context.Context, names []string, service string, from, to time.Time, limit int) ([]promql.StoredHistogram, error) {
	rows, err := readMetrics[storedHistogramRow](ctx, m, histogramBucketsSQL, histogramSeriesSQL, names, service, inclusive(from, to), limit)
	out := make([]promql.StoredHistogram, len(rows))
	for i, row := range rows {
		out[i] = promql.StoredHistogram{Identity: row.identity(), Bounds: row.Bounds, At: row.At, Count: row.N, Sum: row.Sums, Counts: row.Counts}
	}
	return out, err
}

// errTooMuch means that what a selector means has more points than may be read.
var errTooMuch = fmt.Errorf("%w: too many points", promql.ErrExpression)

// readMetrics reads what a selector means, unless it is too much.
func readMetrics[Row any](ctx context.Context, m *metricSource, count, read string, names []string, service string, w window, limit int, more ...param) ([]Row, error) {
	params := append(append(in(m.scope, w), param{"names", names}, param{"service", service}), more...)
	there, _, err := query[struct {
		Points uint64 `ch:"points"`
	}](ctx, m.db, count, params)
	if err != nil {
		return nil, err
	}
	if len(there) > 0 && there[0].Points > uint64(max(0, limit)) {
		return nil, fmt.Errorf("%w: %s would read %d points, and %d are left; name a service with {service=\"…\"}, or ask for less time",
			errTooMuch, list(names), there[0].Points, limit)
	}
	rows, text, err := query[Row](ctx, m.db, read, params)
	m.text = append(m.text, text)
	return rows, err
}

// inclusive is a window that ends with to.
func inclusive(from, to time.Time) window { return window{From: from, To: to.Add(time.Millisecond)} }

// shown is what was asked of the store.
func (m *metricSource) shown() string { return strings.Join(m.text, "\n\n") }
