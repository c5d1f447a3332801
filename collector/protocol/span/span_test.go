package span_test

import (
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/midwatch/midwatch/collector/probe"
	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/conversation"
	"github.com/midwatch/midwatch/collector/protocol/span"
	"github.com/midwatch/midwatch/collector/trace"
)

var ends = probe.Endpoints{Local: netip.MustParseAddrPort("10.0.0.1:8080"), Remote: netip.MustParseAddrPort("10.0.0.2:5432")}

func TestFill(t *testing.T) {
	for _, c := range []struct {
		name   string
		role   probe.Role
		call   protocol.Call
		span   string
		failed string
		attrs  map[string]any
	}{
		{
			"http server", probe.RoleServer,
			protocol.Call{Protocol: protocol.HTTP, Operation: "GET", Resource: "/items/{id}", Path: "/items/7", Status: "404", RequestBytes: 1, ResponseBytes: 2},
			"GET /items/{id}", "",
			map[string]any{
				"http.request.method": "GET", "http.route": "/items/{id}", "url.path": "/items/7", "http.response.status_code": int64(404),
				"server.address": "10.0.0.1", "server.port": int64(8080), "network.peer.address": "10.0.0.2", "network.peer.port": int64(5432),
				"midwatch.request.size": int64(1), "midwatch.response.size": int64(2),
			},
		},
		{
			"http client", probe.RoleClient,
			protocol.Call{Protocol: protocol.HTTP, Operation: "GET", Resource: "/", Path: "/", Status: "404"},
			"GET /", "404",
			map[string]any{
				"http.request.method": "GET", "http.route": "/", "url.path": "/", "http.response.status_code": int64(404), "error.type": "404",
				"server.address": "10.0.0.2", "server.port": int64(5432), "network.peer.address": "10.0.0.2", "network.peer.port": int64(5432),
				"midwatch.request.size": int64(0), "midwatch.response.size": int64(0),
			},
		},
		{
			"grpc server whose client asked for what is not there", probe.RoleServer,
			protocol.Call{Protocol: protocol.GRPC, Operation: "Get", Resource: "shop.Cart", Summary: "shop.Cart/Get", Status: "5", Failed: true, ErrorType: "NOT_FOUND"},
			"shop.Cart/Get", "",
			map[string]any{
				"rpc.system": "grpc", "rpc.service": "shop.Cart", "rpc.method": "Get", "rpc.grpc.status_code": int64(5),
				"server.address": "10.0.0.1", "server.port": int64(8080), "network.peer.address": "10.0.0.2", "network.peer.port": int64(5432),
				"midwatch.request.size": int64(0), "midwatch.response.size": int64(0),
			},
		},
		{
			"grpc client of a server that is away", probe.RoleClient,
			protocol.Call{Protocol: protocol.GRPC, Operation: "Get", Resource: "shop.Cart", Summary: "shop.Cart/Get", Status: "14", Failed: true, ErrorType: "UNAVAILABLE", Error: "no"},
			"shop.Cart/Get", "UNAVAILABLE",
			map[string]any{
				"rpc.system": "grpc", "rpc.service": "shop.Cart", "rpc.method": "Get", "rpc.grpc.status_code": int64(14), "error.type": "UNAVAILABLE",
				"server.address": "10.0.0.2", "server.port": int64(5432), "network.peer.address": "10.0.0.2", "network.peer.port": int64(5432),
				"midwatch.request.size": int64(0), "midwatch.response.size": int64(0),
			},
		},
		{
			"message handed to a broker", probe.RoleClient,
			protocol.Call{Protocol: protocol.Kafka, Kind: protocol.Sent, Operation: "Produce", Resource: "orders", Messages: 3},
			"Produce orders", "",
			map[string]any{
				"messaging.system": "kafka", "messaging.operation.name": "Produce", "messaging.destination.name": "orders", "messaging.batch.message_count": int64(3),
				"server.address": "10.0.0.2", "server.port": int64(5432), "network.peer.address": "10.0.0.2", "network.peer.port": int64(5432),
				"midwatch.request.size": int64(0), "midwatch.response.size": int64(0),
			},
		},
		{
			"failed query", probe.RoleClient,
			protocol.Call{Protocol: protocol.PostgreSQL, Operation: "SELECT", Resource: "products", Summary: "SELECT products", Query: "SELECT ?", Namespace: "shop", Status: "42P01", Failed: true, ErrorType: "42P01", Error: "no"},
			"SELECT products", "42P01",
			map[string]any{
				"db.system.name": "postgresql", "db.operation.name": "SELECT", "db.collection.name": "products", "db.query.summary": "SELECT products",
				"db.query.text": "SELECT ?", "db.namespace": "shop", "db.response.status_code": "42P01", "error.type": "42P01",
				"server.address": "10.0.0.2", "server.port": int64(5432), "network.peer.address": "10.0.0.2", "network.peer.port": int64(5432),
				"midwatch.request.size": int64(0), "midwatch.response.size": int64(0),
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := ptrace.NewSpan()
			c.call.Start, c.call.Duration = time.Unix(10, 0), time.Second
			span.Fill(s, conversation.Peer{Role: c.role, Endpoints: ends}, c.call)
			if diff := cmp.Diff(c.attrs, s.Attributes().AsRaw()); diff != "" {
				t.Errorf("attributes (-want +got):\n%s", diff)
			}
			if s.Name() != c.span || (s.Status().Code() == ptrace.StatusCodeError) != (c.failed != "") || s.Status().Message() != c.call.Error {
				t.Errorf("span %q, status %v %q", s.Name(), s.Status().Code(), s.Status().Message())
			}
			if s.EndTimestamp()-s.StartTimestamp() != 1e9 {
				t.Errorf("times: %v", s)
			}
		})
	}
}

func TestKinds(t *testing.T) {
	for call, want := range map[protocol.Kind][2]ptrace.SpanKind{
		protocol.Asked:     {ptrace.SpanKindServer, ptrace.SpanKindClient},
		protocol.Sent:      {ptrace.SpanKindServer, ptrace.SpanKindClient},
		protocol.Delivered: {ptrace.SpanKindProducer, ptrace.SpanKindConsumer},
	} {
		for i, role := range []probe.Role{probe.RoleServer, probe.RoleClient} {
			s := ptrace.NewSpan()
			span.Fill(s, conversation.Peer{Role: role, Endpoints: ends}, protocol.Call{Protocol: protocol.NATS, Kind: call, Operation: "publish"})
			if s.Kind() != want[i] {
				t.Errorf("a call of kind %d at the end %d is a span of kind %s", call, role, s.Kind())
			}
		}
	}
}

// TestAddressesThatAreNotKnown: a name server takes questions at any address of its machine, and of a client it may not be known who it is.
func TestAddressesThatAreNotKnown(t *testing.T) {
	s := ptrace.NewSpan()
	anywhere := probe.Endpoints{Local: netip.MustParseAddrPort("[::]:53"), Remote: netip.MustParseAddrPort("0.0.0.0:0")}
	span.Fill(s, conversation.Peer{Role: probe.RoleServer, Endpoints: anywhere}, protocol.Call{Protocol: protocol.DNS, Operation: "A", Summary: "DNS A"})
	want := map[string]any{"server.port": int64(53), "midwatch.request.size": int64(0), "midwatch.response.size": int64(0)}
	if diff := cmp.Diff(want, s.Attributes().AsRaw()); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
}

func TestIdentify(t *testing.T) {
	s := ptrace.NewSpan()
	id := trace.Root().Below()
	span.Identify(s, id)
	if got := (trace.Identity{Trace: s.TraceID(), Span: s.SpanID(), Parent: s.ParentSpanID()}); got != id {
		t.Errorf("%+v, want %+v", got, id)
	}
}

func TestFillConnect(t *testing.T) {
	for errno, want := range map[syscall.Errno]string{
		syscall.ECONNREFUSED: "connection_refused", syscall.ETIMEDOUT: "timeout", syscall.ECONNRESET: "reset", syscall.EHOSTUNREACH: "unreachable",
		0: "abandoned", 1: "errno_1",
	} {
		s := ptrace.NewSpan()
		span.FillConnect(s, probe.Connect{Endpoints: ends, Errno: errno, Start: time.Unix(1, 0), Time: time.Unix(2, 0)})
		got, _ := s.Attributes().Get("error.type")
		if s.Name() != "CONNECT 10.0.0.2:5432" || got.Str() != want || s.Status().Message() == "" || s.Kind() != ptrace.SpanKindClient {
			t.Errorf("errno %d: %q, error type %q", errno, s.Name(), got.Str())
		}
	}
}
