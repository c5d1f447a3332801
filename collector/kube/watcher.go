package kube

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/midwatch/midwatch/collector/kube/api"
	"github.com/midwatch/midwatch/collector/kube/bucket"
)

const reconnect = time.Second

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
	tasks := make([]func(context.Context) error, len(w.kinds))
	loading, ctxLoad := errgroup.WithContext(ctx)
	for i := range w.kinds {
		loading.Go(func() (err error) {
			tasks[i], err = w.take(ctxLoad, d, i)
			return err
		})
	}
	if err := loading.Wait(); err != nil {
		return err
	}
	d.tail = nil // what it was read for is done
	w.leading.Store(true)
	defer w.leading.Store(false)
	g, ctx := errgroup.WithContext(ctx)
	for _, task := range append(tasks, d.run, d.journal.run, d.keeper.run) {
		g.Go(func() error { return task(ctx) })
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
	j, err := newJournal(js, cluster, w.cfg.Log)
	if err != nil {
		return nil, err
	}
	keeper, err := newKeeper(ctx, b, w.cfg.Log)
	if err != nil {
		return nil, err
	}
	tail, err := j.readTail(ctx, codec, keeper.kept.Tail)
	if err != nil {
		return nil, err
	}
	return &desk{
		publisher: newPublisher(), journal: j, tail: tail, keeper: keeper, scribe: scribe{w.cfg.Environment, cluster}, bucket: b,
		codecV: codec, key: key, index: w.cfg.Index, skew: w.client.Skew, counted: &w.counted, log: w.cfg.Log,
	}, nil
}

// take reads how far one resource was published and returns what publishes the rest of it until its context ends.
func (w *Watcher) take(ctx context.Context, d *desk, i int) (task func(context.Context) error, err error) {
	r := w.kinds[i][0]
	if r.Kind == "Event" && r.Group == "" {
		n := &notes{desk: d, progress: newProgress(d.journal.last.Load)}
		d.keeper.of(r.String(), n.progress)
		s := w.stream(i, n)
		s.from = n.load()
		return s.run, nil
	}
	l := newLedger(d, r.String(), i >= len(Kinds()))
	d.keeper.of(r.String(), l.progress)
	s := w.stream(i, l)
	s.from, err = l.load(ctx, kindOf(r.Kind, r.APIVersion()))
	return func(ctx context.Context) error {
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() error { return l.repeat(ctx, w.cfg.Look) })
		g.Go(func() error { return s.run(ctx) })
		return g.Wait()
	}, err
}
