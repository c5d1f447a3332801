package rulewatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/rest"

	"github.com/midwatch/midwatch/collector/exporter/filter"
	"github.com/midwatch/midwatch/collector/kube/api"
	"github.com/midwatch/midwatch/internal/rules"
)

// statusEvery is how often statuses are looked after that could not be written, or that another leader left.
const statusEvery = 5 * time.Second

// Config says which cluster's rules are watched and what they become.
type Config struct {
	Cluster *rest.Config // address and credentials of the API server
	Filters *filter.Live // what drop and redaction rules are added to
	Leading func() bool  // whether this exporter writes statuses; nil: it does
	// States tells what became of the alert rules when they were evaluated last; nil: nothing is told of that.
	States func(ctx context.Context) (rules.States, error)
	Log    *slog.Logger
}

// Watcher watches rules. Make it with New, start it with Run.
type Watcher struct {
	cfg     Config
	client  *api.Client
	kinds   []*kind
	changed chan struct{} // has room for one: something is to be settled
	written map[string]written

	// What became of the alert rules; settleAll's alone.
	states  *rules.States
	asked   time.Time
	unasked string // why not, if it was not answered
}

// New validates the configuration, holds the filters until the rules are known, and starts nothing.
func New(cfg Config) (*Watcher, error) {
	if cfg.Cluster == nil || cfg.Filters == nil {
		return nil, errors.New("rulewatch: Cluster and Filters are needed")
	}
	if cfg.Leading == nil {
		cfg.Leading = func() bool { return true }
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	client, err := api.New(cfg.Cluster)
	if err != nil {
		return nil, err
	}
	cfg.Filters.Hold(errUnknown)
	return &Watcher{cfg: cfg, client: client, kinds: kinds(), changed: make(chan struct{}, 1), written: map[string]written{}}, nil
}

// errUnknown is why telemetry is held back at first.
var errUnknown = errors.New("the DropRules and RedactionRules of the cluster are not known yet")

// Run watches until ctx ends. A clean stop returns nil.
func (w *Watcher) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, k := range w.kinds {
		g.Go(func() error { k.follow(ctx, w.client, w.cfg.Log, w.poke); return nil })
	}
	g.Go(func() error { w.settleAll(ctx); return nil })
	return g.Wait()
}

// poke says that something is to be settled.
func (w *Watcher) poke() {
	select {
	case w.changed <- struct{}{}:
	default: // it is said already
	}
}

// settleAll keeps filters and statuses as the objects want them until ctx ends.
func (w *Watcher) settleAll(ctx context.Context) {
	tick := time.NewTicker(statusEvery)
	defer tick.Stop()
	var verdicts []verdict
	for ctx.Err() == nil {
		if w.cfg.Leading() {
			w.ask(ctx)
			w.tell(ctx, verdicts)
		}
		select {
		case <-w.changed:
			verdicts = w.settle()
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// settle makes the filters what the objects say, and returns what is to be told of each object.
func (w *Watcher) settle() []verdict {
	var all []verdict
	var s set
	known := true
	for _, k := range w.kinds {
		told, seen := k.judge(&s)
		known = known && (seen || !k.filters)
		all = append(all, told...)
	}
	switch {
	case !known: // held since New
	case len(s.missing) > 0:
		w.hold(fmt.Errorf("rules that cannot be applied: %w", errors.Join(s.missing...)))
	default:
		if err := w.cfg.Filters.Set(s.drop, s.redact); err != nil {
			w.hold(err) // each of them was found valid
		}
	}
	return all
}

func (w *Watcher) hold(why error) {
	w.cfg.Filters.Hold(why)
	w.cfg.Log.Error("no telemetry leaves the cluster; correct or delete the rule", "error", why)
}
