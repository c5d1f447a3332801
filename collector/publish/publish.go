// Package publish sends a node's telemetry to JetStream. It is what the node agent holds between its collectors and the
// cluster-local storage: batches wait here, bounded in memory, while JetStream is away.
package publish

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/midwatch/midwatch/collector/envelope"
)

const (
	ackTimeout   = 5 * time.Second // for JetStream's answer to one message; with fsync it took 2 ms
	retryPause   = 500 * time.Millisecond
	flushTimeout = 5 * time.Second // for what still waits when Run is asked to stop
)

// Config says where batches go and how much may wait.
type Config struct {
	URL      string      // tls://host:port of JetStream
	TLS      *tls.Config // this node's certificate, and the CA of the server
	Node     string      // names the subject; the host name
	MaxQueue int         // bytes, compressed, that may wait in memory; the oldest go first; 0 is 32 MiB
	Log      *slog.Logger
}

// Publisher queues batches and sends them. Its methods are safe for concurrent use.
type Publisher struct {
	cfg   Config
	codec *envelope.Codec
	queue queue
}

// New validates the configuration and starts nothing; batches may be queued before Run.
func New(cfg Config) (*Publisher, error) {
	if cfg.URL == "" || cfg.Node == "" {
		return nil, errors.New("publish: URL and Node are needed")
	}
	if cfg.MaxQueue == 0 {
		cfg.MaxQueue = 32 << 20
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	codec, err := envelope.NewCodec()
	if err != nil {
		return nil, err
	}
	return &Publisher{cfg: cfg, codec: codec, queue: queue{limit: cfg.MaxQueue, wake: make(chan struct{}, 1)}}, nil
}

// Traces queues a copy of td, in several messages when it is large. It never waits for JetStream. td is empty or cut afterwards.
func (p *Publisher) Traces(_ context.Context, td ptrace.Traces) error {
	return p.enqueue(traces{td}, envelope.NewID())
}

// Metrics does for metrics what Traces does for spans.
func (p *Publisher) Metrics(_ context.Context, md pmetric.Metrics) error {
	return p.enqueue(metrics{md}, envelope.NewID())
}

// Logs does for log records what Traces does for spans.
func (p *Publisher) Logs(_ context.Context, ld plog.Logs) error {
	return p.enqueue(logs{ld}, envelope.NewID())
}

// LogsAs does what Logs does under an id that the caller gives: what is told again under it, after a restart, too, is stored once.
func (p *Publisher) LogsAs(_ context.Context, id string, ld plog.Logs) error {
	return p.enqueue(logs{ld}, id)
}

// Queued counts the messages that were ever queued.
func (p *Publisher) Queued() uint64 { queued, _ := p.queue.progress(); return queued }

// Settled counts those of them, from the first on, that JetStream acknowledged or that were given up, which Stats counts.
func (p *Publisher) Settled() uint64 { _, settled := p.queue.progress(); return settled }

// Stats returns what happened so far.
func (p *Publisher) Stats() Stats { return p.queue.snapshot() }

// Drops counts what was given up, by reason: messages the queue had no room for, records too large for any message.
func (p *Publisher) Drops() map[string]uint64 {
	s := p.Stats()
	return map[string]uint64{"publish_queue_full": s.Dropped, "publish_too_large": s.Oversized}
}

// Run sends until ctx ends, then tries for a few seconds to send what still waits. A clean stop returns nil.
func (p *Publisher) Run(ctx context.Context) error {
	nc, err := nats.Connect(p.cfg.URL, nats.Name("node-agent "+p.cfg.Node), nats.Secure(p.cfg.TLS),
		nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(retryPause),
		nats.ReconnectBufSize(-1), // the queue is ours: a second one would send what was already given up
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil { // nil: we closed it
				p.cfg.Log.Warn("lost JetStream", "error", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { p.cfg.Log.Info("JetStream is back") }))
	if err != nil {
		return fmt.Errorf("connect to JetStream at %s: %w", p.cfg.URL, err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("open JetStream: %w", err)
	}
	p.drain(ctx, js, true)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	p.drain(last, js, false)
	return nil
}

// drain sends message after message until ctx ends or, unless wait, the queue is empty.
func (p *Publisher) drain(ctx context.Context, js jetstream.JetStream, wait bool) {
	for ctx.Err() == nil {
		m := p.queue.first()
		if m == nil && !wait {
			return
		}
		if m == nil {
			select {
			case <-p.queue.wake:
			case <-ctx.Done():
			}
			continue
		}
		if err := p.send(ctx, js, m); err != nil {
			p.queue.retried(err)
			select {
			case <-time.After(retryPause):
			case <-ctx.Done():
			}
			continue
		}
		p.queue.sent(m)
	}
}

// send publishes m. A message whose answer was lost is sent again under the same id, which JetStream stores once.
func (p *Publisher) send(ctx context.Context, js jetstream.JetStream, m *nats.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	_, err := js.PublishMsg(ctx, m, jetstream.WithRetryAttempts(0))
	return err
}
