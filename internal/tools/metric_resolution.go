package tools

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/midwatch/midwatch/internal/promql"
)

const (
	// longWindow is from when on a question is answered by minutes, veryLongWindow by ten minutes: whoever looks at so much sees no difference.
	longWindow     = 6 * time.Hour
	veryLongWindow = 4 * 24 * time.Hour

	resolutionsSQL = `
SELECT 0 AS length, min(time) AS first, max(time) AS last, toUInt64(count()) AS n FROM metric_samples
UNION ALL SELECT 60 AS length, toDateTime64(min(time), 9, 'UTC') AS first, toDateTime64(max(time), 9, 'UTC') AS last, toUInt64(count()) AS n FROM metric_minutes
UNION ALL SELECT 600 AS length, toDateTime64(min(time), 9, 'UTC') AS first, toDateTime64(max(time), 9, 'UTC') AS last, toUInt64(count()) AS n FROM metric_ten_minutes
ORDER BY length`

	// Samples that are not downsampled yet, or were there before downsampling was.
	apart = ` AND (time < {made_from:DateTime64(9,'UTC')} OR time >= {made_to:DateTime64(9,'UTC')})`
	made  = ` WHERE ` + wanted + ` AND time > {from:DateTime64(9,'UTC')} - {length:UInt64} AND time < {to:DateTime64(9,'UTC')} AND time >= {made_from:DateTime64(9,'UTC')} AND time < {made_to:DateTime64(9,'UTC')}`
)

// resolution is a table that samples can be read from.
type resolution struct {
	Length uint16    `ch:"length"` // seconds; 0: the samples themselves
	First  time.Time `ch:"first"`
	Last   time.Time `ch:"last"`
	N      uint64    `ch:"n"` // rows
}

func (r resolution) table() string {
	switch r.Length {
	case 60:
		return "metric_minutes"
	case 600:
		return "metric_ten_minutes"
	}
	return "metric_samples"
}

// count and series are the queries for it, see metricPointsSQL and metricSeriesSQL.
func (r resolution) count() string {
	if r.Length == 0 {
		return metricPointsSQL
	}
	return `
WITH series AS (SELECT series_id ` + wantedSeries + ` AND ` + sampleKinds + `)
SELECT toUInt64((SELECT count() FROM metric_samples` + ofSeries + apart + `) + 4 * (SELECT count() FROM ` + r.table() + made + `)) AS points`
}

// series reads a stretch as points that PromQL makes of it what it would make of the samples: lowest, highest, first and last value of what goes
// up and down, the ends of what counts, and the whole increase of what is told as increases. None are 5 min apart, which is when a value is old.
func (r resolution) series() string {
	if r.Length == 0 {
		return metricSeriesSQL
	}
	return identified + sampleKinds + `),
points AS (
    SELECT series_id, time, value FROM metric_samples` + ofSeries + apart + `
    UNION ALL
    SELECT series_id, p.1 AS time, p.2 AS value FROM (
        SELECT series_id, toDateTime64(time, 9, 'UTC') AS t, toUInt64({length:UInt64} * 1000) AS ms, arrayJoin(multiIf(
            kind = 'sum_delta', [(t + toIntervalMillisecond(ms / 2), sum / 2), (t + toIntervalMillisecond(ms - 1), sum / 2)],
            kind = 'gauge' OR kind = 'summary_quantile', [(t, first), (t + toIntervalMillisecond(ms / 3), min), (t + toIntervalMillisecond(ms * 2 / 3), max), (t + toIntervalMillisecond(ms - 1), last)],
            [(t, first), (t + toIntervalMillisecond(ms / 2), if(first <= last, (first + last) / 2, last)), (t + toIntervalMillisecond(ms - 1), last)])) AS p
        FROM (SELECT * FROM ` + r.table() + ` FINAL` + made + `) AS stretches INNER JOIN series USING (series_id)))` + seriesOfPoints + `
FROM (SELECT series_id, groupArray((toUnixTimestamp64Milli(time), value)) AS gathered FROM points GROUP BY series_id) AS samples INNER JOIN series USING (series_id)` + bySeries
}

func (r resolution) params() []param {
	if r.Length == 0 {
		return nil
	}
	length := time.Duration(r.Length) * time.Second
	return []param{{"made_from", r.First}, {"made_to", r.Last.Add(length)}, {"length", uint64(r.Length)}}
}

// resolutions are the tables that a window may be read from, the best first.
func (m *metricSource) resolutions(ctx context.Context, w window) ([]resolution, error) {
	if w.To.Sub(w.From) <= longWindow && time.Since(w.From) < 24*time.Hour {
		return []resolution{{}}, nil
	}
	all, _, err := query[resolution](ctx, m.db, resolutionsSQL, nil)
	if err != nil {
		return nil, err
	}
	least := 0
	switch long := w.To.Sub(w.From); {
	case long > veryLongWindow:
		least = 2
	case long > longWindow:
		least = 1
	}
	best := all[0]
	for i, r := range all {
		older := r.N > 0 && r.First.Before(best.First.Add(-longWindow)) && w.From.Before(best.First)
		if r.N > 0 && (i <= least || older || best.N == 0) {
			best = r
		}
	}
	i := slices.Index(all, best)
	return slices.DeleteFunc(all[i:], func(r resolution) bool { return r.N == 0 && r.Length > 0 }), nil
}

// Read reads gauges and sums, from the finest table that a window of its length needs and that has few enough points.
func (m *metricSource) Read(ctx context.Context, names []string, service string, from, to time.Time, limit int) ([]promql.Stored, error) {
	w := inclusive(from, to)
	candidates, err := m.resolutions(ctx, w)
	if err != nil {
		return nil, err
	}
	var refused error
	for _, r := range candidates {
		rows, err := readMetrics[storedRow](ctx, m, r.count(), r.series(), names, service, w, limit, r.params()...)
		if errors.Is(err, errTooMuch) {
			if refused == nil {
				refused = err
			}
			continue
		}
		out := make([]promql.Stored, len(rows))
		for i, row := range rows {
			out[i] = promql.Stored{Identity: row.identity(), At: row.At, Values: row.Values}
		}
		return out, err
	}
	return nil, refused
}
