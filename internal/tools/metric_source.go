package tools

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/promql"
)

const (
	maxSeriesRead = 20_000 // of a selector that have points
	maxNamesRead  = 40_000 // of an environment's metrics
)

const (
	metricNamesSQL = `
SELECT DISTINCT name, toUInt8(` + histogramKinds + `) AS histogram FROM metric_series
WHERE ` + seriesWindow + `
ORDER BY name, histogram LIMIT {most:UInt64}`

	wantedSeries = `FROM metric_series WHERE name IN {names:Array(String)} AND ({service:String} = '' OR service = {service:String}) AND ` + seriesWindow

	metricsSentSQL = `
SELECT toUInt8(count() > 0) AS sent FROM (
    SELECT 1 FROM metric_samples` + ofNamed + `
    UNION ALL SELECT 1 FROM histograms` + ofNamed + `
    UNION ALL SELECT 1 FROM exponential_histograms` + ofNamed + `)`
	ofNamed = ` WHERE series_id IN (SELECT series_id FROM metric_series WHERE name IN {names:Array(String)} AND ` + seriesWindow + `) AND ` + timeWindow + ` LIMIT 1`

	// A series has a row a day.
	metricSeriesSQL = `
SELECT series_id, name, service, instance, host, toString(kind) AS kind, scope, mapKeys(attributes) AS keys, mapValues(attributes) AS vals
` + wantedSeries + ` AND (` + sampleKinds + ` AND {numbers:Bool} OR ` + histogramKinds + ` AND {histograms:Bool})`
	anySeries = `
LIMIT 1 BY series_id
LIMIT {most:UInt64}`
	// Where there are too many, those that have points count.
	presentSeries = ` AND series_id IN (
    SELECT series_id FROM metric_samples WHERE ` + timeWindow + `
    UNION ALL SELECT series_id FROM metric_minutes WHERE ` + timeWindow + `
    UNION ALL SELECT series_id FROM metric_ten_minutes WHERE ` + timeWindow + `
    UNION ALL SELECT series_id FROM histograms WHERE ` + timeWindow + `
    UNION ALL SELECT series_id FROM exponential_histograms WHERE ` + timeWindow + `)
ORDER BY name, service, instance, host, ` + seriesAttributes + anySeries
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
	rows, _, err := query[metricNameRow](ctx, m.db, metricNamesSQL, append(in(m.scope, window{From: from, To: to}), param{"most", maxNamesRead + 1}))
	if err != nil {
		return nil, err
	}
	if len(rows) > maxNamesRead {
		return nil, fmt.Errorf("%w: there are more than %d metrics between %s and %s: ask about less time", promql.ErrExpression, maxNamesRead, from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339))
	}
	out := make([]promql.Metric, len(rows))
	for i, row := range rows {
		out[i] = promql.Metric{Name: row.Name, Histogram: row.Histogram == 1}
	}
	return out, nil
}

// Sent says whether metrics were sent. Of long windows that is known by the day.
func (m *metricSource) Sent(ctx context.Context, names []string, from, to time.Time) (bool, error) {
	if to.Sub(from) > longWindow {
		return true, nil
	}
	rows, _, err := query[struct {
		Sent uint8 `ch:"sent"`
	}](ctx, m.db, metricsSentSQL, append(in(m.scope, inclusive(from, to)), param{"names", names}))
	return len(rows) > 0 && rows[0].Sent == 1, err
}

type seriesRow struct {
	ID       uint64   `ch:"series_id"`
	Name     string   `ch:"name"`
	Service  string   `ch:"service"`
	Instance string   `ch:"instance"`
	Host     string   `ch:"host"`
	Kind     string   `ch:"kind"`
	Scope    string   `ch:"scope"`
	Keys     []string `ch:"keys"`
	Vals     []string `ch:"vals"`
}

func (r seriesRow) series() promql.Stored {
	attributes := maps.Collect(zip(r.Keys, r.Vals))
	if r.Scope != "" {
		attributes["otel.scope.name"] = r.Scope
	}
	return promql.Stored{
		ID: r.ID, Metric: promql.Metric{Name: r.Name, Histogram: strings.HasPrefix(r.Kind, "histogram") || strings.HasPrefix(r.Kind, "exponential")},
		Service: r.Service, Instance: r.Instance, Host: r.Host, Attributes: attributes, Kind: r.Kind, Delta: strings.HasSuffix(r.Kind, "_delta"),
	}
}

// Series lists series.
func (m *metricSource) Series(ctx context.Context, metrics []promql.Metric, service string, from, to time.Time) ([]promql.Stored, error) {
	var names []string
	numbers, histograms := false, false
	for _, metric := range metrics {
		names = append(names, metric.Name)
		numbers, histograms = numbers || !metric.Histogram, histograms || metric.Histogram
	}
	params := append(in(m.scope, inclusive(from, to)), param{"names", names}, param{"service", service}, param{"numbers", numbers}, param{"histograms", histograms}, param{"most", maxSeriesRead + 1})
	rows, text, err := query[seriesRow](ctx, m.db, metricSeriesSQL+anySeries, params)
	if err == nil && len(rows) > maxSeriesRead {
		rows, text, err = query[seriesRow](ctx, m.db, metricSeriesSQL+presentSeries, params)
	}
	if err != nil {
		return nil, err
	}
	if len(rows) > maxSeriesRead {
		return nil, fmt.Errorf("%w: %s has more than %d series with points: name a service, or ask about less time", promql.ErrExpression, list(names), maxSeriesRead)
	}
	m.text = append(m.text, text)
	out := make([]promql.Stored, len(rows))
	for i, row := range rows {
		out[i] = row.series()
	}
	return out, nil
}

// inclusive is a window that ends with to.
func inclusive(from, to time.Time) window { return window{From: from, To: to.Add(time.Millisecond)} }

// shown is what was asked of the store.
func (m *metricSource) shown() string { return strings.Join(m.text, "\n\n") }

// seriesIDs is the parameter that names series. People are told how many they are.
type seriesIDs []uint64

func idsOf(series []promql.Stored) seriesIDs {
	out := make(seriesIDs, len(series))
	for i, s := range series {
		out[i] = s.ID
	}
	return out
}

// text is the array as the store reads it.
func (ids seriesIDs) text() string {
	b := []byte{'['}
	for i, id := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, id, 10)
	}
	return string(append(b, ']'))
}

func (ids seriesIDs) shown() string { return fmt.Sprintf("the %d above", len(ids)) }
