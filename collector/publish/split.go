package publish

import (
	"fmt"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/midwatch/midwatch/collector/envelope"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// A message must fit into NATS's 1 MiB with its headers, and a request into a quarter of what the ingester takes.
const (
	maxMessage = 900_000 // bytes, compressed
	maxRequest = envelope.MaxOTLP / 4
)

// payload is a batch of one signal that can be cut in two.
type payload interface {
	signal() telemetry.Signal
	marshal() ([]byte, error)
	records() int
	// cut moves the first n records into a new payload.
	cut(n int) payload
}

// enqueue packs b under the id, in halves under ids made from it while it is too large. A single record that is too large is counted and left out.
func (p *Publisher) enqueue(b payload, id string) error {
	n := b.records()
	if n == 0 {
		return nil
	}
	raw, err := b.marshal()
	if err != nil {
		return fmt.Errorf("encode %s: %w", b.signal(), err)
	}
	if len(raw) <= maxRequest {
		m := p.codec.Pack(envelope.Batch{ID: id, Signal: b.signal(), OTLP: raw}, p.cfg.Node)
		if len(m.Data) <= maxMessage {
			p.queue.add(m)
			return nil
		}
	}
	if n == 1 {
		p.queue.oversized(1)
		return nil
	}
	if err := p.enqueue(b.cut(n/2), id+"0"); err != nil {
		return err
	}
	return p.enqueue(b, id+"1")
}

type traces struct{ ptrace.Traces }

func (t traces) signal() telemetry.Signal { return telemetry.Traces }
func (t traces) records() int             { return t.SpanCount() }

func (t traces) marshal() ([]byte, error) {
	return new(ptrace.ProtoMarshaler).MarshalTraces(t.Traces)
}

func (t traces) cut(n int) payload {
	first := ptrace.NewTraces()
	t.CopyTo(first)
	keepTraces(first, func(i int) bool { return i < n })
	keepTraces(t.Traces, func(i int) bool { return i >= n })
	return traces{first}
}

func keepTraces(td ptrace.Traces, keep func(i int) bool) {
	i := -1
	td.ResourceSpans().RemoveIf(func(r ptrace.ResourceSpans) bool {
		r.ScopeSpans().RemoveIf(func(s ptrace.ScopeSpans) bool {
			s.Spans().RemoveIf(func(ptrace.Span) bool { i++; return !keep(i) })
			return s.Spans().Len() == 0
		})
		return r.ScopeSpans().Len() == 0
	})
}

type logs struct{ plog.Logs }

func (l logs) signal() telemetry.Signal { return telemetry.Logs }
func (l logs) records() int             { return l.LogRecordCount() }
func (l logs) marshal() ([]byte, error) { return new(plog.ProtoMarshaler).MarshalLogs(l.Logs) }

func (l logs) cut(n int) payload {
	first := plog.NewLogs()
	l.CopyTo(first)
	keepLogs(first, func(i int) bool { return i < n })
	keepLogs(l.Logs, func(i int) bool { return i >= n })
	return logs{first}
}

func keepLogs(ld plog.Logs, keep func(i int) bool) {
	i := -1
	ld.ResourceLogs().RemoveIf(func(r plog.ResourceLogs) bool {
		r.ScopeLogs().RemoveIf(func(s plog.ScopeLogs) bool {
			s.LogRecords().RemoveIf(func(plog.LogRecord) bool { i++; return !keep(i) })
			return s.LogRecords().Len() == 0
		})
		return r.ScopeLogs().Len() == 0
	})
}

// metrics is cut between metrics, not between the points of one.
type metrics struct{ pmetric.Metrics }

func (m metrics) signal() telemetry.Signal { return telemetry.Metrics }
func (m metrics) records() int             { return m.MetricCount() }

func (m metrics) marshal() ([]byte, error) {
	return new(pmetric.ProtoMarshaler).MarshalMetrics(m.Metrics)
}

func (m metrics) cut(n int) payload {
	first := pmetric.NewMetrics()
	m.CopyTo(first)
	keepMetrics(first, func(i int) bool { return i < n })
	keepMetrics(m.Metrics, func(i int) bool { return i >= n })
	return metrics{first}
}

func keepMetrics(md pmetric.Metrics, keep func(i int) bool) {
	i := -1
	md.ResourceMetrics().RemoveIf(func(r pmetric.ResourceMetrics) bool {
		r.ScopeMetrics().RemoveIf(func(s pmetric.ScopeMetrics) bool {
			s.Metrics().RemoveIf(func(pmetric.Metric) bool { i++; return !keep(i) })
			return s.Metrics().Len() == 0
		})
		return r.ScopeMetrics().Len() == 0
	})
}
