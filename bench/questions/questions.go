// Package questions has the everyday questions that the benches of queries and of the schema ask, in the form for Midwatch's tables and in
// that for the tables of OpenTelemetry's ClickHouse exporter.
package questions

import (
	"encoding/hex"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/midwatch/midwatch/bench/load"
)

// Question is asked of both sides; the answers have the same columns, each a string or a number.
type Question struct {
	Name         string
	What         string // in words
	Ours, Theirs string // with the parameters from, to (whole seconds), service, trace, piece
	About        bool   // fractions may differ a little: quantiles are estimates
	// Newest, if not 0, is how many of the newest rows are wanted: of our tables it is asked in widening windows, as store.Newest does.
	Newest int
}

// All are asked about the hour of a load.
func All() []Question {
	return []Question{
		{
			Name: "rare_word", What: "the newest 100 log lines with a word that one in 100,000 has",
			Ours: `SELECT toUnixTimestamp64Nano(time) AS t, service, body FROM logs PREWHERE has(words, 'haystack')
				WHERE environment = 'production' AND time >= {from:DateTime64(9)} AND time < {to:DateTime64(9)} AND hasToken(lower(body), 'haystack')
				ORDER BY time DESC LIMIT 100`,
			Theirs: `SELECT toUnixTimestamp64Nano(Timestamp) AS t, ServiceName, Body FROM otel_logs
				WHERE Timestamp >= {from:DateTime64(9)} AND Timestamp < {to:DateTime64(9)} AND hasToken(lower(Body), 'haystack')
				ORDER BY Timestamp DESC LIMIT 100`,
		},
		{
			Name: "common_words", What: "the newest 100 log lines with two words that each is in a quarter of them", Newest: 100,
			Ours: `SELECT toUnixTimestamp64Nano(time) AS t, service, body FROM logs
				WHERE environment = 'production' AND time >= {from:DateTime64(9)} AND time < {to:DateTime64(9)} AND hasToken(lower(body), 'timeout') AND hasToken(lower(body), 'replica')
				ORDER BY time DESC LIMIT 100`,
			Theirs: `SELECT toUnixTimestamp64Nano(Timestamp) AS t, ServiceName, Body FROM otel_logs
				WHERE Timestamp >= {from:DateTime64(9)} AND Timestamp < {to:DateTime64(9)} AND hasToken(lower(Body), 'timeout') AND hasToken(lower(Body), 'replica')
				ORDER BY Timestamp DESC LIMIT 100`,
		},
		{
			Name: "substring", What: "the newest 100 log lines with a piece of a request's id",
			Ours: `SELECT toUnixTimestamp64Nano(time) AS t, service, body FROM logs PREWHERE body LIKE concat('%', {piece:String}, '%')
				WHERE environment = 'production' AND time >= {from:DateTime64(9)} AND time < {to:DateTime64(9)} AND hasAll(grams, ngrams({piece:String}, 6))
				ORDER BY time DESC LIMIT 100`,
			Theirs: `SELECT toUnixTimestamp64Nano(Timestamp) AS t, ServiceName, Body FROM otel_logs
				WHERE Timestamp >= {from:DateTime64(9)} AND Timestamp < {to:DateTime64(9)} AND Body LIKE concat('%', {piece:String}, '%')
				ORDER BY Timestamp DESC LIMIT 100`,
		},
		{
			Name: "errors", What: "the last 100 errors of a service", Newest: 100,
			Ours: `SELECT toUnixTimestamp64Nano(time) AS t, severity_text, body FROM logs
				WHERE environment = 'production' AND service = {service:String} AND severity >= 17 AND time >= {from:DateTime64(9)} AND time < {to:DateTime64(9)}
				ORDER BY time DESC LIMIT 100`,
			Theirs: `SELECT toUnixTimestamp64Nano(Timestamp) AS t, SeverityText, Body FROM otel_logs
				WHERE ServiceName = {service:String} AND SeverityNumber >= 17 AND Timestamp >= {from:DateTime64(9)} AND Timestamp < {to:DateTime64(9)}
				ORDER BY Timestamp DESC LIMIT 100`,
		},
		{
			Name: "trace", What: "a trace by its id",
			Ours: `SELECT toUnixTimestamp64Nano(time) AS t, service, name, duration_ns, span_id AS id FROM spans
				WHERE environment = 'production' AND trace = unhex({trace:String}) ORDER BY t, id`,
			Theirs: `WITH (SELECT min(Start) FROM otel_traces_trace_id_ts WHERE TraceId = {trace:String}) AS a,
				(SELECT max(End) + 1 FROM otel_traces_trace_id_ts WHERE TraceId = {trace:String}) AS b
				SELECT toUnixTimestamp64Nano(Timestamp) AS t, ServiceName, SpanName, Duration, SpanId AS id FROM otel_traces
				WHERE TraceId = {trace:String} AND Timestamp >= a AND Timestamp <= b ORDER BY t, id`,
		},
		{
			Name: "p99", What: "p99 per minute of what a service answered", About: true,
			// What is read is few granules: to look at the conditions before the sketches are read costs more than it saves.
			Ours: `SELECT toUnixTimestamp(minute) AS t, toFloat64(quantilesDDMerge(0.01, 0.5, 0.95, 0.99)(duration)[3]) AS p99 FROM service_minutes
				WHERE environment = 'production' AND service = {service:String} AND minute >= {from:DateTime64(9)} AND minute < {to:DateTime64(9)}
				GROUP BY t ORDER BY t SETTINGS optimize_move_to_prewhere = 0`,
			Theirs: `SELECT toUnixTimestamp(toStartOfMinute(Timestamp)) AS t, toFloat64(quantile(0.99)(Duration)) AS p99 FROM otel_traces
				WHERE ServiceName = {service:String} AND SpanKind = 'Server' AND Timestamp >= {from:DateTime64(9)} AND Timestamp < {to:DateTime64(9)}
				GROUP BY t ORDER BY t`,
		},
		{
			Name: "slowest", What: "the ten slowest spans",
			Ours: `SELECT toUInt64(-s.1) AS duration_ns, s.4 AS service, s.5 AS name, lower(hex(s.2)) AS trace_id
				FROM (SELECT arrayJoin(groupArraySortedMerge(10)(slowest)) AS s FROM slowest_minutes
					WHERE environment = 'production' AND minute >= {from:DateTime64(9)} AND minute < {to:DateTime64(9)})`,
			Theirs: `SELECT Duration, ServiceName, SpanName, TraceId FROM otel_traces
				WHERE Timestamp >= {from:DateTime64(9)} AND Timestamp < {to:DateTime64(9)} ORDER BY Duration DESC LIMIT 10`,
		},
		{
			Name: "severities", What: "log lines by severity and minute",
			Ours: `SELECT toUnixTimestamp(minute) AS t, severity_text, sum(lines) FROM log_minutes
				WHERE environment = 'production' AND minute >= {from:DateTime64(9)} AND minute < {to:DateTime64(9)} GROUP BY t, severity_text ORDER BY t, severity_text`,
			Theirs: `SELECT toUnixTimestamp(toStartOfMinute(Timestamp)) AS t, SeverityText, count() FROM otel_logs
				WHERE Timestamp >= {from:DateTime64(9)} AND Timestamp < {to:DateTime64(9)} GROUP BY t, SeverityText ORDER BY t, SeverityText`,
		},
	}
}

// Nothing needs no table: what an answer takes at least.
func Nothing() Question {
	return Question{Name: "nothing", What: "a question about no table", Ours: "SELECT 1", Theirs: "SELECT 1"}
}

// Parameters are those of a question's nth time: another service, trace and piece of an id each time.
func Parameters(from, to time.Time, n int, trace [16]byte, piece string) []any {
	return []any{
		clickhouse.DateNamed("from", from.UTC(), clickhouse.NanoSeconds),
		clickhouse.DateNamed("to", to.UTC(), clickhouse.NanoSeconds),
		clickhouse.Named("service", load.Service(n%5)), clickhouse.Named("trace", hex.EncodeToString(trace[:])), clickhouse.Named("piece", piece),
	}
}
