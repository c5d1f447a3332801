package exporter

import (
	"context"
	"crypto/tls"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/midwatch/midwatch/collector/envelope"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// sendTimeout is longer than the ingester takes to insert, so that it answers what became of the rows.
const sendTimeout = 75 * time.Second

// Metadata keys that the ingester reads.
const (
	batchIDKey     = "midwatch-batch-id"
	redeliveredKey = "midwatch-redelivered"
)

// retryError means the ingester did not say that it stored the batch.
type retryError struct {
	after time.Duration // as the ingester asks; 0 if it does not
	err   error
}

func (e *retryError) Error() string { return "send to ingester: " + e.err.Error() }
func (e *retryError) Unwrap() error { return e.err }

// ingester is a connection to the other side.
type ingester struct{ *grpc.ClientConn }

// dialIngester does not connect yet: the first send does, and every later one again while it is down.
func dialIngester(address string, conf *tls.Config) (*ingester, error) {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(credentials.NewTLS(conf)),
		grpc.WithConnectParams(grpc.ConnectParams{MinConnectTimeout: 5 * time.Second, Backoff: backoff.Config{
			BaseDelay: 200 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second,
		}}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 20 * time.Second, Timeout: 10 * time.Second}),
		grpc.WithDefaultCallOptions(grpc.MaxCallSendMsgSize(envelope.MaxOTLP)))
	if err != nil {
		return nil, fmt.Errorf("dial ingester at %s: %w", address, err)
	}
	return &ingester{conn}, nil
}

// send returns how many records the ingester rejected, and why. Errors worth another try are *retryError.
func (i *ingester) send(ctx context.Context, p payload, id string, redelivered bool) (rejected int64, why string, err error) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	ctx = metadata.AppendToOutgoingContext(ctx, batchIDKey, id)
	if redelivered {
		ctx = metadata.AppendToOutgoingContext(ctx, redeliveredKey, "true")
	}
	rejected, why, err = i.export(ctx, p)
	if err == nil {
		return rejected, why, nil
	}
	st := status.Convert(err)
	if st.Code() == codes.InvalidArgument {
		return 0, "", fmt.Errorf("send to ingester: %w", err)
	}
	return 0, "", &retryError{after: askedDelay(st), err: err}
}

func (i *ingester) export(ctx context.Context, p payload) (rejected int64, why string, err error) {
	switch p.signal {
	case telemetry.Traces:
		r, err := ptraceotlp.NewGRPCClient(i.ClientConn).Export(ctx, ptraceotlp.NewExportRequestFromTraces(p.traces))
		if err != nil {
			return 0, "", err
		}
		return r.PartialSuccess().RejectedSpans(), r.PartialSuccess().ErrorMessage(), nil
	case telemetry.Metrics:
		r, err := pmetricotlp.NewGRPCClient(i.ClientConn).Export(ctx, pmetricotlp.NewExportRequestFromMetrics(p.metrics))
		if err != nil {
			return 0, "", err
		}
		return r.PartialSuccess().RejectedDataPoints(), r.PartialSuccess().ErrorMessage(), nil
	default:
		r, err := plogotlp.NewGRPCClient(i.ClientConn).Export(ctx, plogotlp.NewExportRequestFromLogs(p.logs))
		if err != nil {
			return 0, "", err
		}
		return r.PartialSuccess().RejectedLogRecords(), r.PartialSuccess().ErrorMessage(), nil
	}
}

func askedDelay(st *status.Status) time.Duration {
	for _, d := range st.Details() {
		if r, ok := d.(*errdetails.RetryInfo); ok {
			return r.GetRetryDelay().AsDuration()
		}
	}
	return 0
}
