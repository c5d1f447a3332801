package exporter

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// enrich adds what one node does not know: the pod and workload of a container, the service at the other end of a call.
func (e *Exporter) enrich(p payload) {
	if e.cluster != nil {
		for resource := range p.resources() {
			e.cluster.describe(resource)
		}
	}
	switch p.signal {
	case telemetry.Traces:
		e.eachSpan(p.traces, ptrace.SpanKindServer, e.learnServer)
		e.eachSpan(p.traces, ptrace.SpanKindClient, e.namePeer)
	case telemetry.Metrics:
		e.nameConnectionPeers(p.metrics)
	}
}

func (e *Exporter) eachSpan(td ptrace.Traces, kind ptrace.SpanKind, do func(resource, span pcommon.Map)) {
	for _, r := range td.ResourceSpans().All() {
		for _, s := range r.ScopeSpans().All() {
			for _, span := range s.Spans().All() {
				if span.Kind() == kind {
					do(r.Resource().Attributes(), span.Attributes())
				}
			}
		}
	}
}

func (e *Exporter) learnServer(resource, span pcommon.Map) {
	at, ok := listening(resource, span)
	if service := text(resource, telemetry.ServiceName); ok && service != "" {
		e.peers.learn(at, service)
	}
}

// namePeer sets peer.service where the node agent could not. What is not known stays unset.
func (e *Exporter) namePeer(resource, attrs pcommon.Map) {
	if text(attrs, telemetry.PeerService) != "" {
		return
	}
	at, ok := listening(resource, attrs)
	if !ok {
		return
	}
	name := e.peers.service(at)
	if name == "" && e.cluster != nil {
		name = e.cluster.serviceAt(at.address)
	}
	if name != "" {
		attrs.PutStr(telemetry.PeerService, name)
	}
}

// nameConnectionPeers does the same for the counts of TCP connections.
func (e *Exporter) nameConnectionPeers(md pmetric.Metrics) {
	for _, r := range md.ResourceMetrics().All() {
		for _, s := range r.ScopeMetrics().All() {
			for _, m := range s.Metrics().All() {
				if m.Name() != telemetry.TCPConnections && m.Name() != telemetry.TCPConnectFailures {
					continue
				}
				for _, p := range points(m).All() {
					e.namePeer(r.Resource().Attributes(), p.Attributes())
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
