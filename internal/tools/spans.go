package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/tools/result"
)

// spanGroupsSQL groups spans for which the condition holds; %s is one of the two constants below.
const (
	spanGroupsHead = `
SELECT service, toString(kind) AS side, peer_service AS peer, ` + spanAddress + ` AS address, name, error_type, ` + spanCode + ` AS code,
        status_message AS message, countIf(` + inFault + `) AS n, countIf(NOT (` + inFault + `)) AS before,
        quantileExactIf(0.5)(duration_ns, ` + inFault + `) / 1e6 AS p50_ms, maxIf(duration_ns, ` + inFault + `) / 1e6 AS max_ms,
        minIf(time, ` + inFault + `) AS first, maxIf(time, ` + inFault + `) AS last,
        arraySlice(arraySort(groupArrayIf(200)((time, trace, span, instance, duration_ns), ` + inFault + `)), 1, 3) AS s,
        arrayMap(x -> x.1, s) AS sample_times, arrayMap(x -> if(x.2 = '', '', lower(hex(x.2))), s) AS sample_traces, arrayMap(x -> lower(hex(x.3)), s) AS sample_spans,
        arrayMap(x -> x.4, s) AS sample_instances, arrayMap(x -> x.5 / 1e6, s) AS sample_ms
FROM spans
WHERE kind IN ('server', 'client') AND ({service:String} = '' OR service = {service:String}) AND ` + inEither + ` AND `
	spanGroupsTail = `
GROUP BY service, side, peer, address, name, error_type, code, message
HAVING n > 0
ORDER BY n DESC, service, side, peer, address, name, error_type, code, message
LIMIT 100`

	failingSpansSQL = `SELECT * EXCEPT s FROM (` + spanGroupsHead + `status = 'error'` + spanGroupsTail + `)`
	slowSpansSQL    = `SELECT * EXCEPT s FROM (` + spanGroupsHead + `duration_ns >= {threshold_ns:UInt64}` + spanGroupsTail + `)`

	inFault = `time >= {from:DateTime64(9,'UTC')} AND time < {to:DateTime64(9,'UTC')}`
)

type spanGroupRow struct {
	Service   string      `ch:"service"`
	Side      string      `ch:"side"`
	Peer      string      `ch:"peer"`
	Address   string      `ch:"address"`
	Name      string      `ch:"name"`
	ErrorType string      `ch:"error_type"`
	Code      string      `ch:"code"`
	Message   string      `ch:"message"`
	N         uint64      `ch:"n"`
	Before    uint64      `ch:"before"`
	P50MS     float64     `ch:"p50_ms"`
	MaxMS     float64     `ch:"max_ms"`
	First     time.Time   `ch:"first"`
	Last      time.Time   `ch:"last"`
	Times     []time.Time `ch:"sample_times"`
	Traces    []string    `ch:"sample_traces"`
	Spans     []string    `ch:"sample_spans"`
	Instances []string    `ch:"sample_instances"`
	Durations []float64   `ch:"sample_ms"`
}

type failingArguments struct {
	windows
	Service string `json:"service"`
}

type slowArguments struct {
	failingArguments
	ThresholdMS float64 `json:"threshold_ms"`
}

func (a slowArguments) validate() error {
	if a.ThresholdMS < 0 {
		return fmt.Errorf("%w: threshold_ms must not be negative", ErrArguments)
	}
	return a.failingArguments.validate()
}

func (r reader) failingSpans() Tool {
	return Tool{
		Name:        "failing_spans",
		Description: "Failed requests and calls, grouped by service, peer, operation, code and message, with samples and how often they failed before.",
		Schema:      schema(true, map[string]any{"service": text("only this service; all if left out")}),
		DataTypes:   []investigation.DataType{investigation.Traces},
		Cost:        1,
		Run: func(ctx context.Context, scope Scope, arguments json.RawMessage) (Result, error) {
			a, err := decode[failingArguments](arguments)
			if err != nil {
				return Result{}, err
			}
			return r.spanGroups(ctx, failingSpansSQL, append(compared(scope, a.windows), param{"service", a.Service}), a.windows, 0)
		},
		Control: controlWindows,
	}
}

func (r reader) slowSpans() Tool {
	return Tool{
		Name:        "slow_spans",
		Description: "Requests and calls that took at least threshold_ms (100 if left out), grouped, with samples and how many were as slow before.",
		Schema: schema(true, map[string]any{
			"service":      text("only this service; all if left out"),
			"threshold_ms": map[string]any{"type": "number", "minimum": 0},
		}),
		DataTypes: []investigation.DataType{investigation.Traces},
		Cost:      1,
		Run: func(ctx context.Context, scope Scope, arguments json.RawMessage) (Result, error) {
			a, err := decode[slowArguments](arguments)
			if err != nil {
				return Result{}, err
			}
			if a.ThresholdMS == 0 {
				a.ThresholdMS = 100
			}
			params := append(compared(scope, a.windows), param{"service", a.Service}, param{"threshold_ns", uint64(a.ThresholdMS * 1e6)})
			return r.spanGroups(ctx, slowSpansSQL, params, a.windows, a.ThresholdMS)
		},
		Control: controlWindows,
	}
}

func (r reader) spanGroups(ctx context.Context, sql string, params []param, w windows, thresholdMS float64) (Result, error) {
	rows, text, err := query[spanGroupRow](ctx, r.db, sql, params)
	if err != nil {
		return Result{}, err
	}
	groups := result.SpanGroups{ThresholdMS: thresholdMS, Groups: make([]result.SpanGroup, 0, len(rows))}
	var spans uint64
	for _, row := range rows {
		groups.Groups = append(groups.Groups, row.group(w))
		spans += row.N
	}
	return Result{Summary: fmt.Sprintf("%d spans in %d groups", spans, len(rows)), Query: text, Window: w.public(), Data: groups}, nil
}

func (row spanGroupRow) group(w windows) result.SpanGroup {
	g := result.SpanGroup{
		Service: row.Service, Side: row.Side, Peer: row.Peer, Address: row.Address, Operation: row.Name, ErrorType: row.ErrorType,
		Code: row.Code, Message: row.Message, Count: row.N, Baseline: round(float64(row.Before) * w.seconds() / w.baseline().seconds()),
		P50MS: round(row.P50MS), MaxMS: round(row.MaxMS), First: row.First.UTC(), Last: row.Last.UTC(), Samples: []result.SpanSample{},
	}
	for i := range row.Times {
		g.Samples = append(g.Samples, result.SpanSample{
			Time: row.Times[i].UTC(), TraceID: row.Traces[i], SpanID: row.Spans[i], Instance: row.Instances[i], DurationMS: round(row.Durations[i]),
		})
	}
	return g
}
