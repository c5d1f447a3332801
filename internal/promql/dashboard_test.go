package promql_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/promql"
	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/tools"
)

// A day of 2,000 series, a point each 15 s, of 200 pods of 20 services on 20 nodes: of each pod four counters of requests, memory, CPU, two counts of
// connections and two histograms of latency with twelve bounds. Ids are made as the ingester makes them: of the name, then of the host.
const (
	podsSQL  = `SELECT number AS pod, concat('service-', toString(pod %% 20)) AS service, concat('pod-', toString(pod)) AS instance, concat('node-', toString(intDiv(pod * 7, 10) %% 20)) AS host FROM numbers(200)`
	idSQL    = `bitOr(bitShiftLeft(bitAnd(cityHash64(name), 4095), 52), bitOr(bitShiftLeft(bitAnd(cityHash64(host), 255), 44), bitShiftRight(cityHash64(name, pod, part), 20)))`
	partsSQL = `SELECT * FROM (SELECT arrayJoin([('requests.served', 4, 'sum_cumulative'), ('memory.usage', 1, 'gauge'), ('cpu.usage', 1, 'gauge'), ('connections', 2, 'gauge'), ('request.latency', 2, 'histogram_cumulative')]) AS m,
		m.1 AS name, m.3 AS kind, arrayJoin(range(m.2)) AS part) AS metrics CROSS JOIN (` + podsSQL + `) AS pods`
	daySeriesSQL = `INSERT INTO metric_series (day, series_id, environment, service, instance, host, name, kind, attributes, resource_json)
		SELECT toDate('%[1]s'), ` + idSQL + `, 'prod', service, instance, host, name, kind, map('http.route', concat('/route/', toString(part)), 'http.request.method', 'GET', 'url.scheme', 'https'),
			concat('{"service.name":"', service, '","k8s.pod.name":"', instance, '","k8s.namespace.name":"shop"}') FROM (` + partsSQL + `)`
	hourSQL = `FROM (SELECT *, ` + idSQL + ` AS id FROM (` + partsSQL + `) WHERE kind %[3]s 'histogram_cumulative') AS series
		CROSS JOIN (SELECT number + %[2]d * 240 AS s FROM numbers(240)) AS scrapes`
	atSQL       = `toDateTime64('%[1]s', 9, 'UTC') + toIntervalSecond(s * 15) + toIntervalNanosecond(cityHash64(s, host) %% 20000000)`
	hourSamples = `INSERT INTO metric_samples (series_id, time, value, batch_id) SELECT id, ` + atSQL + `,
		multiIf(kind = 'sum_cumulative', toFloat64(s * (5 + pod %% 17) + cityHash64(intDiv(s, 3), id) %% 5), name = 'memory.usage', 4096. * (20000 + pod * 10 + intDiv(s, 20) + cityHash64(intDiv(s, 7), id) %% 50),
			name = 'cpu.usage', round(0.2 + 0.1 * sin(s / 300 + pod) + (cityHash64(s, id) %% 1000) / 10000, 6), 10. + (pod + intDiv(s, 700)) %% 5),
		cityHash64('batch', s, host) ` + hourSQL
	hourHistograms = `INSERT INTO histograms (series_id, time, count, sum, min, max, bounds, counts, batch_id)
		SELECT id, ` + atSQL + `, arraySum(counts), s * (5 + pod %% 17) * 0.07, nan, nan, [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5],
			arrayMap(b -> toUInt64(s * [1, 2, 5, 9, 14, 10, 6, 4, 2, 1, 1, 1, 1][b] + cityHash64(s, id, b) %% 2), range(1, 14)) AS counts, cityHash64('batch', s, host) ` + hourSQL
	hourStretches = `INSERT INTO %[1]s (series_id, time, count, min, max, sum, first, last)
		SELECT series_id, toStartOfInterval(time, INTERVAL %[2]d SECOND, 'UTC') AS t, count(), min(value), max(value), sum(value), argMin(value, time), argMax(value, time)
		FROM metric_samples WHERE time >= toDateTime64('%[3]s', 9, 'UTC') + %[4]d * 3600 AND time < toDateTime64('%[3]s', 9, 'UTC') + (%[4]d + 1) * 3600 GROUP BY series_id, t`
)

// dayOfDashboards is that day. Its tables are merged, as those of a day before are.
func dayOfDashboards(b *testing.B, hours int) (*store.DB, time.Time) {
	b.Helper()
	db := storetest.Open(b)
	end := time.Now().UTC().Truncate(time.Hour)
	day := end.Add(-time.Duration(hours) * time.Hour)
	at := day.Format(time.DateTime)
	run := func(format string, args ...any) {
		b.Helper()
		if err := db.Exec(b.Context(), fmt.Sprintf(format, args...)); err != nil {
			b.Fatalf("%.200s: %v", format, err)
		}
	}
	run(daySeriesSQL, day.Format(time.DateOnly))
	run(daySeriesSQL, end.Format(time.DateOnly))
	for hour := range hours {
		run(hourSamples, at, hour, "!=")
		run(hourHistograms, at, hour, "=")
		run(hourStretches, "metric_minutes", 60, at, hour)
		run(hourStretches, "metric_ten_minutes", 600, at, hour)
	}
	for _, table := range []string{"metric_series", "metric_samples", "histograms", "metric_minutes", "metric_ten_minutes"} {
		run("OPTIMIZE TABLE %s FINAL", table)
	}
	return db, end
}

// panels are the questions of a dashboard of one service, and of one of all services.
var panels = []struct{ name, expression string }{
	{"service-rate", `sum by (http_route) (rate(requests_served{service="service-7"}[5m]))`},
	{"service-quantile", `histogram_quantile(0.95, sum by (le) (rate(request_latency_bucket{service="service-7"}[5m])))`},
	{"service-mean", `sum(rate(request_latency_sum{service="service-7"}[5m])) / sum(rate(request_latency_count{service="service-7"}[5m]))`},
	{"service-memory", `memory_usage{service="service-7"}`},
	{"service-cpu", `avg_over_time(cpu_usage{service="service-7"}[5m])`},
	{"pod-connections", `connections{instance="pod-7"}`},
	{"all-rate", `sum by (service) (rate(requests_served[5m]))`},
	{"all-memory", `sum by (service) (memory_usage)`},
	{"all-count", `sum by (service) (rate(request_latency_count[5m]))`},
	{"all-quantile", `histogram_quantile(0.95, sum by (le, service) (rate(request_latency_bucket[5m])))`},
}

// BenchmarkDashboard asks each panel for the last hour, six hours and the day, in 200 steps, and prints the median and the 95th percentile.
func BenchmarkDashboard(b *testing.B) {
	db, end := dayOfDashboards(b, 24)
	engine := promql.New()
	for _, window := range []time.Duration{time.Hour, 6*time.Hour - 10*time.Minute, 24 * time.Hour} {
		for _, p := range panels {
			b.Run(fmt.Sprintf("%s/%.0fh", p.name, window.Hours()), func(b *testing.B) {
				var took []float64
				before := spent(b)
				for b.Loop() {
					began := time.Now()
					_, err := engine.Evaluate(b.Context(), tools.Metrics(db, tools.Scope{Environment: "prod"}), p.expression,
						promql.Range{From: end.Add(-window), To: end, Step: (window / 200).Round(time.Second)})
					if err != nil {
						b.Skip(err)
					}
					took = append(took, float64(time.Since(began).Microseconds())/1000)
				}
				slices.Sort(took)
				b.ReportMetric(took[len(took)/2], "ms-p50")
				b.ReportMetric(took[len(took)*95/100], "ms-p95")
				b.ReportMetric(float64((spent(b)-before).Milliseconds())/float64(len(took)), "cpu-ms")
			})
		}
	}
}

// spent is the time on a core of this process and of its children, the store.
func spent(b *testing.B) time.Duration {
	b.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		b.Fatal(err)
	}
	var ticks int64
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it ended
		}
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		own := strconv.Itoa(os.Getpid())
		if fields[1] != own && !strings.HasPrefix(string(text), own+" ") {
			continue
		}
		for _, field := range fields[11:13] {
			n, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				b.Fatal(err)
			}
			ticks += n
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
