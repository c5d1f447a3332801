package kube

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/midwatch/midwatch/collector/kube/api"
	"github.com/midwatch/midwatch/collector/kube/bucket"
)

const (
	reconnect       = time.Second
	checkpointEvery = time.Second
)

// Watcher watches one cluster. Make it with New, start it with Run.
type Watcher struct {
	cfg     Config
	client  *api.Client
	kinds   [][]api.Resource
	states  []*kindState // as kinds
	counted counters
	leading atomic.Bool
}

// New validates the configuration and starts nothing.
func New(cfg Config) (*Watcher, error) {
	cfg, err := cfg.validate()
	if err != nil {
		return nil, err
	}
	client, err := api.New(cfg.Cluster)
	if err != nil {
		return nil, err
	}
	w := &Watcher{cfg: cfg, client: client, kinds: Kinds()}
	for _, c := range cfg.Custom {
		w.kinds = append(w.kinds, []api.Resource{c.resource()})
	}
	for _, k := range w.kinds {
		w.states = append(w.states, &kindState{resource: k[0].String()})
	}
	return w, nil
}

// Stats returns what happened so far.
func (w *Watcher) Stats() Stats {
	s := Stats{
		Leading: w.leading.Load(), Published: w.counted.published.Load(), Snapshots: w.counted.snapshots.Load(), Equal: w.counted.equal.Load(),
		Replayed: w.counted.replayed.Load(), Events: w.counted.events.Load(), Changes: w.counted.changes.Load(), Cut: w.counted.cut.Load(),
		Index: w.cfg.Index.Sizes(),
	}
	for _, k := range w.states {
		s.Kinds = append(s.Kinds, k.snapshot())
	}
	return s
}

// Run works until ctx ends. A clean stop returns nil; the next leader goes on where this one was.
func (w *Watcher) Run(ctx context.Context) error {
	nc, err := nats.Connect(w.cfg.JetStreamURL, nats.Name("kubernetes watcher"), nats.Secure(w.cfg.JetStreamTLS),
		nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(reconnect))
	if err != nil {
		return fmt.Errorf("connect to JetStream at %s: %w", w.cfg.JetStreamURL, err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("open JetStream: %w", err)
	}
	if w.cfg.Election == nil {
		w.untilItWorks(ctx, "watch the cluster", func(ctx context.Context) error { return w.lead(ctx, js) })
		return nil
	}
	return w.elect(ctx, js)
}

// untilItWorks repeats do until it returns nil or ctx ends.
func (w *Watcher) untilItWorks(ctx context.Context, what string, do func(context.Context) error) {
	for ctx.Err() == nil {
		err := do(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		w.cfg.Log.Warn(what+"; trying again", "error", err)
		select {
		case <-time.After(reconnect):
		case <-ctx.Done():
		}
	}
}

// follow keeps the index until ctx ends.
func (w *Watcher) follow(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for i, choices := range w.kinds {
		kind := choices[0].Kind
		if !indexed[kind] {
			continue
		}
		light := make([]api.Resource, len(choices))
		for j, r := range choices {
			r.Metadata = chained[kind]
			light[j] = r
		}
		s := w.stream(i, newFollower(w.cfg.Index, kind == "Pod"))
		s.choices = light
		g.Go(func() error { return s.run(ctx) })
	}
	return g.Wait()
}

func (w *Watcher) stream(i int, to sink) *stream {
	return &stream{client: w.client, choices: w.kinds[i], sink: to, state: w.states[i], retry: w.cfg.Retry, now: w.cfg.Now, log: w.cfg.Log}
}

// lead publishes until ctx ends (nil) or somebody else does.
func (w *Watcher) lead(ctx context.Context, js jetstream.JetStream) error {
	d, err := w.desk(ctx, js)
	if err != nil {
		return err
	}
	w.leading.Store(true)
	defer w.leading.Store(false)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return d.run(ctx) })
	for i, choices := range w.kinds {
		g.Go(func() error { return w.leadOne(ctx, d, i, choices[0]) })
	}
	if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// desk opens what the ledgers share.
func (w *Watcher) desk(ctx context.Context, js jetstream.JetStream) (*desk, error) {
	cluster, err := w.client.ClusterUID(ctx)
	if errors.Is(err, api.ErrForbidden) {
		w.cfg.Log.Warn("the cluster has no uid here: reading the namespace kube-system is not allowed", "error", err)
	} else if err != nil {
		return nil, err
	}
	b, err := bucket.Open(ctx, js, cluster)
	if err != nil {
		return nil, err
	}
	key, err := b.Key(ctx)
	if err != nil {
		return nil, err
	}
	codec, err := bucket.NewCodec()
	if err != nil {
		return nil, err
	}
	p, err := newPublisher(js, &w.counted, w.cfg.Log)
	if err != nil {
		return nil, err
	}
	return &desk{
		publisher: p, scribe: scribe{w.cfg.Environment, cluster}, bucket: b, codecV: codec, key: key, index: w.cfg.Index, skew: w.client.Skew,
	}, nil
}

// leadOne publishes one resource.
func (w *Watcher) leadOne(ctx context.Context, d *desk, i int, r api.Resource) error {
	if r.Kind == "Event" && r.Group == "" {
		n := &notes{desk: d, progress: newProgress()}
		from, err := n.load(ctx)
		if err != nil {
			return err
		}
		return w.watchAndKeep(ctx, d, i, from, n, n.progress)
	}
	l := newLedger(d, r.String(), i >= len(Kinds()))
	from, err := l.load(ctx)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return l.repeat(ctx) })
	g.Go(func() error { return w.watchAndKeep(ctx, d, i, from, l, l.progress) })
	return g.Wait()
}

// watchAndKeep runs a stream and writes down how far it came.
func (w *Watcher) watchAndKeep(ctx context.Context, d *desk, i int, from string, to sink, p *progress) error {
	s := w.stream(i, to)
	s.from = from
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.run(ctx) })
	g.Go(func() error { keepCheckpoint(ctx, d.bucket, s.name(), p, w.cfg.Log); return nil })
	return g.Wait()
}

// keepCheckpoint writes down how far a resource was published: at once when its first list is, then every second, and at the end.
func keepCheckpoint(ctx context.Context, b *bucket.Bucket, resource string, p *progress, log *slog.Logger) {
	tick := time.NewTicker(checkpointEvery)
	defer tick.Stop()
	first := p.first
	for last := false; !last; {
		select {
		case <-first:
			first = nil
		case <-tick.C:
		case <-ctx.Done():
			last = true
		}
		version, ok := p.unkept()
		if !ok {
			continue
		}
		if err := b.SetCheckpoint(context.WithoutCancel(ctx), resource, version); err != nil {
			log.Debug("keep a checkpoint; the next one is tried", "error", err)
			continue
		}
		p.keep(version)
	}
}
