package receive

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/pdata/pprofile/pprofileotlp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	_ "github.com/midwatch/midwatch/ingest/compress" // gzip and zstd for gRPC
	"github.com/midwatch/midwatch/ingest/otlp"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/auth/strangers"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// maxMessage bounds a request after decompression, in bytes.
const maxMessage = 16 << 20

// maxStreams bounds the requests of one connection at a time. An exporter sends each version of a Kubernetes object in a request of its own; what
// they hold together is bounded by their bytes.
const maxStreams = 2048

// What gRPC takes of senders before anybody reads. It would let each stream have 16 MiB where connections are fast, which is more than all that is
// counted. Who reads a message lets all of it come, so that streams need no more; a connection's window bounds no memory.
const (
	streamWindow     = 64 << 10
	connectionWindow = 1 << 20
)

// maxIdle is how long a connection may stay without requests: clients open another when they need one.
const maxIdle = 5 * time.Minute

// How long a sender is asked to wait before it sends a request again.
const (
	overloadPause = time.Second
	storePause    = 2 * time.Second
)

// raw is a message as it is on the wire. The server reads it by itself: it needs the bytes for the request's id, and to check them.
type raw []byte

// rawCodec passes *raw through.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	r, ok := v.(*raw)
	if !ok {
		return nil, fmt.Errorf("encode %T: not a raw message", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(*r)}, nil
}

func (rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	r, ok := v.(*raw)
	if !ok {
		return fmt.Errorf("decode %T: not a raw message", v)
	}
	*r = data.Materialize()
	return nil
}

// exporter is what the gRPC services call.
type exporter interface {
	exportStream(telemetry.Signal, grpc.ServerStream) error
}

// overGRPC is the server as it is reached over gRPC.
type overGRPC struct {
	*Server
	known func(remote string) // is told whose connection brought a request that is admitted
}

func (s *Server) newGRPC(l *strangers.Listener) *grpc.Server {
	over := overGRPC{s, l.Known}
	g := grpc.NewServer(
		grpc.Creds(credentials.NewTLS(s.cfg.TLS)), grpc.ForceServerCodecV2(rawCodec{}),
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxConcurrentStreams(maxStreams),
		grpc.StaticStreamWindowSize(streamWindow), grpc.StaticConnWindowSize(connectionWindow),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: maxIdle}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}))
	g.RegisterService(service(telemetry.Traces, "opentelemetry.proto.collector.trace.v1.TraceService"), over)
	g.RegisterService(service(telemetry.Metrics, "opentelemetry.proto.collector.metrics.v1.MetricsService"), over)
	g.RegisterService(service(telemetry.Logs, "opentelemetry.proto.collector.logs.v1.LogsService"), over)
	g.RegisterService(service(telemetry.Profiles, "opentelemetry.proto.collector.profiles.v1development.ProfilesService"), over)
	if s.cfg.RuleStates != nil {
		g.RegisterService(rulesService(), over)
	}
	return g
}

// service has one method, which to its callers is unary. It is served as a stream: that nothing of a request is read before its handler asks
// for it, gRPC promises of those alone.
func service(signal telemetry.Signal, name string) *grpc.ServiceDesc {
	return &grpc.ServiceDesc{
		ServiceName: name, HandlerType: (*exporter)(nil),
		Streams: []grpc.StreamDesc{{StreamName: "Export", ClientStreams: true, Handler: func(srv any, stream grpc.ServerStream) error {
			return srv.(exporter).exportStream(signal, stream) // RegisterService checked the type
		}}},
	}
}

// whoCalls says who opened a stream. The error wraps auth.ErrUnauthenticated, or is worth another try.
func (s overGRPC) whoCalls(ctx context.Context) (*Sender, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	from, err := s.senders.who(connection(ctx), first(md.Get("authorization")))
	if p, ok := peer.FromContext(ctx); ok && err == nil {
		s.known(p.Addr.String())
	}
	return from, err
}

func (s overGRPC) exportStream(signal telemetry.Signal, stream grpc.ServerStream) error {
	ctx := stream.Context()
	md, _ := metadata.FromIncomingContext(ctx)
	from, err := s.whoCalls(ctx)
	if from, err = s.admit(signal, from, err); err != nil {
		return statusOf(err).Err()
	}
	body, held, err := s.receive(stream, from)
	if errors.Is(err, ErrOverload) {
		s.cfg.Refused(signal, overload)
		return statusOf(err).Err()
	}
	if err != nil {
		s.cfg.Refused(signal, unreadable(err))
		return err
	}
	rejected, why, err := s.export(ctx, Request{
		Request: otlp.Request{Signal: signal, Body: body, Schema: md.Get(pprofileotlp.DevelopmentVersionHeader)},
		From:    from, Hold: held, ID: first(md.Get(HeaderBatchID)), Redelivered: first(md.Get(HeaderRedelivered)) == "true",
	})
	if err != nil {
		return statusOf(err).Err()
	}
	answer := raw(partialSuccess(rejected, why))
	return stream.SendMsg(&answer)
}

// unreadable is why gRPC could not give us a message.
func unreadable(err error) otlp.Reason {
	switch status.Code(err) {
	case codes.ResourceExhausted:
		return bodyTooLarge
	case codes.Canceled, codes.DeadlineExceeded:
		return aborted
	}
	return malformed
}

// connection returns what TLS knows of the peer, nil when there is none.
func connection(ctx context.Context) *tls.ConnectionState {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return nil
	}
	info, ok := p.AuthInfo.(credentials.TLSInfo)
	if !ok {
		return nil
	}
	return &info.State
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// statusOf maps an error of export to what OTLP senders understand: only codes that say so are sent again, after the given pause.
func statusOf(err error) *status.Status {
	var fast *tooFast
	switch {
	case errors.As(err, &fast):
		return later(codes.ResourceExhausted, err, fast.wait)
	case errors.Is(err, ErrOverload):
		return later(codes.ResourceExhausted, err, overloadPause)
	case errors.Is(err, auth.ErrUnauthenticated):
		return status.New(codes.Unauthenticated, err.Error())
	case errors.Is(err, otlp.ErrMalformed):
		return status.New(codes.InvalidArgument, err.Error())
	case errors.Is(err, ErrStore): // what it said, about others' rows and where it is, is in the log
		err = ErrStore
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return status.FromContextError(err)
	}
	return later(codes.Unavailable, err, storePause)
}

// later is a status with the delay after which a sender should come back.
func later(code codes.Code, err error, pause time.Duration) *status.Status {
	st := status.New(code, err.Error())
	if with, err := st.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(pause)}); err == nil {
		return with
	}
	return st
}
