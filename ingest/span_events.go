package ingest

import (
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"
)

// spanEvents is what spans say happened during them: columns of arrays.
type spanEvents struct {
	times [][]time.Time
	names [][]string
	attrs [][]*attributes
}

func (c *spanEvents) add(r *rows, events ptrace.SpanEventSlice) {
	var times []time.Time
	var names []string
	var attrs []*attributes
	for _, e := range events.All() {
		a, _ := r.attributes(e.Attributes(), "", nil)
		times, names, attrs = append(times, e.Timestamp().AsTime()), append(names, e.Name()), append(attrs, a)
	}
	c.times, c.names, c.attrs = append(c.times, times), append(c.names, names), append(c.attrs, attrs)
}

func (c *spanEvents) columns() []tableColumn {
	return []tableColumn{{"event_times", c.times}, {"event_names", c.names}, {"event_attributes", c.attrs}}
}

// spanLinks is the spans of other traces that spans name: columns of arrays.
type spanLinks struct {
	traces, spans, states [][]string
	attrs                 [][]*attributes
}

func (c *spanLinks) add(r *rows, links ptrace.SpanLinkSlice) {
	var traces, spans, states []string
	var attrs []*attributes
	for _, l := range links.All() {
		a, _ := r.attributes(l.Attributes(), "", nil)
		traces, spans = append(traces, traceID(l.TraceID())), append(spans, spanID(l.SpanID()))
		states, attrs = append(states, l.TraceState().AsRaw()), append(attrs, a)
	}
	c.traces, c.spans, c.states, c.attrs = append(c.traces, traces), append(c.spans, spans), append(c.states, states), append(c.attrs, attrs)
}

func (c *spanLinks) columns() []tableColumn {
	return []tableColumn{{"link_traces", c.traces}, {"link_spans", c.spans}, {"link_states", c.states}, {"link_attributes", c.attrs}}
}
