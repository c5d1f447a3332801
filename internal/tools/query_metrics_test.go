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

// metered is 85 s of metrics of every kind, a point each 5 s.
func metered(t *testing.T) *store.DB {
	t.Helper()
	var points []toolstest.Metric
	var histograms []toolstest.Histogram
	add := func(at time.Time, name, kind, service string, value float64, attributes map[string]string) {
		points = append(points, toolstest.Metric{
			Time: at, Env: toolstest.Environment, Service: service, Instance: service + "/1", Host: "node-1", Name: name, Kind: kind, Value: value, Attributes: attributes,
		})
	}
	db := storetest.Open(t)
	for s := 0; s <= 90; s += 5 {
		at := start.Add(time.Duration(s) * time.Second)
		add(at, "process.memory.usage", "gauge", "cart", float64(1000+s), nil)
		add(at, "process.memory.usage", "gauge", "payment", 500, nil)
		add(at, "midwatch.export.records", "sum_cumulative", "midwatch-exporter", float64(20*s), map[string]string{"outcome": "sent"})
		add(at, "jobs.done", "sum_delta", "cart", 10, map[string]string{"service": "queue-a", "job.kind": "mail"})
		for bound, below := range map[string]int{"0.1": 12, "0.5": 18, "+Inf": 20} { // as Prometheus writes a histogram
			add(at, "checkout_seconds_bucket", "sum_cumulative", "cart", float64(below*s), map[string]string{"le": bound})
		}
		histograms = append(histograms, toolstest.Histogram{
			Metric: toolstest.Metric{
				Time: at, Env: toolstest.Environment, Service: "cart", Instance: "cart/1", Host: "node-1", Name: "http.server.request.duration",
				Kind: "histogram_delta", Attributes: map[string]string{"http.route": "/cart", "le": "its own"},
			},
			Unit: "s", Count: 100, Sum: 30, Bounds: []float64{0.1, 0.5}, Counts: []uint64{60, 30, 10},
		})
	}
	toolstest.WriteHistograms(t, db, histograms)
	toolstest.WriteMetrics(t, db, points)
	return db
}

func TestQueryMetrics(t *testing.T) {
	r := tools.All(metered(t))
	for expression, want := range map[string]struct {
		labels string // of the first series
		series int
		mean   float64
	}{
		`process_memory_usage`:                                                                        {"process_memory_usage cart cart/1 node-1", 2, 1045},
		`{"process.memory.usage", service="payment"}`:                                                 {"process.memory.usage payment payment/1 node-1", 1, 500},
		`sum(process_memory_usage{service=~"cart|payment"})`:                                          {"", 1, 1545},
		`max by (service) (process_memory_usage) > 600`:                                               {" cart", 1, 1045},
		`rate(midwatch_export_records{outcome="sent"}[30s])`:                                          {"", 1, 20},
		`rate(jobs_done{job_kind="mail"}[30s])`:                                                       {"", 1, 2},
		`rate(jobs_done{exported_service="queue-a"}[30s])`:                                            {"", 1, 2},
		`rate(http_server_request_duration_count[30s])`:                                               {"", 1, 20},
		`histogram_quantile(0.6, rate(http_server_request_duration_bucket{http_route="/cart"}[30s]))`: {"", 1, 0.1},
		`rate(http_server_request_duration_sum[30s]) / rate(http_server_request_duration_count[30s])`: {"", 1, 0.3},
		`rate(http_server_request_duration_bucket{le="0.1",exported_le="its own"}[30s])`:              {"", 1, 12},
		`histogram_quantile(0.6, sum by (le) (rate(checkout_seconds_bucket[30s])))`:                   {"", 1, 0.1},
		`rate(checkout_seconds_bucket{le="0.5"}[30s])`:                                                {"", 1, 18},
		`1 + 1`: {"", 1, 2},
	} {
		t.Run(expression, func(t *testing.T) {
			window := map[string]any{"expression": expression, "from": start.Add(40 * time.Second), "to": end.Add(-40 * time.Second), "step_s": 5}
			if strings.Contains(expression, "memory") {
				window["from"], window["to"] = start, end
			}
			got := run[result.MetricQuery](t, r, toolstest.Environment, "query_metrics", during(window))
			if len(got.Series) != want.series {
				t.Fatalf("%d series, want %d: %+v", len(got.Series), want.series, got)
			}
			first := got.Series[0]
			if math.Abs(first.Mean-want.mean) > want.mean/1000 {
				t.Errorf("mean %v, want %v", first.Mean, want.mean)
			}
			l := first.Labels
			if name := strings.TrimSpace(strings.Join([]string{l["__name__"], l["service"], l["instance"], l["host"]}, " ")); want.labels != "" && name != strings.TrimSpace(want.labels) {
				t.Errorf("labels %v, want %s", l, want.labels)
			}
		})
	}
}

// What is wrong with an expression is said where it is wrong.
func TestWrongExpressions(t *testing.T) {
	tool, err := tools.All(metered(t)).Get("query_metrics")
	if err != nil {
		t.Fatal(err)
	}
	for expression, want := range map[string]string{
		`sum(process_memory_usage`:   "1:25",
		`rate(process_memory_usage)`: "expected type range vector",
		`process_memory_usage[5m]`:   "range",
	} {
		_, err := tool.Run(t.Context(), tools.Scope{Environment: toolstest.Environment}, during(map[string]any{"expression": expression}))
		if !errors.Is(err, tools.ErrNoAnswer) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", expression, err, want)
		}
	}
}

// The name of a histogram is that of none of its series, which are named.
func TestAHistogramIsItsSeries(t *testing.T) {
	got := run[result.MetricQuery](t, tools.All(metered(t)), toolstest.Environment, "query_metrics", during(map[string]any{"expression": "http_server_request_duration"}))
	if text := fmt.Sprint(got); !strings.Contains(text, "http_server_request_duration{_bucket,_sum,_count}") {
		t.Error(text)
	}
}

// A name that nobody sent is answered with those like it. It is no error: of healthy time that may be the answer.
func TestUnknownMetrics(t *testing.T) {
	r := tools.All(metered(t))
	for environment, want := range map[string]string{toolstest.Environment: "like it are process_memory_usage", "another": "0 others were"} {
		for _, expression := range []string{`process_memory_used`, `sum(memory_usage{service="cart"}) > 1`} {
			got := run[result.MetricQuery](t, r, environment, "query_metrics", during(map[string]any{"expression": expression}))
			if len(got.Series) != 0 || len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], want) {
				t.Errorf("%s in %s: %+v", expression, environment, got)
			}
		}
	}
}

// A metric that is sent no more is there for a range that reaches back to it.
func TestARangeReachesBack(t *testing.T) {
	db := storetest.Open(t)
	var points []toolstest.Metric
	for s := range 10 {
		points = append(points, toolstest.Metric{Time: start.Add(time.Duration(s)*time.Minute - time.Hour), Env: toolstest.Environment, Service: "cart", Name: "jobs.done", Kind: "sum_cumulative", Value: float64(s)})
	}
	toolstest.WriteMetrics(t, db, points)
	r := tools.All(db)
	if got := run[result.MetricQuery](t, r, toolstest.Environment, "query_metrics", during(map[string]any{"expression": "last_over_time(jobs_done[2h])"})); len(got.Series) != 1 || got.Series[0].Max != 9 {
		t.Errorf("got %+v", got)
	}
	if got := run[result.MetricQuery](t, r, toolstest.Environment, "query_metrics", during(map[string]any{"expression": "jobs_done"})); len(got.Series) != 0 || len(got.Warnings) != 1 {
		t.Errorf("got %+v", got)
	}
}

// An expression over too much is refused before it is read; of many series the highest are listed.
func TestQueryMetricsIsBounded(t *testing.T) {
	db := storetest.Open(t)
	var points []toolstest.Metric
	for i := range 120 {
		points = append(points, toolstest.Metric{
			Time: start, Env: toolstest.Environment, Service: "cart", Instance: fmt.Sprint(i), Name: "process.memory.usage", Kind: "gauge", Value: float64(i),
		})
	}
	toolstest.WriteMetrics(t, db, points)
	r := tools.All(db)
	got := run[result.MetricQuery](t, r, toolstest.Environment, "query_metrics", during(map[string]any{"expression": "process_memory_usage"}))
	if len(got.Series) != 50 || got.Omitted != 70 || got.Series[0].Max != 119 {
		t.Errorf("%d series, %d omitted", len(got.Series), got.Omitted)
	}
	for _, query := range []string{
		"INSERT INTO metric_series (day, series_id, environment, service, instance, name, kind) SELECT toDate(?), number, ?, 'cart', toString(number), 'much', 'gauge' FROM numbers(2000)",
		"INSERT INTO metric_samples (series_id, time, value) SELECT number % 2000, toDateTime64(?, 9, 'UTC') + number % 80, 1 FROM numbers(1600000) WHERE ? != ''",
	} {
		if err := db.Exec(t.Context(), query, start, toolstest.Environment); err != nil {
			t.Fatal(err)
		}
	}
	tool, err := r.Get("query_metrics")
	if err != nil {
		t.Fatal(err)
	}
	_, err = tool.Run(t.Context(), tools.Scope{Environment: toolstest.Environment}, during(map[string]any{"expression": "sum(much)"}))
	if !errors.Is(err, tools.ErrNoAnswer) || !strings.Contains(err.Error(), "1600000 points") {
		t.Errorf("got %v", err)
	}
}

func TestListMetrics(t *testing.T) {
	r := tools.All(metered(t))
	got := run[result.Metrics](t, r, toolstest.Environment, "list_metrics", during(nil))
	byName := map[string]result.Metric{}
	for _, m := range got.Metrics {
		byName[m.Name] = m
	}
	if len(byName) != 5 || got.Omitted != 0 {
		t.Fatalf("got %+v", got)
	}
	if m := byName["http_server_request_duration"]; m.Kind != "histogram" || m.Unit != "s" || m.Stored != "http.server.request.duration" || fmt.Sprint(m.Labels) != "[http_route le]" {
		t.Errorf("histogram: %+v", m)
	}
	if m := byName["process_memory_usage"]; m.Kind != "gauge" || fmt.Sprint(m.Services) != "[cart payment]" || m.Points != 36 {
		t.Errorf("gauge: %+v", m)
	}
	if some := run[result.Metrics](t, r, toolstest.Environment, "list_metrics", during(map[string]any{"text": "memory_usage", "service": "cart"})); len(some.Metrics) != 1 {
		t.Errorf("by name: %+v", some)
	}
}
