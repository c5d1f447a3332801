package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/tools/result"
)

const (
	// The slowest match of each trace, then how many spans those traces have. 200 candidates, because a trace may match often.
	searchTracesSQL = `
WITH found AS (
    SELECT trace, argMax(tuple(span, time, service, toString(kind), name, peer_service, instance, duration_ns, toString(status), ` + spanCode + `, status_message),
                            (duration_ns, span)) AS slowest,
           slowest.8 AS ns, count() AS matches, sum(matches) OVER () AS matched
    FROM spans
    WHERE trace != '' AND ({service:String} = '' OR service = {service:String}) AND ({operation:String} = '' OR name = {operation:String})
      AND duration_ns >= {min_ns:UInt64} AND ({max_ns:UInt64} = 0 OR duration_ns <= {max_ns:UInt64})
      AND ({status:String} = '' OR ({status:String} = 'error') = (status = 'error'))
      AND ({attribute:String} = '' OR attributes[{attribute:String}] = {value:String} AND mapContains(attributes, {attribute:String}))
      AND ` + inWindow + `
    GROUP BY trace
    ORDER BY ns DESC, trace
    LIMIT {limit:UInt32}
)
SELECT lower(hex(trace)) AS trace_id, lower(hex(slowest.1)) AS span_id, slowest.2 AS time, slowest.3 AS service, slowest.4 AS side, slowest.5 AS name, slowest.6 AS peer,
       slowest.7 AS instance, ns, slowest.9 AS status, slowest.10 AS code, slowest.11 AS message, matches, matched, all.n AS n
FROM found
LEFT JOIN (SELECT trace, count() AS n FROM spans WHERE trace IN (SELECT trace FROM found) AND ` + inWindow + ` GROUP BY trace) AS all USING trace
ORDER BY ns DESC, trace`

	maxTraces = 50
)

type searchTracesArguments struct {
	window
	Service   string  `json:"service"`
	Operation string  `json:"operation"`
	MinMS     float64 `json:"min_ms"`
	MaxMS     float64 `json:"max_ms"`
	Status    string  `json:"status"`
	Attribute string  `json:"attribute"`
	Value     string  `json:"value"`
	Limit     int     `json:"limit"`
}

func (a searchTracesArguments) validate() error {
	switch {
	case a.MinMS < 0 || a.MaxMS < 0 || a.MaxMS > 0 && a.MaxMS < a.MinMS:
		return fmt.Errorf("%w: min_ms and max_ms are milliseconds, min_ms the smaller", ErrArguments)
	case a.Status != "" && a.Status != "error" && a.Status != "ok":
		return fmt.Errorf("%w: status is error or ok", ErrArguments)
	case a.Attribute == "" && a.Value != "":
		return fmt.Errorf("%w: value needs the attribute that has it", ErrArguments)
	case a.Limit < 0 || a.Limit > maxTraces:
		return fmt.Errorf("%w: limit is at most %d", ErrArguments, maxTraces)
	}
	return a.window.validate()
}

type foundRow struct {
	TraceID   string    `ch:"trace_id"`
	SpanID    string    `ch:"span_id"`
	Time      time.Time `ch:"time"`
	Service   string    `ch:"service"`
	Side      string    `ch:"side"`
	Operation string    `ch:"name"`
	Peer      string    `ch:"peer"`
	Instance  string    `ch:"instance"`
	NS        uint64    `ch:"ns"`
	Status    string    `ch:"status"`
	Code      string    `ch:"code"`
	Message   string    `ch:"message"`
	Matches   uint64    `ch:"matches"`
	Matched   uint64    `ch:"matched"`
	N         uint64    `ch:"n"`
}

func (r reader) searchTraces() Tool {
	return Tool{
		Name: "search_traces",
		Description: "Single traces by service, operation, duration, status or one attribute, slowest first: ids for the tool trace. " +
			"failing_spans and slow_spans group the same spans and compare them with healthy time.",
		Schema: schema(false, map[string]any{
			"service": text("only spans of this service"), "operation": text("only spans of exactly this name, such as GET /items/{id}"),
			"min_ms":    map[string]any{"type": "number", "minimum": 0, "description": "only spans that took at least this long"},
			"max_ms":    map[string]any{"type": "number", "minimum": 0, "description": "only spans that took at most this long"},
			"status":    map[string]any{"type": "string", "enum": []string{"", "error", "ok"}, "description": "only spans that failed, or did not"},
			"attribute": text("only spans that have this attribute, such as db.collection.name …"), "value": text("… with exactly this value"),
			"limit": map[string]any{"type": "integer", "minimum": 1, "maximum": maxTraces, "description": "traces to list, 20 if left out"},
		}),
		DataTypes: []investigation.DataType{investigation.Traces},
		Cost:      2,
		Run:       r.runSearchTraces,
		Control:   controlWindow,
	}
}

func (r reader) runSearchTraces(ctx context.Context, scope Scope, arguments json.RawMessage) (Result, error) {
	a, err := decode[searchTracesArguments](arguments)
	if err != nil {
		return Result{}, err
	}
	if a.Limit == 0 {
		a.Limit = 20
	}
	params := append(in(scope, a.window), param{"service", a.Service}, param{"operation", a.Operation}, param{"min_ns", uint64(a.MinMS * 1e6)},
		param{"max_ns", uint64(a.MaxMS * 1e6)}, param{"status", a.Status}, param{"attribute", a.Attribute}, param{"value", a.Value}, param{"limit", a.Limit})
	rows, text, err := query[foundRow](ctx, r.db, searchTracesSQL, params)
	if err != nil {
		return Result{}, err
	}
	out := result.TraceSearch{Traces: make([]result.FoundTrace, 0, len(rows))}
	for _, row := range rows {
		out.Matched = row.Matched
		out.Traces = append(out.Traces, result.FoundTrace{
			TraceID: row.TraceID, SpanID: row.SpanID, Time: row.Time.UTC(), Service: row.Service, Side: row.Side, Operation: row.Operation,
			Peer: row.Peer, Instance: row.Instance, DurationMS: round(float64(row.NS) / 1e6), Status: row.Status, Code: row.Code,
			Message: row.Message, Matches: row.Matches, Spans: row.N,
		})
	}
	return Result{
		Summary: fmt.Sprintf("%d spans match; the slowest of %d traces are listed", out.Matched, len(out.Traces)), Query: text, Window: a.public(), Data: out,
	}, nil
}
