package ingest

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// spanColumns is rows of the table spans.
type spanColumns struct {
	record
	duration                                    []uint64
	version, name, peer, statusMessage, errType []string
	kind, status                                []int8
	parent, state                               []string
	events                                      spanEvents
	links                                       spanLinks
}

func (c *spanColumns) chunk(d day) *chunk {
	return c.record.chunk("spans", d, append(append(c.events.columns(), c.links.columns()...),
		tableColumn{"duration_ns", c.duration},
		tableColumn{"service_version", c.version},
		tableColumn{"kind", c.kind},
		tableColumn{"name", c.name},
		tableColumn{"peer_service", c.peer},
		tableColumn{"status", c.status},
		tableColumn{"status_message", c.statusMessage},
		tableColumn{"error_type", c.errType},
		tableColumn{"parent", c.parent},
		tableColumn{"trace_state", c.state})...)
}

func (r *rows) addTraces(td ptrace.Traces) {
	for _, rs := range td.ResourceSpans().All() {
		res := r.resource(rs.Resource())
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				r.addSpan(res, ss.Scope(), s)
			}
		}
	}
}

func (r *rows) addSpan(res *resource, scope pcommon.InstrumentationScope, s ptrace.Span) {
	start, ok := r.at(s.StartTimestamp())
	if !ok {
		return
	}
	if s.EndTimestamp() < s.StartTimestamp() {
		r.tally.reject(endsBeforeStart)
		return
	}
	if _, ok := r.at(s.EndTimestamp()); !ok {
		return
	}
	if s.TraceID().IsEmpty() || s.SpanID().IsEmpty() {
		r.tally.reject(idMissing)
		return
	}
	var peer, errType string
	attrs, size := r.attributes(s.Attributes(), "", func(key, value string) {
		switch key {
		case telemetry.PeerService:
			peer = value
		case telemetry.ErrorType:
			errType = value
		}
	})
	size += r.addException(attrs, s.Events())
	if !r.admit(res, size+len(s.Name())+len(s.Status().Message())) {
		return
	}
	c := on(&r.spans, start)
	c.add(start, res, scope, attrs, r.id)
	c.duration = append(c.duration, uint64(s.EndTimestamp()-s.StartTimestamp()))
	c.version = append(c.version, res.version)
	c.kind = append(c.kind, spanKind(s.Kind()))
	c.name = append(c.name, s.Name())
	c.peer = append(c.peer, peer)
	c.status = append(c.status, spanStatus(s.Status().Code()))
	c.statusMessage = append(c.statusMessage, s.Status().Message())
	c.errType = append(c.errType, errType)
	c.trace = append(c.trace, traceID(s.TraceID()))
	c.span = append(c.span, spanID(s.SpanID()))
	c.parent = append(c.parent, spanID(s.ParentSpanID()))
	c.state = append(c.state, s.TraceState().AsRaw())
	c.events.add(r, s.Events())
	c.links.add(r, s.Links())
}

// addException copies what an instrumented program says about an error to where it is looked for.
func (r *rows) addException(attrs *attributes, events ptrace.SpanEventSlice) int {
	for _, e := range events.All() {
		if e.Name() == "exception" {
			more, size := r.attributes(e.Attributes(), "", nil)
			*attrs = append(*attrs, *more...)
			return size
		}
	}
	return 0
}

// spanKind and spanStatus equal the numbers of the tables' enums; what is unknown becomes unspecified, unset.
func spanKind(k ptrace.SpanKind) int8 {
	if k < ptrace.SpanKindUnspecified || k > ptrace.SpanKindConsumer {
		return 0
	}
	return int8(k)
}

func spanStatus(s ptrace.StatusCode) int8 {
	if s < ptrace.StatusCodeUnset || s > ptrace.StatusCodeError {
		return 0
	}
	return int8(s)
}
