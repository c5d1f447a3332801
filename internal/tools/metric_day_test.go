package tools_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/toolstest"
)

// A day of 2,000 series of 20 nodes, a point each 5 s: shares of a core, memory in pages, counters, numbers that rarely change. The points of a
// node's scrape have one time, which is not quite on time, and come in one request.
const (
	daySeries = `INSERT INTO metric_series (day, series_id, environment, service, instance, host, name, kind)
SELECT toDate('%[1]s'), bitOr(bitShiftLeft(toUInt64(name_n), 52), bitOr(bitShiftLeft(bitAnd(cityHash64(intDiv(number, 100)), 255), 44), bitShiftRight(cityHash64(number), 20))), '%[2]s', concat('service-', toString(intDiv(number %% 100, 4))), concat('pod-', toString(intDiv(number, 4))),
       concat('node-', toString(intDiv(number, 100))), concat('metric.', toString(number %% 4 AS name_n)), if(name_n = 2, 'sum_cumulative', 'gauge') FROM numbers(2000)`
	dayHour = `INSERT INTO %[3]s (series_id, time, value, batch_id)
SELECT bitOr(bitShiftLeft(toUInt64(k %% 4), 52), bitOr(bitShiftLeft(bitAnd(cityHash64(intDiv(k, 100)), 255), 44), bitShiftRight(cityHash64(k), 20))),
       toDateTime64('%[1]s', 9, 'UTC') + toIntervalSecond(s * 5) + toIntervalNanosecond(cityHash64(s, intDiv(k, 100)) %% 20000000),
       [round(0.2 + 0.1 * sin(s / 300 + k) + (cityHash64(s, k) %% 1000) / 10000, 6), 4096. * (20000 + k * 10 + intDiv(s, 20) + cityHash64(intDiv(s, 7), k) %% 50), toFloat64(s * (k %% 17) * 5 + cityHash64(intDiv(s, 3), k) %% 20), 10. + (k + intDiv(s, 700)) %% 5][1 + k %% 4],
       cityHash64('batch', s, intDiv(k, 100))
FROM (SELECT number %% 2000 AS k, intDiv(number, 2000) + %[2]d * 720 AS s FROM numbers(1440000))`
	dayStretches = `INSERT INTO %[1]s (series_id, time, count, min, max, sum, first, last)
SELECT series_id, toStartOfInterval(time, INTERVAL %[2]d SECOND, 'UTC') AS t, count(), min(value), max(value), sum(value), argMin(value, time), argMax(value, time)
FROM metric_samples WHERE time >= toDateTime64('%[3]s', 9, 'UTC') + %[4]d * 3600 AND time < toDateTime64('%[3]s', 9, 'UTC') + (%[4]d + 1) * 3600 GROUP BY series_id, t`
)

func must(b testing.TB, db *store.DB, query string) {
	b.Helper()
	if err := db.Exec(b.Context(), query); err != nil {
		b.Fatalf("%.200s: %v", query, err)
	}
}

func perRow(b testing.TB, db *store.DB, table string) float64 {
	b.Helper()
	must(b, db, "OPTIMIZE TABLE "+table+" FINAL")
	var n float64
	if err := db.QueryRow(b.Context(), "SELECT sum(bytes_on_disk) / sum(rows) FROM system.parts WHERE active AND database = currentDatabase() AND table = ?", table).Scan(&n); err != nil {
		b.Fatal(err)
	}
	return n
}

// BenchmarkDayOfMetrics prints what a day of metrics takes on disk, and how long a dashboard waits for its four panels. Run it with -benchtime 1x.
func BenchmarkDayOfMetrics(b *testing.B) {
	db := storetest.Open(b)
	day := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -1)
	at := day.Format(time.DateTime)
	must(b, db, fmt.Sprintf(daySeries, at, toolstest.Environment))
	for hour := range 24 {
		must(b, db, fmt.Sprintf(dayHour, at, hour, "metric_samples"))
		must(b, db, fmt.Sprintf(dayStretches, "metric_minutes", 60, at, hour))
		must(b, db, fmt.Sprintf(dayStretches, "metric_ten_minutes", 600, at, hour))
	}
	for _, table := range []string{"metric_samples", "metric_minutes", "metric_ten_minutes", "metric_series"} {
		b.ReportMetric(perRow(b, db, table), "B/"+table)
	}
	registry := tools.All(db)
	tool, err := registry.Get("query_metrics")
	if err != nil {
		b.Fatal(err)
	}
	for name, window := range map[string][2]time.Duration{"hour": {22 * time.Hour, 23 * time.Hour}, "day": {0, 23 * time.Hour}} {
		var took []time.Duration
		for range 9 {
			began := time.Now()
			for _, e := range []string{
				`sum(metric_0{service="service-7"})`, `max by (instance) (metric_1{service="service-7"})`, `sum(rate(metric_2{service="service-7"}[5m]))`, `avg_over_time(metric_3{service="service-7"}[5m])`,
			} {
				arguments, err := json.Marshal(map[string]any{"expression": e, "from": day.Add(window[0]), "to": day.Add(window[1]), "step_s": (window[1] - window[0]).Seconds() / 200})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := tool.Run(b.Context(), tools.Scope{Environment: toolstest.Environment}, arguments); err != nil {
					b.Fatal(e, err)
				}
			}
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Milliseconds()), "ms/dashboard-"+name)
	}
}
