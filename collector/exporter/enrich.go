package exporter

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// enrich adds what one node does not know: the pod and workload of a container, the service at the other end of a call. ahead is how far the clock
// that stamped the records is ahead of the cluster's.
func (e *Exporter) enrich(p payload, ahead time.Duration) {
	if e.cfg.Index != nil {
		for resource := range p.resources() {
			describe(e.cfg.Index, resource)
		}
	}
	switch p.signal {
	case telemetry.Traces:
		e.eachSpan(p.traces, ptrace.SpanKindServer, e.learnServer)
		e.eachSpan(p.traces, ptrace.SpanKindClient, func(resource pcommon.Map, span ptrace.Span) {
			e.namePeer(resource, span.Attributes(), span.StartTimestamp().AsTime().Add(-ahead))
		})
	case telemetry.Metrics:
		e.nameConnectionPeers(p.metrics, ahead)
	}
}

func (e *Exporter) eachSpan(td ptrace.Traces, kind ptrace.SpanKind, do func(resource pcommon.Map, span ptrace.Span)) {
	for _, r := range td.ResourceSpans().All() {
		for _, s := range r.ScopeSpans().All() {
			for _, span := range s.Spans().All() {
				if span.Kind() == kind {
					do(r.Resource().Attributes(), span)
				}
			}
		}
	}
}

func (e *Exporter) learnServer(resource pcommon.Map, span ptrace.Span) {
	at, ok := listening(resource, span.Attributes())
	if service := text(resource, telemetry.ServiceName); ok && service != "" {
		e.peers.learn(at, service)
	}
}

// namePeer sets peer.service where the node agent could not. What is not known stays unset. In a cluster who had the address at that moment counts
// before who was last seen to answer there: addresses are given out again within seconds.
func (e *Exporter) namePeer(resource, attrs pcommon.Map, when time.Time) {
	if text(attrs, telemetry.PeerService) != "" {
		return
	}
	at, ok := listening(resource, attrs)
	if !ok {
		return
	}
	name := ""
	if e.cfg.Index != nil {
		name = e.cfg.Index.ServiceAt(at.address, when)
	}
	if name == "" {
		name = e.peers.service(at)
	}
	if name != "" {
		attrs.PutStr(telemetry.PeerService, name)
		return
	}
	if e.cfg.Index == nil {
		return
	}
	if node := e.cfg.Index.NodeAt(at.address); node != "" {
		attrs.PutStr(telemetry.PeerNode, node)
	}
}

// nameConnectionPeers does the same for the counts of TCP connections.
func (e *Exporter) nameConnectionPeers(md pmetric.Metrics, ahead time.Duration) {
	for _, r := range md.ResourceMetrics().All() {
		for _, s := range r.ScopeMetrics().All() {
			for _, m := range s.Metrics().All() {
				if m.Name() != telemetry.TCPConnections && m.Name() != telemetry.TCPConnectFailures {
					continue
				}
				for _, p := range points(m).All() {
					e.namePeer(r.Resource().Attributes(), p.Attributes(), p.Timestamp().AsTime().Add(-ahead))
				}
			}
		}
	}
}

func points(m pmetric.Metric) pmetric.NumberDataPointSlice {
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		return m.Gauge().DataPoints()
	case pmetric.MetricTypeSum:
		return m.Sum().DataPoints()
	}
	return pmetric.NewNumberDataPointSlice()
}

func listening(resource, attrs pcommon.Map) (endpoint, bool) {
	return newEndpoint(text(resource, telemetry.HostName), text(attrs, telemetry.ServerAddress), text(attrs, telemetry.ServerPort))
}
