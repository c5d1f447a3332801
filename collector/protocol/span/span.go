// Package span writes calls as OpenTelemetry spans, as docs/telemetry.md says. The resource, and the service at the
// other end, are the node agent's to add.
package span

import (
	"net/netip"
	"strconv"
	"syscall"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/midwatch/midwatch/collector/probe"
	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/conversation"
	"github.com/midwatch/midwatch/collector/trace"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// Identify gives a span its place in a trace.
func Identify(s ptrace.Span, id trace.Identity) {
	s.SetTraceID(id.Trace)
	s.SetSpanID(id.Span)
	s.SetParentSpanID(id.Parent)
}

// Fill writes a call into a span that has its ids.
func Fill(s ptrace.Span, peer conversation.Peer, call protocol.Call) {
	s.SetKind(kind(peer.Role, call.Kind))
	s.SetName(name(call))
	s.SetStartTimestamp(pcommon.NewTimestampFromTime(call.Start))
	s.SetEndTimestamp(pcommon.NewTimestampFromTime(call.Start.Add(call.Duration)))

	a := s.Attributes()
	ends(a, peer.Role, peer.Endpoints)
	a.PutInt(telemetry.RequestSize, call.RequestBytes)
	a.PutInt(telemetry.ResponseSize, call.ResponseBytes)
	describe(a, call)
	if errorType := ErrorType(peer.Role, call); errorType != "" {
		a.PutStr(telemetry.ErrorType, errorType)
		s.Status().SetCode(ptrace.StatusCodeError)
		s.Status().SetMessage(call.Error)
	}
}

// FillConnect writes a failed attempt to connect into a span that has its ids.
func FillConnect(s ptrace.Span, c probe.Connect) {
	s.SetKind(ptrace.SpanKindClient)
	s.SetName("CONNECT " + c.Remote.String())
	s.SetStartTimestamp(pcommon.NewTimestampFromTime(c.Start))
	s.SetEndTimestamp(pcommon.NewTimestampFromTime(c.Time))
	a := s.Attributes()
	ends(a, probe.RoleClient, c.Endpoints)
	a.PutStr(telemetry.NetworkTransport, "tcp")
	a.PutStr(telemetry.ErrorType, ConnectError(c.Errno))
	s.Status().SetCode(ptrace.StatusCodeError)
	if c.Errno != 0 {
		s.Status().SetMessage(c.Errno.Error())
	} else {
		s.Status().SetMessage("given up before the peer answered")
	}
}

// ErrorType is what made a call fail, seen from one end of it, or "". A client is failed by any error, a server only by its own: of HTTP those from 500
// up, of gRPC those that its conventions name.
func ErrorType(role probe.Role, call protocol.Call) string {
	server := role == probe.RoleServer
	switch {
	case call.Failed && call.Protocol == protocol.GRPC && server && askersFault(call.Status):
		return ""
	case call.Failed:
		return call.ErrorType
	case call.Protocol != protocol.HTTP:
		return ""
	case call.Status >= "500" || !server && call.Status >= "400":
		return call.Status
	}
	return ""
}

// askersFault says that a status of gRPC is no failure of the server that answers it.
func askersFault(status string) bool {
	switch status {
	case "1", "3", "5", "6", "7", "8", "9", "10", "11", "16": // CANCELLED, INVALID_ARGUMENT, NOT_FOUND … UNAUTHENTICATED
		return true
	}
	return false
}

// ConnectError names the reason a connection could not be made. 0 is an attempt its own process ended.
func ConnectError(errno syscall.Errno) string {
	switch errno {
	case 0:
		return "abandoned"
	case syscall.ECONNREFUSED:
		return "connection_refused"
	case syscall.ETIMEDOUT:
		return "timeout"
	case syscall.ECONNRESET:
		return "reset"
	case syscall.EHOSTUNREACH, syscall.ENETUNREACH:
		return "unreachable"
	}
	return "errno_" + strconv.Itoa(int(errno))
}

// kind: to hand a message to a broker is a call to it. What a broker hands out is no call of the client's.
func kind(r probe.Role, k protocol.Kind) ptrace.SpanKind {
	switch server := r == probe.RoleServer; {
	case k == protocol.Delivered && server:
		return ptrace.SpanKindProducer
	case k == protocol.Delivered:
		return ptrace.SpanKindConsumer
	case server:
		return ptrace.SpanKindServer
	}
	return ptrace.SpanKindClient
}

// name is the span's name: few per service.
func name(c protocol.Call) string {
	switch {
	case c.Summary != "":
		return c.Summary
	case c.Resource != "":
		return c.Operation + " " + c.Resource
	default:
		return c.Operation
	}
}

func ends(a pcommon.Map, role probe.Role, e probe.Endpoints) {
	server := e.Remote
	if role == probe.RoleServer {
		server = e.Local
	}
	address(a, telemetry.ServerAddress, telemetry.ServerPort, server)
	address(a, telemetry.PeerAddress, telemetry.PeerPort, e.Remote)
}

// address writes an address and its port, as far as they are known: a name server's socket that takes datagrams at any address has none of its own.
func address(a pcommon.Map, addr, port string, v netip.AddrPort) {
	if v.Addr().IsValid() && !v.Addr().IsUnspecified() {
		a.PutStr(addr, v.Addr().String())
	}
	if v.Port() != 0 {
		a.PutInt(port, int64(v.Port()))
	}
}
