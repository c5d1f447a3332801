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

	// What is ordered is all of them: without the brackets it would be the last alone.
	resolutionsSQL = `
SELECT * FROM (
SELECT 0 AS length, min(time) AS first, max(time) AS last, toUInt64(count()) AS n FROM metric_samples
UNION ALL SELECT 60 AS length, toDateTime64(min(time), 9, 'UTC') AS first, toDateTime64(max(time), 9, 'UTC') AS last, toUInt64(count()) AS n FROM metric_minutes
UNION ALL SELECT 600 AS length, toDateTime64(min(time), 9, 'UTC') AS first, toDateTime64(max(time), 9, 'UTC') AS last, toUInt64(count()) AS n FROM metric_ten_minutes
) ORDER BY length`

	// Samples that are not downsampled yet, or were there before downsampling was.
	apart = ` AND (time < {made_from:DateTime64(9,'UTC')} OR time >= {made_to:DateTime64(9,'UTC')})`
	made  = ` WHERE series_id IN {series:Array(UInt64)} AND time > {from:DateTime64(9,'UTC')} - {length:UInt64} AND time < {to:DateTime64(9,'UTC')}
  AND time >= {made_from:DateTime64(9,'UTC')} AND time < {made_to:DateTime64(9,'UTC')}`
)

// resolution is a table that samples can be read from.
type resolution struct {
	Length uint16    `ch:"length"` // seconds; 0: the samples themselves
	First  time.Time `ch:"first"`
	Last   time.Time `ch:"last"`
	N      uint64    `ch:"n"` // rows
}

func (r resolution) table() string {
	if r.Length == 600 {
		return "metric_ten_minutes"
	}
	return "metric_minutes"
}

func (r resolution) length() time.Duration { return time.Duration(r.Length) * time.Second }

func (r resolution) params() []param {
	if r.Length == 0 {
		return nil
	}
	return []param{{"made_from", r.First}, {"made_to", r.Last.Add(r.length())}, {"length", uint64(r.Length)}}
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

// Points reads gauges and sums, from the finest table that a window of its length needs and that has few enough points.
func (m *metricSource) Points(ctx context.Context, series []promql.Stored, from, to time.Time, limit int) ([]promql.Points, error) {
	w := inclusive(from, to)
	candidates, err := m.resolutions(ctx, w)
	if err != nil {
		return nil, err
	}
	var refused error
	for _, r := range candidates {
		out := make([]promql.Points, len(series))
		a := ask(series, w, limit, r.params()...)
		if r.Length == 0 {
			_, err = m.samples(ctx, a, "", out)
		} else {
			err = m.stretches(ctx, r, a, out)
		}
		if err == nil || !errors.Is(err, errTooMuch) {
			return out, err
		}
		if refused == nil {
			refused = err
		}
	}
	return nil, refused
}
