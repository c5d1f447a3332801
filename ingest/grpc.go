package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	_ "google.golang.org/grpc/encoding/gzip" // most OTLP senders compress with it
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// maxMessage bounds a request after decompression, in bytes.
const maxMessage = 16 << 20

// maxStreams bounds the requests of one connection at a time. An exporter sends each version of a Kubernetes object in a request of its own; what
// they hold together is bounded by their bytes.
const maxStreams = 2048

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
	export(context.Context, request) (rejected int64, why string, err error)
}

func (s *Server) newGRPC() *grpc.Server {
	g := grpc.NewServer(
		grpc.Creds(credentials.NewTLS(s.cfg.TLS)), grpc.ForceServerCodecV2(rawCodec{}),
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxConcurrentStreams(maxStreams),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}))
	g.RegisterService(service(telemetry.Traces, "opentelemetry.proto.collector.trace.v1.TraceService"), s)
	g.RegisterService(service(telemetry.Metrics, "opentelemetry.proto.collector.metrics.v1.MetricsService"), s)
	g.RegisterService(service(telemetry.Logs, "opentelemetry.proto.collector.logs.v1.LogsService"), s)
	if s.cfg.RuleStates != nil {
		g.RegisterService(rulesService(), s)
	}
	return g
}

func service(signal telemetry.Signal, name string) *grpc.ServiceDesc {
	return &grpc.ServiceDesc{
		ServiceName: name, HandlerType: (*exporter)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "Export", Handler: func(srv any, ctx context.Context, read func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			var body raw
			if err := read(&body); err != nil {
				return nil, err
			}
			return exportGRPC(ctx, srv.(exporter), signal, body) // RegisterService checked the type
		}}},
	}
}

func exportGRPC(ctx context.Context, to exporter, signal telemetry.Signal, body raw) (*raw, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	rejected, why, err := to.export(ctx, request{
		signal: signal, body: body, id: first(md.Get(HeaderBatchID)), redelivered: first(md.Get(HeaderRedelivered)) == "true",
	})
	if err != nil {
		return nil, statusOf(err).Err()
	}
	answer := raw(partialSuccess(rejected, why))
	return &answer, nil
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// statusOf maps an error of export to what OTLP senders understand: only codes that say so are sent again, after the given pause.
func statusOf(err error) *status.Status {
	switch {
	case errors.Is(err, ErrOverload):
		return later(codes.ResourceExhausted, err, overloadPause)
	case errors.Is(err, ErrMalformed):
		return status.New(codes.InvalidArgument, err.Error())
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return status.FromContextError(err)
	}
	return later(codes.Unavailable, err, storePause)
}

func later(code codes.Code, err error, pause time.Duration) *status.Status {
	st := status.New(code, err.Error())
	if with, err := st.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(pause)}); err == nil {
		return with
	}
	return st
}
