package exporter

import (
	"net"
	"strings"
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
		e.eachSpan(p.traces, ptrace.SpanKindServer, func(resource pcommon.Map, span ptrace.Span) {
			e.learnServer(resource, span)
			e.renamePeer(resource, span.Attributes(), text(span.Attributes(), telemetry.PeerAddress), span.StartTimestamp().AsTime().Add(-ahead))
		})
		e.eachSpan(p.traces, ptrace.SpanKindClient, func(resource pcommon.Map, span ptrace.Span) {
			e.nameSpan(resource, span, ahead)
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

// nameSpan names the peer of a client's span. That of an attempt to connect is in the span's name, too.
func (e *Exporter) nameSpan(resource pcommon.Map, span ptrace.Span, ahead time.Duration) {
	attrs := span.Attributes()
	before := text(attrs, telemetry.ServerAddress)
	if e.namePeer(resource, attrs, span.StartTimestamp().AsTime().Add(-ahead)); text(attrs, telemetry.ServerAddress) == before {
		return
	}
	port := text(attrs, telemetry.ServerPort)
	if verb, target, _ := strings.Cut(span.Name(), " "); target == net.JoinHostPort(before, port) {
		span.SetName(verb + " " + net.JoinHostPort(text(attrs, telemetry.ServerAddress), port))
	}
}

// namePeer sets peer.service where the node agent could not. What is not known stays unset. In a cluster who had the address at that moment counts
// before who was last seen to answer there: addresses are given out again within seconds. Who is none of ours is called by the name that was asked
// for, which the node agent passes on in an attribute that ends here.
func (e *Exporter) namePeer(resource, attrs pcommon.Map, when time.Time) {
	asked := text(attrs, telemetry.PeerName)
	attrs.Remove(telemetry.PeerName)
	at, ok := listening(resource, attrs)
	if !ok {
		return
	}
	if text(attrs, telemetry.PeerService) != "" {
		e.renamePeer(resource, attrs, at.address, when)
		return
	}
	name, node, ours := e.ours(at, asked, when)
	switch {
	case name != "":
		attrs.PutStr(telemetry.PeerService, name)
	case node != "":
		attrs.PutStr(telemetry.PeerNode, node)
	case !ours && asked != "":
		attrs.PutStr(telemetry.ServerAddress, asked)
		attrs.PutStr(telemetry.PeerService, e.outside.peer(text(resource, telemetry.ServiceName), asked))
	}
}

// renamePeer gives a peer the name of the workload whose pod had the address, instead of that of the process, which is all that a node agent knows. Programs
// that name their peers themselves are believed.
func (e *Exporter) renamePeer(resource, attrs pcommon.Map, address string, when time.Time) {
	if e.cfg.Index == nil || text(attrs, telemetry.PeerService) == "" || text(resource, sdkName) != "" {
		return
	}
	if name := e.cfg.Index.ServiceAt(address, when); name != "" {
		attrs.PutStr(telemetry.PeerService, name)
	}
}

// ours is the service or the node at an endpoint. Known is also that it is one of ours whose name is not known now.
func (e *Exporter) ours(at endpoint, asked string, when time.Time) (service, node string, known bool) {
	x := e.cfg.Index
	if x != nil {
		service = x.ServiceAt(at.address, when)
	}
	if service == "" {
		service, known = e.peers.service(at)
	}
	if x == nil || service != "" {
		return service, "", known
	}
	if node = x.NodeAt(at.address); node != "" {
		return "", node, true
	}
	service, inside := x.ServiceCalled(asked)
	return service, "", known || inside
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
				addUp(points(m))
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
