package recording

import (
	"errors"
	"io"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// Batch is one batch of a recording. The field of its signal is set.
type Batch struct {
	At      time.Time // it was published
	Signal  telemetry.Signal
	Traces  ptrace.Traces
	Metrics pmetric.Metrics
	Logs    plog.Logs
}

// Append moves another batch of the same signal into this one.
func (b Batch) Append(other Batch) {
	switch b.Signal {
	case telemetry.Traces:
		other.Traces.ResourceSpans().MoveAndAppendTo(b.Traces.ResourceSpans())
	case telemetry.Metrics:
		other.Metrics.ResourceMetrics().MoveAndAppendTo(b.Metrics.ResourceMetrics())
	default:
		other.Logs.ResourceLogs().MoveAndAppendTo(b.Logs.ResourceLogs())
	}
}

// Each calls do with every batch of a recording, in order and at once, as if the recording had begun at start. Trace ids are
// those of the file.
func Each(in io.Reader, start time.Time, do func(Batch) error) error {
	r, err := newReader(in)
	if err != nil {
		return err
	}
	defer r.close()
	shift := start.Sub(r.start)
	moved := change{
		time:  func(ts pcommon.Timestamp) pcommon.Timestamp { return ts + pcommon.Timestamp(shift) }, // wraps when negative
		trace: func(id pcommon.TraceID) pcommon.TraceID { return id },
		span:  func(id pcommon.SpanID) pcommon.SpanID { return id },
	}
	for {
		f, err := r.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		b, err := f.batch(start)
		if err != nil {
			return err
		}
		switch f.signal {
		case telemetry.Traces:
			moved.traces(b.Traces)
		case telemetry.Metrics:
			moved.metrics(b.Metrics)
		default:
			moved.logs(b.Logs)
		}
		if err := do(b); err != nil {
			return err
		}
	}
}
