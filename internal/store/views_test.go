package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
)

// The columns of the tables that OpenTelemetry's ClickHouse exporter 0.161 makes, in their order; ours say besides that times are in UTC.
var exporterColumns = map[string]string{
	"otel_logs": `Timestamp DateTime64(9, 'UTC'), TraceId String, SpanId String, TraceFlags UInt8, SeverityText LowCardinality(String), SeverityNumber UInt8, ServiceName LowCardinality(String), ` +
		`Body String, ResourceSchemaUrl LowCardinality(String), ResourceAttributes Map(LowCardinality(String), String), ScopeSchemaUrl LowCardinality(String), ScopeName String, ` +
		`ScopeVersion LowCardinality(String), ScopeAttributes Map(LowCardinality(String), String), LogAttributes Map(LowCardinality(String), String), EventName String, ` +
		`__otel_materialized_k8s.cluster.name LowCardinality(String), __otel_materialized_k8s.container.name LowCardinality(String), __otel_materialized_k8s.deployment.name LowCardinality(String), ` +
		`__otel_materialized_k8s.namespace.name LowCardinality(String), __otel_materialized_k8s.node.name LowCardinality(String), __otel_materialized_k8s.pod.name LowCardinality(String), ` +
		`__otel_materialized_k8s.pod.uid LowCardinality(String), __otel_materialized_deployment.environment.name LowCardinality(String)`,
	"otel_traces": `Timestamp DateTime64(9, 'UTC'), TraceId String, SpanId String, ParentSpanId String, TraceState String, SpanName LowCardinality(String), SpanKind LowCardinality(String), ` +
		`ServiceName LowCardinality(String), ResourceAttributes Map(LowCardinality(String), String), ScopeName String, ScopeVersion String, SpanAttributes Map(LowCardinality(String), String), ` +
		`Duration UInt64, StatusCode LowCardinality(String), StatusMessage String, Events.Timestamp Array(DateTime64(9, 'UTC')), Events.Name Array(LowCardinality(String)), ` +
		`Events.Attributes Array(Map(LowCardinality(String), String)), Links.TraceId Array(String), Links.SpanId Array(String), Links.TraceState Array(String), ` +
		`Links.Attributes Array(Map(LowCardinality(String), String))`,
	"otel_traces_trace_id_ts": `TraceId String, Start DateTime('UTC'), End DateTime('UTC')`,
}

func TestViewsHaveTheExportersColumns(t *testing.T) {
	db := storetest.Open(t)
	for view, want := range exporterColumns {
		var got string
		if err := db.QueryRow(t.Context(), `SELECT arrayStringConcat(groupArray(concat(name, ' ', type)), ', ') FROM (
			SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = ? ORDER BY position)`, view).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", view, diff)
		}
	}
}

// What dashboards ask, and the answers of the exporter's own tables for the same telemetry.
var dashboard = map[string]string{
	"SELECT toString(count()) FROM otel_logs WHERE ServiceName = 'cart' AND SeverityText = 'ERROR'":                                                                                                                                                                                                          "3",
	"SELECT toString(groupArray(Body)) FROM (SELECT Body FROM otel_logs WHERE Body ILIKE '%OUT OF%' AND Timestamp >= '2026-11-20 10:00:00' ORDER BY Timestamp LIMIT 1)":                                                                                                                                      "['out of memory 0']",
	"SELECT toString((any(ResourceAttributes['k8s.pod.name']), any(`__otel_materialized_k8s.pod.name`), any(LogAttributes['n']), any(ScopeName))) FROM otel_logs WHERE TraceId = '000102030405060708090a0b0c0d0e0f'":                                                                                         "('cart-1','cart-1','0','slog')",
	"SELECT toString(groupUniqArray(TraceId)) FROM otel_logs WHERE SpanId = ''":                                                                                                                                                                                                                              "['']",
	"SELECT toString((any(SpanKind), any(StatusCode), max(Duration), any(ResourceAttributes['service.name']), any(ScopeVersion))) FROM otel_traces WHERE SpanName = 'GET /'":                                                                                                                                 "('Server','Error',1500000,'cart','1.0')",
	"SELECT toString((SpanKind, StatusCode, ParentSpanId, Events.Name, Events.Attributes[1]['exception.type'], Links.TraceId)) FROM otel_traces WHERE SpanName = 'SET'":                                                                                                                                      "('Client','Unset','0001020304050607',['exception'],'io.EOF',['000102030405060708090a0b0c0d0e0f'])",
	"WITH '000102030405060708090a0b0c0d0e0f' AS id, (SELECT min(Start) FROM otel_traces_trace_id_ts WHERE TraceId = id) AS a, (SELECT max(End) + 1 FROM otel_traces_trace_id_ts WHERE TraceId = id) AS b SELECT toString(count()) FROM otel_traces WHERE TraceId = id AND Timestamp >= a AND Timestamp <= b": "2",
	"SELECT toString(countIf(mapContains(SpanAttributes, 'db.system.name'))) FROM otel_traces WHERE Timestamp BETWEEN '2026-11-20 00:00:00' AND '2026-11-21 00:00:00'":                                                                                                                                       "1",
}

func TestViewsAnswerDashboards(t *testing.T) {
	db := storetest.Open(t)
	for _, insert := range []string{
		`INSERT INTO logs (time, environment, service, severity, severity_text, body, trace, span, scope, attributes, resource_json)
		SELECT toDateTime64('2026-11-20 10:00:00.25', 9, 'UTC') + number, 'prod', 'cart', 17, 'ERROR', concat('out of memory ', toString(number)),
			if(number = 0, unhex('000102030405060708090a0b0c0d0e0f'), ''), if(number = 0, unhex('0001020304050607'), ''), 'slog', map('n', toString(number)), '{"k8s.pod.name":"cart-1"}' FROM numbers(3)`,
		`INSERT INTO spans (time, duration_ns, environment, service, kind, name, status, trace, span, scope, scope_version, resource_json)
		SELECT '2026-11-20 10:00:00', 1500000, 'prod', 'cart', 'server', 'GET /', 'error', unhex('000102030405060708090a0b0c0d0e0f'), unhex('0001020304050607'), 'http', '1.0', '{"service.name":"cart"}'`,
		`INSERT INTO spans (time, duration_ns, environment, service, kind, name, trace, span, parent, attributes, event_times, event_names, event_attributes, link_traces, link_spans, link_states, link_attributes)
		SELECT '2026-11-20 10:00:01', 500000, 'prod', 'cart', 'client', 'SET', unhex('000102030405060708090a0b0c0d0e0f'), unhex('0001020304050608'), unhex('0001020304050607'), map('db.system.name', 'redis'),
			['2026-11-20 10:00:01'], ['exception'], [map('exception.type', 'io.EOF')], [unhex('000102030405060708090a0b0c0d0e0f')], [unhex('0001020304050607')], [''], [map()]`,
	} {
		if err := db.Exec(t.Context(), insert); err != nil {
			t.Fatal(err)
		}
	}
	for query, want := range dashboard {
		var got string
		if err := db.QueryRow(t.Context(), query).Scan(&got); err != nil || got != want {
			t.Errorf("%s\n got %s, %v\nwant %s", query, got, err, want)
		}
	}
}

// TestIndexesAreUsed sees that what readers ask goes by the indexes that are there for it.
func TestIndexesAreUsed(t *testing.T) {
	db := storetest.Open(t)
	for _, insert := range []string{
		"INSERT INTO logs (time, environment, body, trace) SELECT toDateTime64('2026-11-20 10:00:00', 9, 'UTC') + number, 'prod', concat('request ', lower(hex(MD5(toString(number))))), MD5(toString(number)) FROM numbers(5000)",
		"INSERT INTO spans (time, environment, trace, duration_ns) SELECT toDateTime64('2026-11-20 10:00:00', 9, 'UTC') + number / 100, 'prod', MD5(toString(number)), number FROM numbers(50000)",
	} {
		if err := db.Exec(t.Context(), insert); err != nil {
			t.Fatal(err)
		}
	}
	for query, index := range map[string]string{
		"SELECT body FROM logs WHERE hasAll(words, ['absent'])":                                "words_idx",
		"SELECT body FROM logs WHERE has(words, 'absent') AND hasToken(lower(body), 'absent')": "words_idx",
		"SELECT body FROM logs WHERE hasAll(grams, ngrams('absentabsent', 6))":                 "grams_idx",
		"SELECT body FROM logs WHERE trace_id = '00'":                                          "trace_id_idx",
		"SELECT Body FROM otel_logs WHERE TraceId = '00'":                                      "trace_id_idx",
		"SELECT name FROM spans WHERE trace = unhex('00')":                                     "trace_idx",
		"SELECT SpanName FROM otel_traces WHERE TraceId = '00'":                                "trace_id_idx",
		"SELECT min(Start) FROM otel_traces_trace_id_ts WHERE TraceId = '00'":                  "trace_id_idx",
		"SELECT name FROM spans WHERE duration_ns >= 49999":                                    "duration_idx",
	} {
		wantIndex(t, db, query, index)
	}
}

// TestPiecesOfIdsAreIndexedByTheMerge sees that an insert leaves that to it, and that lines are found before and after.
func TestPiecesOfIdsAreIndexedByTheMerge(t *testing.T) {
	db := storetest.Open(t)
	times, body := new(proto.ColDateTime64).WithPrecision(proto.PrecisionNano), new(proto.ColStr)
	for i := range 3000 {
		times.Append(time.Now())
		body.Append(fmt.Sprintf("request %032x", i))
	}
	if err := insert(t, db, "logs", proto.Input{{Name: "time", Data: times}, {Name: "body", Data: body}}); err != nil {
		t.Fatal(err)
	}
	const id = "'00000000000000000000000000000bb7'"
	for _, merged := range []bool{false, true} {
		if merged {
			if err := db.Exec(t.Context(), "OPTIMIZE TABLE logs FINAL"); err != nil {
				t.Fatal(err)
			}
		}
		for index, there := range map[string]bool{"grams_idx": merged, "words_idx": true} {
			if n := count(t, db, "system.data_skipping_indices WHERE database = currentDatabase() AND table = 'logs' AND data_compressed_bytes > 0 AND name = '"+index+"'"); n == 1 != there {
				t.Errorf("merged %v: %s is there %v", merged, index, n == 1)
			}
		}
		if n := count(t, db, "logs WHERE hasAll(grams, ngrams("+id+", 6)) AND body LIKE '%'||"+id+"||'%'"); n != 1 {
			t.Errorf("merged %v: %d lines with the id", merged, n)
		}
	}
}

func wantIndex(t *testing.T, db *store.DB, query, index string) {
	t.Helper()
	var plan string
	explain := "SELECT arrayStringConcat(groupArray(explain), '\n') FROM (EXPLAIN indexes = 1 " + query + " SETTINGS use_skip_indexes_on_data_read = 0)"
	if err := db.QueryRow(t.Context(), explain).Scan(&plan); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	if !strings.Contains(plan, index) {
		t.Errorf("%s does not go by %s:\n%s", query, index, plan)
	}
}
