package tools_test

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/midwatch/midwatch/internal/promql"
	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/toolstest"
)

// plainly reads points in the simplest way: row by row, in order, the store choosing among what is stored of a stretch.
type plainly struct {
	promql.Source
	db      *store.DB
	stretch int // seconds; 0: samples
}

const plainSamples = `SELECT series_id, toUnixTimestamp64Milli(time) AS at, value FROM metric_samples WHERE series_id = ? AND time >= fromUnixTimestamp64Milli(?) AND time <= fromUnixTimestamp64Milli(?)`

const plainStretches = `SELECT toUInt64(?) AS series_id, toInt64(p.1) AS at, p.2 AS value FROM (
	SELECT toFloat64(toUnixTimestamp(time)) * 1000 AS t, %[2]d * 1000. AS ms, arrayJoin(multiIf(? = 'sum_delta', [(t + ms / 2, sum / 2), (t + ms - 1, sum / 2)],
		? = 'gauge', [(t, first), (t + ms / 3, min), (t + ms * 2 / 3, max), (t + ms - 1, last)],
		[(t, first), (t + ms / 2, if(first <= last, (first + last) / 2, last)), (t + ms - 1, last)])) AS p
	FROM %[1]s FINAL WHERE series_id = ? AND time > fromUnixTimestamp64Milli(?) - %[2]d AND time <= fromUnixTimestamp64Milli(?))`

func (p plainly) Points(ctx context.Context, series []promql.Stored, from, to time.Time, _ int) ([]promql.Points, error) {
	out := make([]promql.Points, len(series))
	for i, s := range series {
		var rows []struct {
			ID    uint64  `ch:"series_id"`
			At    int64   `ch:"at"`
			Value float64 `ch:"value"`
		}
		var err error
		if p.stretch == 0 {
			err = p.db.Select(ctx, &rows, plainSamples+" ORDER BY at, value", s.ID, from.UnixMilli(), to.UnixMilli())
		} else {
			table := map[int]string{60: "metric_minutes", 600: "metric_ten_minutes"}[p.stretch]
			err = p.db.Select(ctx, &rows, fmt.Sprintf(plainStretches, table, p.stretch)+" ORDER BY at, value", s.ID, s.Kind, s.Kind, s.ID, from.UnixMilli(), to.UnixMilli())
		}
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			out[i].Append(promql.Points{At: []int64{row.At}, Values: []float64{row.Value}})
		}
	}
	return out, nil
}

func (p plainly) Histograms(ctx context.Context, series []promql.Stored, _ bool, from, to time.Time, _ int) ([]promql.Histogram, error) {
	var out []promql.Histogram
	for i, s := range series {
		var rows []struct {
			At     int64     `ch:"at"`
			Count  uint64    `ch:"count"`
			Sum    float64   `ch:"sum"`
			Bounds []float64 `ch:"bounds"`
			Counts []uint64  `ch:"counts"`
		}
		read := `SELECT toUnixTimestamp64Milli(time) AS at, count, sum, bounds, arrayResize(counts, length(bounds) + 1) AS counts FROM %s
			WHERE series_id = ? AND time >= fromUnixTimestamp64Milli(?) AND time <= fromUnixTimestamp64Milli(?)`
		if err := p.db.Select(ctx, &rows, fmt.Sprintf(read, "histograms")+" UNION ALL "+fmt.Sprintf(read, "exponential_histograms")+" ORDER BY at",
			s.ID, from.UnixMilli(), to.UnixMilli(), s.ID, from.UnixMilli(), to.UnixMilli()); err != nil {
			return nil, err
		}
		for _, row := range rows {
			out = append(out, promql.Histogram{Series: i, Bounds: row.Bounds, At: []int64{row.At}, Count: []uint64{row.Count}, Sum: []float64{row.Sum}, Counts: row.Counts})
		}
	}
	return out, nil
}

// everyKind is a day of series of every kind. Much of it is zero, which the store keeps in another way, some came late and twice, and bounds change.
func everyKind(t *testing.T, day time.Time) *store.DB {
	t.Helper()
	db := storetest.Open(t)
	at := fmt.Sprintf("toDateTime64('%s', 9, 'UTC')", day.Format(time.DateTime))
	stretch := `INSERT INTO %s (series_id, time, count, min, max, sum, first, last) SELECT series_id, toStartOfInterval(time, INTERVAL %d SECOND, 'UTC') AS t, count(), min(value), max(value),
		sum(value), argMin(value, time), argMax(value, time) FROM metric_samples GROUP BY series_id, t`
	for _, query := range []string{
		`INSERT INTO metric_series (day, series_id, environment, service, instance, name, kind, scope, attributes) SELECT toDate(` + at + `), s.1, '` + toolstest.Environment + `', s.2, 'i', s.3, s.4, s.5, s.6 FROM (
			SELECT arrayJoin([(toUInt64(1), 'cart', 'jobs.done', 'sum_delta', 'lib', map('a', '1')), (2, 'cart', 'jobs.done', 'sum_delta', '', map('a', '1', 'service', 'x')), (3, 'cart', 'jobs.done', 'sum_delta', 'lib', map('a', '1')),
				(4, 'cart', 'level', 'gauge', '', map()), (5, 'cart', 'total', 'sum_cumulative', '', map('b.c', '2')), (6, 'stock', 'total', 'sum_cumulative', '', map()),
				(7, 'cart', 'sizes', 'histogram_delta', '', map('le', '2')), (8, 'cart', 'expo', 'exponential_cumulative', '', map())]) AS s)`,
		`INSERT INTO metric_samples (series_id, time, value) SELECT 1 + number % 6 AS s, ` + at + ` + intDiv(number, 6) * 10, multiIf(s < 5, if(number % 11 < 9, 0, number % 7), intDiv(number, 60)) FROM numbers(6 * 8640)`,
		`INSERT INTO metric_samples (series_id, time, value) SELECT 1 + number % 6 AS s, ` + at + ` + intDiv(number, 6) * 20 - 5, multiIf(s < 5, 0, intDiv(number, 30)) FROM numbers(6, 6 * 4000)`,
		fmt.Sprintf(stretch, "metric_minutes", 60), fmt.Sprintf(stretch, "metric_ten_minutes", 600),
		`INSERT INTO metric_minutes (series_id, time, count, min, max, sum, first, last) SELECT series_id, time, 1, -7, 99, 3, 1, 2 FROM metric_minutes WHERE toMinute(time) % 3 = 0`,
		`INSERT INTO histograms (series_id, time, count, sum, bounds, counts) SELECT 7, ` + at + ` + number * 10, 6, if(number % 9 < 8, 0, 5), if(number < 3000, [1, 2], [1, 3]), [1, 2, 3] FROM numbers(8640)`,
		`INSERT INTO exponential_histograms (series_id, time, count, sum, scale, zero_count, positive_offset, positive_counts, negative_counts) SELECT 8, ` + at + ` + number * 10, 10 * number, number, 1, number, 1, [number, 2 * number], [] FROM numbers(8640)`,
		`OPTIMIZE TABLE metric_samples FINAL`, `OPTIMIZE TABLE histograms FINAL`,
	} {
		if err := db.Exec(t.Context(), query); err != nil {
			t.Fatalf("%.120s: %v", query, err)
		}
	}
	return db
}

// TestReadingInBlocksIsReadingRowByRow asks the same of both.
func TestReadingInBlocksIsReadingRowByRow(t *testing.T) {
	day := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -2)
	db := everyKind(t, day)
	engine := promql.New()
	for stretch, window := range map[int]time.Duration{0: 3 * time.Hour, 60: 15 * time.Hour} {
		for _, expression := range []string{
			`rate(jobs_done[5m])`, `sum by (otel_scope_name, exported_service) (increase(jobs_done[10m]))`, `level`, `max_over_time(level[7m])`, `rate(total{b_c="2"}[5m])`,
			`sum(rate({__name__=~"total|jobs_done"}[5m])) by (service)`, `increase(total{service="stock"}[1h] offset 1h)`, `rate(sizes_bucket{le="2"}[5m])`, `histogram_quantile(0.5, rate(sizes_bucket[5m]))`,
			`rate(sizes_sum[5m]) / rate(sizes_count[5m])`, `{__name__=~"sizes_.*"}`, `rate(expo_bucket[5m])`, `sum_over_time(level[30m:1m])`, `level{service="none"}`,
		} {
			ask := func(plain bool) promql.Answer {
				source := tools.Metrics(db, tools.Scope{Environment: toolstest.Environment})
				if plain {
					source = plainly{source, db, stretch}
				}
				at := promql.Range{From: day.Add(4 * time.Hour), To: day.Add(4*time.Hour + window), Step: window / 100}
				a, err := engine.Evaluate(t.Context(), source, expression, at)
				if err != nil {
					t.Fatalf("%s: %v", expression, err)
				}
				return a
			}
			want, got := ask(true), ask(false)
			if len(want.Series) == 0 && expression != `level{service="none"}` {
				t.Errorf("%s: no answer to compare with", expression)
			}
			near, warned := cmpopts.EquateApprox(1e-12, math.SmallestNonzeroFloat64), cmpopts.IgnoreFields(promql.Answer{}, "Warnings") // come in any order
			if diff := cmp.Diff(want, got, near, warned); diff != "" {
				t.Errorf("%s over %s (-row by row +in blocks):\n%.2000s", expression, window, diff)
			}
		}
	}
}
