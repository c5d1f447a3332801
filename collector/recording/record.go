package recording

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/midwatch/midwatch/collector/envelope"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// Config says what to record.
type Config struct {
	URL       string // tls://host:port of JetStream
	TLS       *tls.Config
	KeepSpans int           // keep one of so many spans, chosen without looking at them; 0 and 1 keep all
	Ready     func()        // called once, when everything published from now on is recorded; may be nil
	Progress  func(Summary) // called after each batch; may be nil
	Log       *slog.Logger
}

// Summary is what a recording holds.
type Summary struct {
	Batches int
	Spans   int
	Points  int
	Logs    int
	Length  time.Duration // from the beginning to the last batch
}

// Record writes what is published from now on, until ctx ends. What it cannot read it leaves out and logs.
func Record(ctx context.Context, cfg Config, out io.Writer) (Summary, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	nc, err := nats.Connect(cfg.URL, nats.Name("record"), nats.Secure(cfg.TLS))
	if err != nil {
		return Summary{}, fmt.Errorf("connect to JetStream at %s: %w", cfg.URL, err)
	}
	defer nc.Close()
	messages, err := subscribe(ctx, nc)
	if err != nil {
		return Summary{}, err
	}
	defer messages.Stop()
	codec, err := envelope.NewCodec()
	if err != nil {
		return Summary{}, err
	}
	start := time.Now()
	w, err := newWriter(out, start)
	if err != nil {
		return Summary{}, err
	}
	if cfg.Ready != nil {
		cfg.Ready()
	}
	r := &recorder{cfg: cfg, codec: codec, w: w, start: start, ids: newIDs()}
	err = r.readAll(ctx, messages)
	return r.sum, errors.Join(err, w.close())
}

func subscribe(ctx context.Context, nc *nats.Conn) (jetstream.MessagesContext, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	c, err := js.OrderedConsumer(ctx, telemetry.StreamName, jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverNewPolicy})
	if err != nil {
		return nil, fmt.Errorf("read stream %s: %w", telemetry.StreamName, err)
	}
	messages, err := c.Messages()
	if err != nil {
		return nil, fmt.Errorf("read stream %s: %w", telemetry.StreamName, err)
	}
	return messages, nil
}

// recorder turns messages into frames.
type recorder struct {
	cfg   Config
	codec *envelope.Codec
	w     *writer
	start time.Time
	ids   *ids
	spans int // seen
	sum   Summary
}

func (r *recorder) readAll(ctx context.Context, messages jetstream.MessagesContext) error {
	for {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("read stream %s: %w", telemetry.StreamName, err)
		}
		if m == nil { // ctx ended
			return nil
		}
		f, err := r.frame(m)
		if err != nil {
			r.cfg.Log.Warn("leave out a message", "subject", m.Subject(), "error", err)
			continue
		}
		if err := r.w.add(f); err != nil {
			return err
		}
		r.sum.Batches++
		r.sum.Length = time.Since(r.start)
		if r.cfg.Progress != nil {
			r.cfg.Progress(r.sum)
		}
	}
}

func (r *recorder) frame(m jetstream.Msg) (frame, error) {
	md, err := m.Metadata()
	if err != nil {
		return frame{}, err
	}
	b, err := r.codec.Open(m.Subject(), m.Headers(), m.Data())
	if err != nil {
		return frame{}, err
	}
	return r.shrink(frame{after: md.Timestamp.Sub(r.start), signal: b.Signal, otlp: b.OTLP})
}

// shrink rewrites a batch so that it compresses well.
func (r *recorder) shrink(f frame) (frame, error) {
	b, err := f.batch(r.start)
	if err != nil {
		return f, err
	}
	c := change{
		time:  func(ts pcommon.Timestamp) pcommon.Timestamp { return ts - ts%1000 },
		trace: r.ids.trace, span: r.ids.span,
	}
	switch b.Signal {
	case telemetry.Traces:
		r.sample(b.Traces)
		c.traces(b.Traces)
		r.sum.Spans += b.Traces.SpanCount()
	case telemetry.Metrics:
		c.metrics(b.Metrics)
		r.sum.Points += b.Metrics.DataPointCount()
	default:
		c.logs(b.Logs)
		r.sum.Logs += b.Logs.LogRecordCount()
	}
	f.otlp, err = b.OTLP()
	return f, err
}

func (r *recorder) sample(td ptrace.Traces) {
	if r.cfg.KeepSpans <= 1 {
		return
	}
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			ss.Spans().RemoveIf(func(ptrace.Span) bool { r.spans++; return r.spans%r.cfg.KeepSpans != 0 })
		}
	}
}

// ids numbers trace and span ids in the order they come.
type ids struct {
	traces map[pcommon.TraceID]uint64
	spans  map[pcommon.SpanID]uint64
}

func newIDs() *ids {
	return &ids{traces: map[pcommon.TraceID]uint64{}, spans: map[pcommon.SpanID]uint64{}}
}

func (n *ids) trace(id pcommon.TraceID) (out pcommon.TraceID) {
	binary.BigEndian.PutUint64(out[8:], number(n.traces, id))
	return out
}

func (n *ids) span(id pcommon.SpanID) (out pcommon.SpanID) {
	binary.BigEndian.PutUint64(out[:], number(n.spans, id))
	return out
}

// number starts at 1: an id of zeros is no id.
func number[T comparable](m map[T]uint64, id T) uint64 {
	n, ok := m[id]
	if !ok {
		n = uint64(len(m)) + 1
		m[id] = n
	}
	return n
}
