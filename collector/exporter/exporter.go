// Package exporter carries telemetry out of the cluster: it reads what node agents left in JetStream, adds what only the
// cluster as a whole knows, drops what must not leave it, and gives it to the ingester. A message is acknowledged after the
// ingester stored it, so an outage of either side loses nothing within the stream's bounds.
package exporter

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/midwatch/midwatch/collector/envelope"
	"github.com/midwatch/midwatch/collector/exporter/filter"
	"github.com/midwatch/midwatch/collector/kube/index"
	"github.com/midwatch/midwatch/internal/telemetry"
)

const (
	consumerName  = "exporter" // shared by all exporters of a cluster
	senders       = 256        // messages under way at a time; the ingester answers after up to 200 ms of grouping
	prefetch      = 1024
	prefetchBytes = 16 << 20 // of them, compressed
	maxInFlight   = 96 << 20 // bytes of messages under way, decoded: estimated as unpacked times their compressed size
	unpacked      = 12
	maxPending    = 8192             // delivered and not acknowledged, all exporters together
	ackWait       = 15 * time.Second // after which a message of an exporter that died goes to another
	heartbeat     = 5 * time.Second  // tells JetStream that a message is still worked on
	reconnect     = time.Second
)

// Config says between what the exporter stands.
type Config struct {
	JetStreamURL    string      // tls://host:port
	JetStreamTLS    *tls.Config // own certificate, and the CA of the server
	IngesterAddress string      // host:port of OTLP/gRPC
	IngesterTLS     *tls.Config
	Index           *index.Index                                       // of the cluster, kept up to date by collector/kube; nil: no cluster, nothing is added from it
	Metrics         func(ms pmetric.MetricSlice, start, now time.Time) // adds to the exporter's own metrics; may be nil
	Filters         *filter.Live                                       // what must not leave; nil: everything may
	Ready           func()                                             // called once, when messages are being read; may be nil
	Log             *slog.Logger
}

// Exporter reads, enriches and sends. Make it with New, start it with Run.
type Exporter struct {
	cfg      Config
	codec    *envelope.Codec
	peers    *peers
	outside  *outside
	clocks   *clocks
	strange  *strangers
	counters counters
	gaps     gaps
}

// New validates the configuration and starts nothing.
func New(cfg Config) (*Exporter, error) {
	if cfg.JetStreamURL == "" || cfg.IngesterAddress == "" {
		return nil, errors.New("exporter: JetStreamURL and IngesterAddress are needed")
	}
	if cfg.JetStreamTLS == nil || cfg.IngesterTLS == nil {
		return nil, errors.New("exporter: both sides need TLS")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Filters == nil {
		cfg.Filters, _ = filter.NewLive(nil, nil) // no rules, none of them wrong
	}
	codec, err := envelope.NewCodec()
	if err != nil {
		return nil, err
	}
	strange, err := newStrangers()
	if err != nil {
		return nil, err
	}
	return &Exporter{cfg: cfg, codec: codec, peers: newPeers(time.Now), outside: newOutside(time.Now), clocks: newClocks(), strange: strange}, nil
}

// Stats returns what happened to messages so far.
func (e *Exporter) Stats() Stats { return e.counters.snapshot() }

// Run works until ctx ends. A clean stop returns nil; what was not acknowledged is delivered again to the next exporter.
func (e *Exporter) Run(ctx context.Context) error {
	to, err := dialIngester(e.cfg.IngesterAddress, e.cfg.IngesterTLS)
	if err != nil {
		return err
	}
	defer func() { _ = to.Close() }() // there is nothing to do about it
	nc, err := nats.Connect(e.cfg.JetStreamURL, nats.Name("exporter"), nats.Secure(e.cfg.JetStreamTLS),
		nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(reconnect),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil { // nil: we closed it
				e.cfg.Log.Warn("lost JetStream", "error", err)
			}
		}))
	if err != nil {
		return fmt.Errorf("connect to JetStream at %s: %w", e.cfg.JetStreamURL, err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("open JetStream: %w", err)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { e.reportSelf(ctx, to); return nil })
	g.Go(func() error { e.read(ctx, js, to); return nil })
	return g.Wait()
}

// read hands messages to senders until ctx ends; when JetStream or the consumer goes away it starts over.
func (e *Exporter) read(ctx context.Context, js jetstream.JetStream, to *ingester) {
	ready := e.cfg.Ready
	for ctx.Err() == nil {
		err := e.readUntilError(ctx, js, to, func() {
			if ready != nil {
				ready()
				ready = nil
			}
		})
		if ctx.Err() != nil {
			return
		}
		e.cfg.Log.Warn("read from JetStream; trying again", "error", err)
		select {
		case <-time.After(reconnect):
		case <-ctx.Done():
		}
	}
}

func (e *Exporter) readUntilError(ctx context.Context, js jetstream.JetStream, to *ingester, ready func()) error {
	consumer, err := e.consumer(ctx, js)
	if err != nil {
		return err
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessagesWithBytesLimit(prefetch, prefetchBytes), jetstream.PullHeartbeat(heartbeat), jetstream.PullExpiry(2*heartbeat))
	if err != nil {
		return fmt.Errorf("read consumer %s: %w", consumerName, err)
	}
	defer messages.Stop()
	ready()
	var g errgroup.Group
	g.SetLimit(senders)
	room := semaphore.NewWeighted(maxInFlight)
	defer g.Wait() //nolint:errcheck // no sender returns an error
	for {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if errors.Is(err, jetstream.ErrNoHeartbeat) {
			continue // a connection that was lost and found; the iterator goes on
		}
		if err != nil {
			return fmt.Errorf("read consumer %s: %w", consumerName, err)
		}
		if md, err := m.Metadata(); err == nil {
			e.counters.lost.Add(e.gaps.lostBefore(md))
		}
		size := min(int64(unpacked*len(m.Data())), maxInFlight)
		if err := room.Acquire(ctx, size); err != nil {
			return fmt.Errorf("read consumer %s: %w", consumerName, err)
		}
		g.Go(func() error { defer room.Release(size); e.forward(ctx, m, to); return nil })
	}
}

func (e *Exporter) consumer(ctx context.Context, js jetstream.JetStream) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	c, err := js.CreateOrUpdateConsumer(ctx, telemetry.StreamName, jetstream.ConsumerConfig{
		Durable: consumerName, AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait, MaxAckPending: maxPending,
		MaxDeliver: -1, DeliverPolicy: jetstream.DeliverAllPolicy, FilterSubject: telemetry.SubjectPrefix + ".>",
	})
	if err != nil {
		return nil, fmt.Errorf("make consumer %s: %w", consumerName, err)
	}
	return c, nil
}
