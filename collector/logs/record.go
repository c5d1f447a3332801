package logs

import (
	"encoding/hex"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// record is one line, or several that belong together.
type record struct {
	text  string
	end   int64     // offset after it in its file
	at    time.Time // when it was read
	empty bool      // an empty line: only the position moves
}

// staleTime is how far a line's own time may be from the time it was read to be believed.
const staleTime = 24 * time.Hour

// fill writes the record into an empty one.
func (r record) fill(into plog.LogRecord) {
	fields := parse(r.text)
	into.Body().SetStr(r.text)
	into.SetObservedTimestamp(pcommon.NewTimestampFromTime(r.at))
	into.SetTimestamp(pcommon.NewTimestampFromTime(r.at))
	if !fields.time.IsZero() && fields.time.Sub(r.at).Abs() < staleTime && !fields.time.After(r.at.Add(time.Minute)) {
		into.SetTimestamp(pcommon.NewTimestampFromTime(fields.time))
	}
	if fields.level != "" {
		into.SetSeverityText(fields.level)
		into.SetSeverityNumber(severityOf(fields.level))
	}
	a := into.Attributes()
	for _, f := range fields.rest {
		switch f.key {
		case "trace_id", "traceID", "traceId":
			var id pcommon.TraceID
			if n, err := hex.Decode(id[:], []byte(clipTo(f.value, 32))); err == nil && n == 16 {
				into.SetTraceID(id)
				continue
			}
		case "span_id", "spanID", "spanId":
			var id pcommon.SpanID
			if n, err := hex.Decode(id[:], []byte(clipTo(f.value, 16))); err == nil && n == 8 {
				into.SetSpanID(id)
				continue
			}
		}
		a.PutStr(f.key, f.value)
	}
}

func clipTo(s string, n int) string { return s[:min(n, len(s))] }
