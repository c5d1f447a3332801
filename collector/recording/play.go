package recording

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
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

// Publisher is where a recording is played to; *publish.Publisher is one.
type Publisher interface {
	Traces(context.Context, ptrace.Traces) error
	Metrics(context.Context, pmetric.Metrics) error
	Logs(context.Context, plog.Logs) error
}

// Play publishes a recording as if it happened now: batches come at the intervals they were recorded at, divided by speed (1 is
// as it was), and the timestamps of a batch move by as much as the batch itself. It returns after the last batch, or nil early when
// ctx ends. Trace ids are new in each playing, so one file can be played twice.
func Play(ctx context.Context, in io.Reader, to Publisher, speed float64) error {
	if speed <= 0 {
		return fmt.Errorf("play at speed %g: want more than 0", speed)
	}
	r, err := newReader(in)
	if err != nil {
		return err
	}
	defer r.close()
	p := player{to: to, fresh: newFresh()}
	began := time.Now()
	for {
		f, err := r.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		due := began.Add(time.Duration(float64(f.after) / speed))
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
			return nil
		}
		if err := p.publish(ctx, f, due.Sub(r.start.Add(f.after))); err != nil {
			return err
		}
	}
}

type player struct {
	to    Publisher
	fresh fresh
}

// publish sends a frame with its times moved by shift.
func (p player) publish(ctx context.Context, f frame, shift time.Duration) error {
	td, md, ld, err := decode(f)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	c := change{
		time:  func(ts pcommon.Timestamp) pcommon.Timestamp { return ts + pcommon.Timestamp(shift) }, // wraps when negative
		trace: p.fresh.trace, span: p.fresh.span,
	}
	switch f.signal {
	case telemetry.Traces:
		c.traces(td)
		return p.to.Traces(ctx, td)
	case telemetry.Metrics:
		c.metrics(md)
		return p.to.Metrics(ctx, md)
	default:
		c.logs(ld)
		return p.to.Logs(ctx, ld)
	}
}

// fresh makes random ids of a file's numbers, the same for the same number within one playing.
type fresh [32]byte

func newFresh() (f fresh) {
	rand.Read(f[:])
	return f
}

func (f fresh) trace(id pcommon.TraceID) (out pcommon.TraceID) {
	h := sha256.Sum256(append(f[:], id[:]...))
	copy(out[:], h[:])
	return out
}

func (f fresh) span(id pcommon.SpanID) (out pcommon.SpanID) {
	h := sha256.Sum256(append(f[:], id[:]...))
	copy(out[:], h[:])
	return out
}
