package tools

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Limits of every query a tool runs; a question that needs more is the wrong question.
var limits = clickhouse.Settings{
	"max_execution_time":   20,
	"max_memory_usage":     800 << 20,
	"max_result_rows":      50_000,
	"result_overflow_mode": "throw",
}

// reader runs the tools' queries.
type reader struct{ db Store }

// param is one named parameter of a query. Values are bound by the server, never written into the SQL.
type param struct {
	name  string
	value any
}

// in names the parameters every query has: whose telemetry may be seen, and its window.
func in(scope Scope, w window) []param {
	return []param{
		{"environment", scope.Environment}, {"namespaces", append([]string{}, scope.Namespaces...)}, {"from", w.From}, {"to", w.To},
	}
}

// compared adds the baseline's.
func compared(scope Scope, w windows) []param {
	return append(in(scope, w.window), param{"baseline_from", w.BaselineFrom}, param{"baseline_to", w.BaselineTo},
		param{"tail_from", w.tailFrom()})
}

// query runs sql with params and returns its rows and the text that people see.
func query[Row any](ctx context.Context, db Store, sql string, params []param) ([]Row, string, error) {
	args := make([]any, len(params))
	for i, p := range params {
		if t, ok := p.value.(time.Time); ok {
			p.value = t.UTC()
		}
		if ids, ok := p.value.(seriesIDs); ok {
			p.value = ids.text()
		}
		args[i] = driver.NamedValue{Name: p.name, Value: p.value}
	}
	var rows []Row
	if err := db.Select(clickhouse.Context(ctx, clickhouse.WithSettings(limits)), &rows, sql, args...); err != nil {
		return nil, "", fmt.Errorf("query telemetry: %w", away(err))
	}
	return rows, textOf(sql, params), nil
}

// read runs sql with params, which are times and numbers, and calls each with every block of the result in the columns of into. It returns the text
// that people see.
func read(ctx context.Context, db Store, sql string, params []param, into proto.Results, each func() error) (string, error) {
	values := make(map[string]any, len(params))
	for _, p := range params {
		switch v := p.value.(type) {
		case time.Time:
			values[p.name] = v.UTC().Format("2006-01-02 15:04:05.999999999")
		case seriesIDs:
			values[p.name] = v.text()
		default:
			values[p.name] = v
		}
	}
	settings := maps.Clone(limits)
	delete(settings, "max_result_rows") // each counts
	if err := db.Read(ctx, sql, values, settings, into, each); err != nil {
		return "", fmt.Errorf("query telemetry: %w", away(err))
	}
	return textOf(sql, params), nil
}

// textOf is a query as people see it.
func textOf(sql string, params []param) string {
	shown := make([]string, 0, len(params)+1)
	for _, p := range params {
		value := fmt.Sprint(p.value)
		switch v := p.value.(type) {
		case time.Time:
			value = v.UTC().Format(time.RFC3339Nano)
		case seriesIDs:
			value = v.shown()
		}
		shown = append(shown, fmt.Sprintf("-- %s = %s", p.name, value))
	}
	return strings.Join(append(shown, strings.TrimSpace(sql)), "\n")
}

// Fragments shared by the queries over spans.
const (
	spanAddress  = `concat(replaceOne(attributes['server.address'], '::ffff:', ''), ':', attributes['server.port'])`
	spanProtocol = `multiIf(attributes['db.system.name'] != '', attributes['db.system.name'],
        attributes['http.request.method'] != '', 'http', attributes['rpc.system'] != '', attributes['rpc.system'],
        attributes['messaging.system'] != '', attributes['messaging.system'], attributes['dns.question.name'] != '', 'dns', startsWith(name, 'CONNECT '), 'tcp', 'other')`
	spanCode = `coalesce(nullIf(attributes['db.response.status_code'], ''), nullIf(attributes['http.response.status_code'], ''), attributes['rpc.grpc.status_code'])`
	// Which window a row is in: 0 healthy, 1 fault, 2 the last third of the fault window.
	windowOf = `multiIf(time >= {tail_from:DateTime64(9,'UTC')} AND time < {to:DateTime64(9,'UTC')}, 2,
        time >= {from:DateTime64(9,'UTC')} AND time < {to:DateTime64(9,'UTC')}, 1, 0)`
	// Whose spans, logs and events a caller may see. Without namespaces the server drops the second condition before it reads a row; with
	// them it looks into each distinct resource once.
	inScope     = `environment = {environment:String} AND (empty({namespaces:Array(String)}) OR has({namespaces:Array(String)}, ` + namespaceOf + `))`
	inWindow    = inScope + inTime
	inEither    = inScope + inTimes
	namespaceOf = `simpleJSONExtractString(resource_json, 'k8s.namespace.name')`
	inTime      = ` AND time >= {from:DateTime64(9,'UTC')} AND time < {to:DateTime64(9,'UTC')}`
	inTimes     = `
    AND (time >= {from:DateTime64(9,'UTC')} AND time < {to:DateTime64(9,'UTC')}
      OR time >= {baseline_from:DateTime64(9,'UTC')} AND time < {baseline_to:DateTime64(9,'UTC')})`
	// Durations as a histogram of logarithmic bins, eight per doubling: groups can be merged, quantiles are right to 5%.
	durationBins = `(sumMap([toInt16(round(log2(greatest(duration_ns, 1)) * 8))], [toUInt64(1)]) AS histogram).1 AS bins,
        histogram.2 AS bin_counts`
)
