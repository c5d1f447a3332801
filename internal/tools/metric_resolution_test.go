package tools_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/result"
	"github.com/midwatch/midwatch/internal/tools/toolstest"
)

// downsampled is a day of samples, ten seconds apart, with what is kept of them for longer but for the last hour.
func downsampled(t *testing.T, day time.Time) *store.DB {
	t.Helper()
	db := storetest.Open(t)
	stretch := `INSERT INTO %s (series_id, time, count, min, max, sum, first, last)
		SELECT series_id, toStartOfInterval(time, INTERVAL %d SECOND, 'UTC') AS t, count(), min(value), max(value), sum(value), argMin(value, time), argMax(value, time)
		FROM metric_samples WHERE time < toDateTime64('%s', 9, 'UTC') + 82800 GROUP BY series_id, t`
	at := day.UTC().Format(time.DateTime)
	for _, query := range []string{
		fmt.Sprintf(`INSERT INTO metric_series (day, series_id, environment, service, name, kind) SELECT toDate('%s'), number, '%s', 'cart', ['level', 'total', 'more'][number], ['gauge', 'sum_cumulative', 'sum_delta'][number] FROM numbers(1, 3)`, at, toolstest.Environment),
		fmt.Sprintf(`INSERT INTO metric_samples (series_id, time, value) SELECT 1 + number %% 3 AS s, toDateTime64('%s', 9, 'UTC') + intDiv(number, 3) * 10, [50 + intDiv(number, 3) %% 40, intDiv(number, 3) * 20, 20][s] FROM numbers(8640 * 3)`, at),
		fmt.Sprintf(stretch, "metric_minutes", 60, at),
		fmt.Sprintf(stretch, "metric_ten_minutes", 600, at),
	} {
		if err := db.Exec(t.Context(), query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	return db
}

// TestLongWindowsAreAnsweredAlike asks the same of samples, of minutes and of ten minutes.
func TestLongWindowsAreAnsweredAlike(t *testing.T) {
	day := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -2)
	db := downsampled(t, day)
	r := tools.All(db)
	ask := func(expression string) []result.MetricPoint {
		t.Helper()
		got := run[result.MetricQuery](t, r, toolstest.Environment, "query_metrics", during(map[string]any{
			"expression": expression, "from": day.Add(2 * time.Hour), "to": day.Add(24 * time.Hour), "step_s": 1800,
		}))
		if len(got.Series) != 1 {
			t.Fatalf("%s: %d series", expression, len(got.Series))
		}
		return got.Series[0].Points
	}
	expressions := []string{"rate(total[1h])", "rate(more[1h])", "max_over_time(level[1h])", "min_over_time(level[1h])", "increase(total[2h])", "level > 0"}
	drop := []string{"", "metric_samples", "metric_minutes"}
	tolerance := []float64{0, 0.01, 0.08} // at most half of a stretch is missing at each end of an hour
	answers := map[string][]result.MetricPoint{}
	for i, table := range drop {
		if table != "" { // the days before the last hours are gone
			if err := db.Exec(t.Context(), fmt.Sprintf("ALTER TABLE %s DELETE WHERE time < toDateTime64('%s', 9, 'UTC') + 82800 SETTINGS mutations_sync = 1", table, day.Format(time.DateTime))); err != nil {
				t.Fatal(err)
			}
		}
		for _, e := range expressions {
			points := ask(e)
			if i == 0 {
				answers[e] = points
			}
			if len(points) != len(answers[e]) {
				t.Fatalf("%s without %s: %d points, want %d", e, table, len(points), len(answers[e]))
			}
			for j, p := range points {
				if want := answers[e][j].Value; e != "level > 0" && math.Abs(p.Value-want) > tolerance[i]*math.Abs(want) {
					t.Errorf("%s without %s at %s: %v, want %v", e, table, p.Time, p.Value, want)
				}
			}
		}
	}
	if points := answers["rate(total[1h])"]; math.Abs(points[0].Value-2) > 0.04 {
		t.Errorf("the rate is %v, want 2", points[0].Value)
	}
}

// TestTooManySeriesAreNotCutOff: a sum of some of them would be wrong without a word.
func TestTooManySeriesAreNotCutOff(t *testing.T) {
	db := storetest.Open(t)
	at := start.UTC().Format(time.DateTime)
	const many = 20_400
	for _, query := range []string{
		fmt.Sprintf(`INSERT INTO metric_series (day, series_id, environment, service, instance, name, kind) SELECT toDate('%s'), number, '%s', if(number %% 2 = 0, 'even', 'odd'), toString(number), 'crowd', 'gauge' FROM numbers(%d)`, at, toolstest.Environment, many),
		fmt.Sprintf(`INSERT INTO metric_samples (series_id, time, value) SELECT number, toDateTime64('%s', 9, 'UTC') + 10, 1 FROM numbers(%d)`, at, many),
	} {
		if err := db.Exec(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	r := tools.All(db)
	tool, err := r.Get("query_metrics")
	if err != nil {
		t.Fatal(err)
	}
	question := map[string]any{"expression": "sum(crowd)", "from": start, "to": start.Add(time.Minute), "step_s": 30}
	if _, err := tool.Run(t.Context(), tools.Scope{Environment: toolstest.Environment}, during(question)); !errors.Is(err, tools.ErrNoAnswer) || !strings.Contains(err.Error(), "more than 20000 series") {
		t.Errorf("a sum of %d series: %v", many, err)
	}
	question["expression"] = `sum(crowd{service="odd"})`
	if got := run[result.MetricQuery](t, r, toolstest.Environment, "query_metrics", during(question)); len(got.Series) != 1 || got.Series[0].Max != many/2 {
		t.Errorf("a sum of %d series: %+v", many/2, got)
	}
}
