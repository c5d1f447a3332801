package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/tools/result"
)

const (
	traceSQL = `
SELECT time, duration_ns, service, instance, toString(kind) AS side, name, peer_service AS peer, toString(status) AS status, error_type,
       ` + spanCode + ` AS code, status_message AS message, attributes['db.query.text'] AS statement, span_id, parent_span_id
FROM spans
WHERE trace = unhex(leftPad({trace_id:String}, 32, '0')) AND ` + inWindow + `
ORDER BY time, duration_ns DESC, span
LIMIT 5000`

	// traceMargin is how far a trace may reach out of the window it was seen in.
	traceMargin = 10 * time.Minute
	// maxTraceSpans is how many spans of a trace are listed.
	maxTraceSpans = 200
)

type traceArguments struct {
	window
	TraceID string `json:"trace_id"`
}

var traceID = regexp.MustCompile(`^[0-9a-f]{16,32}$`)

func (a traceArguments) validate() error {
	if !traceID.MatchString(a.TraceID) {
		return fmt.Errorf("%w: trace_id is required, in lower-case hex as search_traces, failing_spans and slow_spans name it", ErrArguments)
	}
	return a.window.validate()
}

type traceRow struct {
	Time       time.Time `ch:"time"`
	DurationNS uint64    `ch:"duration_ns"`
	Service    string    `ch:"service"`
	Instance   string    `ch:"instance"`
	Side       string    `ch:"side"`
	Name       string    `ch:"name"`
	Peer       string    `ch:"peer"`
	Status     string    `ch:"status"`
	ErrorType  string    `ch:"error_type"`
	Code       string    `ch:"code"`
	Message    string    `ch:"message"`
	Statement  string    `ch:"statement"`
	SpanID     string    `ch:"span_id"`
	Parent     string    `ch:"parent_span_id"`
}

func (t traceRow) end() time.Time { return t.Time.Add(time.Duration(t.DurationNS)) }

func (r reader) trace() Tool {
	return Tool{
		Name: "trace",
		Description: "One trace as a waterfall: its spans with parent, offset, duration and status, and on which of them the time was spent (the critical path). " +
			"Only spans that are proved to belong together share a trace; many traces have one span.",
		Schema: schema(false, map[string]any{
			"trace_id": text("the trace, required; the window is one it was seen in, spans up to ten minutes around it belong to it"),
		}),
		DataTypes: []investigation.DataType{investigation.Traces},
		Cost:      2,
		Run: func(ctx context.Context, scope Scope, arguments json.RawMessage) (Result, error) {
			a, err := decode[traceArguments](arguments)
			if err != nil {
				return Result{}, err
			}
			around := window{From: a.From.Add(-traceMargin), To: a.To.Add(traceMargin)}
			rows, text, err := query[traceRow](ctx, r.db, traceSQL, append(in(scope, around), param{"trace_id", a.TraceID}))
			if err != nil {
				return Result{}, err
			}
			t := waterfall(a.TraceID, rows)
			return Result{Summary: traceSummary(t), Query: text, Window: a.public(), Data: t}, nil
		},
		// The same trace is not in healthy time.
		Control: func(json.RawMessage, investigation.Window) (json.RawMessage, bool) { return nil, false },
	}
}

func traceSummary(t result.Trace) string {
	if t.Total == 0 {
		return "no span of this trace was recorded"
	}
	s := fmt.Sprintf("%d spans, %.4g ms", t.Total, t.DurationMS)
	if len(t.Critical) > 0 {
		s += fmt.Sprintf(", %.0f%% of the critical path in %s", 100*t.Critical[0].Share, t.Critical[0].Service)
	}
	if t.Omitted > 0 {
		s += fmt.Sprintf("; %d spans are not listed", t.Omitted)
	}
	return s
}
