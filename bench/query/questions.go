package main

import (
	"encoding/hex"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/midwatch/midwatch/bench/load"
)

// question is asked of both sides; the answers have the same columns, each a string or a number.
type question struct {
	name         string
	what         string // in words
	ours, theirs string // with the parameters from, to (whole seconds), service, trace
	about        bool   // fractions may differ a little: quantiles are estimates
}

// nothing is the question whose answer takes only the way there and back. It is no figure: it says how much of the others is that.
func nothing() question {
	return question{name: "nothing", what: "a question about no table", ours: "SELECT 1", theirs: "SELECT 1"}
}

// questions are asked about the hour of the load.
func questions() []question {
	return []question{
		{
			name: "rare_word", what: "the newest 100 log lines with a word that one in 100,000 has",
			ours: `SELECT toUnixTimestamp64Nano(time) AS t, service, body FROM logs
				WHERE environment = 'production' AND time >= {from:DateTime64(9)} AND time < {to:DateTime64(9)} AND hasToken(lower(body), 'haystack')
				ORDER BY time DESC LIMIT 100`,
			theirs: `SELECT toUnixTimestamp64Nano(Timestamp) AS t, ServiceName, Body FROM otel_logs
				WHERE Timestamp >= {from:DateTime64(9)} AND Timestamp < {to:DateTime64(9)} AND hasToken(lower(Body), 'haystack')
				ORDER BY Timestamp DESC LIMIT 100`,
		},
		{
			name: "common_words", what: "how many log lines have two words that are in many",
			ours: `SELECT count() FROM logs
				WHERE environment = 'production' AND time >= {from:DateTime64(9)} AND time < {to:DateTime64(9)} AND hasToken(lower(body), 'timeout') AND hasToken(lower(body), 'replica')`,
			theirs: `SELECT count() FROM otel_logs
				WHERE Timestamp >= {from:DateTime64(9)} AND Timestamp < {to:DateTime64(9)} AND hasToken(lower(Body), 'timeout') AND hasToken(lower(Body), 'replica')`,
		},
		{
			name: "substring", what: "how many log lines have a piece of text that is no word",
			ours: `SELECT count() FROM logs
				WHERE environment = 'production' AND time >= {from:DateTime64(9)} AND time < {to:DateTime64(9)} AND body LIKE '%eout repl%'`,
			theirs: `SELECT count() FROM otel_logs
				WHERE Timestamp >= {from:DateTime64(9)} AND Timestamp < {to:DateTime64(9)} AND Body LIKE '%eout repl%'`,
		},
		{
			name: "errors", what: "the last 100 errors of a service",
			ours: `SELECT toUnixTimestamp64Nano(time) AS t, severity_text, body FROM logs
				WHERE environment = 'production' AND service = {service:String} AND severity >= 17 AND time >= {from:DateTime64(9)} AND time < {to:DateTime64(9)}
				ORDER BY time DESC LIMIT 100`,
			theirs: `SELECT toUnixTimestamp64Nano(Timestamp) AS t, SeverityText, Body FROM otel_logs
				WHERE ServiceName = {service:String} AND SeverityNumber >= 17 AND Timestamp >= {from:DateTime64(9)} AND Timestamp < {to:DateTime64(9)}
				ORDER BY Timestamp DESC LIMIT 100`,
		},
		{
			name: "trace", what: "a trace by its id",
			ours: `SELECT toUnixTimestamp64Nano(time) AS t, service, name, duration_ns, span_id AS id FROM spans
				WHERE environment = 'production' AND trace = unhex({trace:String}) ORDER BY t, id`,
			theirs: `WITH (SELECT min(Start) FROM otel_traces_trace_id_ts WHERE TraceId = {trace:String}) AS a,
				(SELECT max(End) + 1 FROM otel_traces_trace_id_ts WHERE TraceId = {trace:String}) AS b
				SELECT toUnixTimestamp64Nano(Timestamp) AS t, ServiceName, SpanName, Duration, SpanId AS id FROM otel_traces
				WHERE TraceId = {trace:String} AND Timestamp >= a AND Timestamp <= b ORDER BY t, id`,
		},
		{
			name: "p99", what: "p99 per minute of what a service answered", about: true,
			ours: `SELECT toUnixTimestamp(minute) AS t, toFloat64(quantilesTDigestMerge(0.5, 0.95, 0.99)(duration)[3]) AS p99 FROM request_minutes
				WHERE environment = 'production' AND service = {service:String} AND minute >= {from:DateTime64(9)} AND minute < {to:DateTime64(9)}
				GROUP BY t ORDER BY t`,
			theirs: `SELECT toUnixTimestamp(toStartOfMinute(Timestamp)) AS t, toFloat64(quantile(0.99)(Duration)) AS p99 FROM otel_traces
				WHERE ServiceName = {service:String} AND SpanKind = 'Server' AND Timestamp >= {from:DateTime64(9)} AND Timestamp < {to:DateTime64(9)}
				GROUP BY t ORDER BY t`,
		},
		{
			name: "slowest", what: "the ten slowest spans",
			ours: `SELECT duration_ns, service, name, trace_id FROM spans
				WHERE environment = 'production' AND time >= {from:DateTime64(9)} AND time < {to:DateTime64(9)} ORDER BY duration_ns DESC LIMIT 10`,
			theirs: `SELECT Duration, ServiceName, SpanName, TraceId FROM otel_traces
				WHERE Timestamp >= {from:DateTime64(9)} AND Timestamp < {to:DateTime64(9)} ORDER BY Duration DESC LIMIT 10`,
		},
		{
			name: "severities", what: "log lines by severity and minute",
			ours: `SELECT toUnixTimestamp(toStartOfMinute(time)) AS t, severity_text, count() FROM logs
				WHERE environment = 'production' AND time >= {from:DateTime64(9)} AND time < {to:DateTime64(9)} GROUP BY t, severity_text ORDER BY t, severity_text`,
			theirs: `SELECT toUnixTimestamp(toStartOfMinute(Timestamp)) AS t, SeverityText, count() FROM otel_logs
				WHERE Timestamp >= {from:DateTime64(9)} AND Timestamp < {to:DateTime64(9)} GROUP BY t, SeverityText ORDER BY t, SeverityText`,
		},
	}
}

// parameters are those of a question's nth time: another service and trace each time.
func parameters(l load.Load, n int) []any {
	trace := l.Trace(n * 7919 % (l.Spans / 10))
	return []any{
		clickhouse.DateNamed("from", l.Start.UTC(), clickhouse.NanoSeconds),
		clickhouse.DateNamed("to", l.Start.Add(l.Span+time.Minute).UTC(), clickhouse.NanoSeconds),
		clickhouse.Named("service", load.Service(n%5)), clickhouse.Named("trace", hex.EncodeToString(trace[:])),
	}
}
