package ingest

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// logColumns is rows of the table logs.
type logColumns struct {
	record
	delay                     []int64
	severity, flags           []uint8
	severityText, event, body []string
}

func (c *logColumns) chunk(d day) *chunk {
	return c.record.chunk("logs", d,
		tableColumn{"observed_delay_ns", c.delay},
		tableColumn{"severity", c.severity},
		tableColumn{"severity_text", c.severityText},
		tableColumn{"event_name", c.event},
		tableColumn{"body", c.body},
		tableColumn{"trace_flags", c.flags})
}

func (r *rows) addLogs(ld plog.Logs) {
	for _, rl := range ld.ResourceLogs().All() {
		res := r.resource(rl.Resource())
		for _, sl := range rl.ScopeLogs().All() {
			for _, l := range sl.LogRecords().All() {
				r.addLog(res, sl.Scope(), l)
			}
		}
	}
}

func (r *rows) addLog(res *resource, scope pcommon.InstrumentationScope, l plog.LogRecord) {
	if eventOf(l) == telemetry.EventObject {
		r.addObject(res, l)
		return
	}
	at, observed, ok := r.logTimes(l)
	if !ok {
		return
	}
	event := eventOf(l)
	attrs, size := r.attributes(l.Attributes(), "", nil)
	body := l.Body().AsString()
	if !r.admit(res, size+len(body)+len(l.SeverityText())+len(event)) {
		return
	}
	c := on(&r.logs, at)
	c.add(at, res, scope, attrs, r.id)
	c.delay = append(c.delay, observed.Sub(at).Nanoseconds())
	c.flags = append(c.flags, uint8(l.Flags()))
	c.severity = append(c.severity, severity(l.SeverityNumber()))
	c.severityText = append(c.severityText, l.SeverityText())
	c.event = append(c.event, event)
	c.body = append(c.body, body)
	c.trace = append(c.trace, traceID(l.TraceID()))
	c.span = append(c.span, spanID(l.SpanID()))
}

// eventOf is the name of the event that a record is, if it is one: its own field, or the attribute of old.
func eventOf(l plog.LogRecord) string {
	if name := l.EventName(); name != "" {
		return name
	}
	if v, ok := l.Attributes().Get(telemetry.EventName); ok {
		return v.AsString()
	}
	return ""
}

// logTimes follows OTLP: a record without a time happened when it was observed, and without either, now.
func (r *rows) logTimes(l plog.LogRecord) (at, observed time.Time, ok bool) {
	now := pcommon.NewTimestampFromTime(r.now)
	ts, seen := l.Timestamp(), l.ObservedTimestamp()
	if seen == 0 {
		seen = now
	}
	if ts == 0 {
		ts = seen
	}
	if at, ok = r.at(ts); !ok {
		return at, observed, false
	}
	observed, ok = r.at(seen)
	return at, observed, ok
}

func severity(n plog.SeverityNumber) uint8 {
	if n < plog.SeverityNumberUnspecified || n > plog.SeverityNumberFatal4 {
		return 0
	}
	return uint8(n)
}
