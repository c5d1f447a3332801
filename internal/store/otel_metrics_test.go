package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/internal/store/storetest"
)

// TestMetricsAsTheExporterHasThem reads the views as dashboards do.
func TestMetricsAsTheExporterHasThem(t *testing.T) {
	db := storetest.Open(t)
	for _, insert := range []string{
		`INSERT INTO metric_series (day, series_id, environment, service, name, unit, kind, monotonic, attributes, resource_json) VALUES
			('2026-11-21', 1, 'prod', 'cart', 'level', 'By', 'gauge', false, {'a': '1'}, '{"service.name":"cart"}'), ('2026-11-21', 2, 'prod', 'cart', 'done', '{job}', 'sum_delta', true, {}, '{}'),
			('2026-11-21', 3, 'prod', 'cart', 'latency', 's', 'histogram_cumulative', false, {}, '{}'), ('2026-11-21', 4, 'prod', 'cart', 'size', 'By', 'exponential_delta', false, {}, '{}'),
			('2026-11-21', 5, 'prod', 'cart', 'rpc', 's', 'summary_quantile', false, {'to': 'db', 'quantile': '0.5'}, '{}'), ('2026-11-21', 6, 'prod', 'cart', 'rpc', 's', 'summary_quantile', false, {'to': 'db', 'quantile': '0.99'}, '{}'),
			('2026-11-21', 7, 'prod', 'cart', 'rpc_count', '', 'summary_count', false, {'to': 'db'}, '{}'), ('2026-11-21', 8, 'prod', 'cart', 'rpc_sum', 's', 'summary_sum', false, {'to': 'db'}, '{}')`,
		`INSERT INTO metric_samples (series_id, time, value) SELECT s, '2026-11-21 12:00:00', v FROM VALUES('s UInt64, v Float64', (1, 1.5), (2, 3), (5, 0.1), (6, 0.9), (7, 10), (8, 2.5))`,
		`INSERT INTO histograms (series_id, time, count, sum, min, max, bounds, counts) VALUES (3, '2026-11-21 12:00:00', 3, 0.6, nan, 0.4, [0.1, 0.5], [1, 2, 0])`,
		`INSERT INTO exemplars (series_id, time, exemplar_time, value, trace, span, attributes) VALUES
			(1, '2026-11-21 12:00:00', '2026-11-21 11:59:58', 1.25, unhex('0102030405060708090a0b0c0d0e0f10'), unhex('1112131415161718'), {'user': 'b'}),
			(1, '2026-11-21 12:00:00', '2026-11-21 11:59:57', 1.75, '', '', {}), (1, '2026-11-21 12:01:00', '2026-11-21 12:00:57', 9, '', '', {}),
			(3, '2026-11-21 12:00:00', '2026-11-21 11:59:59', 0.3, '', '', {})`,
		`INSERT INTO exponential_histograms (series_id, time, count, sum, scale, zero_count, positive_offset, positive_counts, negative_counts) VALUES (4, '2026-11-21 12:00:00', 15, 9, 0, 5, 1, [1, 2], [3, 4])`,
	} {
		if err := db.Exec(t.Context(), insert); err != nil {
			t.Fatal(err)
		}
	}
	for query, want := range map[string]string{
		"SELECT toString((Exemplars.TimeUnix, Exemplars.Value, Exemplars.TraceId, Exemplars.SpanId, Exemplars.FilteredAttributes)) FROM otel_metrics_gauge":          "(['2026-11-21 11:59:57','2026-11-21 11:59:58'],[1.75,1.25],['','0102030405060708090a0b0c0d0e0f10'],['','1112131415161718'],[{},{'user':'b'}])",
		"SELECT toString((Exemplars.Value, BucketCounts)) FROM otel_metrics_histogram":                                                                               "([0.3],[1,2,0])",
		"SELECT toString((Exemplars.Value, Value)) FROM otel_metrics_sum":                                                                                            "([],3)",
		"SELECT toString((Exemplars.Value, Count)) FROM otel_metrics_exponential_histogram":                                                                          "([],15)",
		"SELECT toString((MetricName, MetricUnit, Attributes, ResourceAttributes, TimeUnix, Value)) FROM otel_metrics_gauge":                                         "('level','By',{'a':'1'},{'service.name':'cart'},'2026-11-21 12:00:00',1.5)",
		"SELECT toString((ServiceName, MetricName, Value, AggregationTemporality, IsMonotonic)) FROM otel_metrics_sum":                                               "('cart','done',3,1,true)",
		"SELECT toString((MetricName, Count, Sum, BucketCounts, ExplicitBounds, Min, Max, AggregationTemporality)) FROM otel_metrics_histogram":                      "('latency',3,0.6,[1,2,0],[0.1,0.5],0,0.4,2)",
		"SELECT toString((MetricName, Count, Scale, ZeroCount, PositiveOffset, PositiveBucketCounts, NegativeBucketCounts)) FROM otel_metrics_exponential_histogram": "('size',15,0,5,1,[1,2],[3,4])",
		"SELECT toString((MetricName, MetricUnit, Attributes, Count, Sum, ValueAtQuantiles.Quantile, ValueAtQuantiles.Value)) FROM otel_metrics_summary":             "('rpc','s',{'to':'db'},10,2.5,[0.5,0.99],[0.1,0.9])",
		"SELECT toString((bounds, counts)) FROM exponential_histograms":                                                                                              "([-2,-1,2,4,8],[4,3,5,1,2,0])",
	} {
		if diff := cmp.Diff([]string{want}, answers(t, db, query)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
}
