package recording

import (
	"errors"
	"fmt"
	"io"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// Rewrite copies a recording, each batch changed in place by do.
func Rewrite(in io.Reader, out io.Writer, do func(Batch) error) error {
	r, err := newReader(in)
	if err != nil {
		return err
	}
	defer r.close()
	w, err := newWriter(out, r.start)
	if err != nil {
		return err
	}
	for {
		f, err := r.next()
		if errors.Is(err, io.EOF) {
			return w.close()
		}
		if err != nil {
			return err
		}
		b, err := f.batch(r.start)
		if err != nil {
			return err
		}
		if err := do(b); err != nil {
			return err
		}
		if f.otlp, err = b.OTLP(); err != nil {
			return err
		}
		if err := w.add(f); err != nil {
			return err
		}
	}
}

// batch decodes a frame of a recording that began at start.
func (f frame) batch(start time.Time) (b Batch, err error) {
	b = Batch{At: start.Add(f.after), Signal: f.signal}
	if b.Traces, b.Metrics, b.Logs, err = decode(f); err != nil {
		return b, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return b, nil
}

// OTLP is the batch as a protobuf export request.
func (b Batch) OTLP() ([]byte, error) {
	switch b.Signal {
	case telemetry.Traces:
		return new(ptrace.ProtoMarshaler).MarshalTraces(b.Traces)
	case telemetry.Metrics:
		return new(pmetric.ProtoMarshaler).MarshalMetrics(b.Metrics)
	default:
		return new(plog.ProtoMarshaler).MarshalLogs(b.Logs)
	}
}

// Only takes out of the batch what comes from a resource that keep refuses.
func (b Batch) Only(keep func(resource pcommon.Map) bool) {
	switch b.Signal {
	case telemetry.Traces:
		b.Traces.ResourceSpans().RemoveIf(func(r ptrace.ResourceSpans) bool { return !keep(r.Resource().Attributes()) })
	case telemetry.Metrics:
		b.Metrics.ResourceMetrics().RemoveIf(func(r pmetric.ResourceMetrics) bool { return !keep(r.Resource().Attributes()) })
	default:
		b.Logs.ResourceLogs().RemoveIf(func(r plog.ResourceLogs) bool { return !keep(r.Resource().Attributes()) })
	}
}
