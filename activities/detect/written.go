package detect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/promql"
	"github.com/midwatch/midwatch/internal/rules"
	"github.com/midwatch/midwatch/internal/tools"
)

// Bounds of a tick: rules must neither keep Midwatch's own from being looked at nor flood whoever sorts triggers.
const (
	maxRules     = 200 // evaluated in a tick; more are failures
	maxPerRule   = 20  // triggers of a rule; that there are more series is a failure, and the rest is raised when those are gone
	rulesAtOnce  = 2
	rulesTime    = 7 * time.Second // of a tick, all rules together
	ruleTime     = 3 * time.Second // of one rule
	rulesHistory = 10 * time.Minute
	historySteps = 120
	leastStep    = 5 * time.Second // how often processes are measured
	// rulesLookback is how old a value may be to count: of a process that is gone not for long, of what is sent every minute still.
	rulesLookback = 90 * time.Second
)

var (
	// errNoTime means that other rules took the time of the tick. The next begins with another rule.
	errNoTime = errors.New("no time was left for it: the rules before it took all")
	// errBlind means that whether a rule holds is not known. While it has to hold to be raised, that is no failure: many a metric begins late.
	errBlind = errors.New("nothing of what it reads was measured lately")
)

// written evaluates the rules that people wrote. It returns an error only if ctx ended.
func (d *Detector) written(ctx context.Context, now time.Time) ([]investigation.Trigger, error) {
	list, err := d.alertRules(ctx, now)
	out, failed := d.evaluate(ctx, turned(list, now), now, true)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		failed["AlertRule objects"] = err
	}
	if err := d.peers(ctx, out, now); err != nil {
		failed["peers"] = err
	}
	d.failed.note(d.cfg.Log, failed)
	return out, ctx.Err()
}

// turned begins with another rule every few seconds, so that slow ones do not always starve the same.
func turned(list []rules.Alert, now time.Time) []rules.Alert {
	if len(list) == 0 {
		return nil
	}
	at := int(now.Unix()/int64(leastStep/time.Second)) % len(list)
	return slices.Concat(list[at:], list[:at])
}

// evaluate returns the triggers of rules, ordered by id, and why rules could not be evaluated. With lasting set, a rule has to have held for
// its time; without, now is enough.
func (d *Detector) evaluate(ctx context.Context, list []rules.Alert, now time.Time, lasting bool) ([]investigation.Trigger, map[string]error) {
	ctx, cancel := context.WithTimeout(ctx, rulesTime)
	defer cancel()
	var mu sync.Mutex
	var out []investigation.Trigger
	failed := map[string]error{}
	names := &namesOnce{}
	var g errgroup.Group
	g.SetLimit(rulesAtOnce)
	for _, a := range list {
		g.Go(func() error {
			found, err := d.rule(ctx, names, a, now, lasting)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed[a.Name] = err
			}
			out = append(out, found...)
			return nil
		})
	}
	_ = g.Wait() // none returns an error
	slices.SortFunc(out, func(a, b investigation.Trigger) int { return cmp.Compare(a.ID, b.ID) })
	return out, failed
}

// rule evaluates one rule: first at now alone, which is cheap and mostly all; what holds is then asked since when.
func (d *Detector) rule(ctx context.Context, names *namesOnce, a rules.Alert, now time.Time, lasting bool) ([]investigation.Trigger, error) {
	if ctx.Err() != nil {
		return nil, errNoTime
	}
	ctx, cancel := context.WithTimeout(ctx, ruleTime)
	defer cancel()
	source := func() promql.Source {
		return named{tools.Metrics(d.cfg.Store, tools.Scope{Environment: d.cfg.Environment}), names}
	}
	holding, err := d.engine.Evaluate(ctx, source(), a.Expr, promql.Range{From: now, To: now, Step: leastStep, Lookback: rulesLookback})
	if err == nil && len(holding.Series) == 0 && holding.Blind && !lasting {
		err = errBlind
	}
	if err != nil || len(holding.Series) == 0 {
		return nil, err
	}
	wait, limit := time.Duration(0), len(holding.Series)
	if lasting {
		wait, limit = time.Duration(a.For), maxPerRule
	}
	past := history(wait, now)
	before, err := d.engine.Evaluate(ctx, source(), a.Expr, past)
	if err != nil {
		return nil, err
	}
	since := map[string]time.Time{}
	for _, s := range before.Series {
		since[fingerprint(s.Labels)] = began(s.Points, past)
	}
	out := d.ruleTriggers(a, lasted(a, holding.Series, since, now.Add(-wait)), limit, now)
	if len(holding.Series) > limit {
		return out, fmt.Errorf("it holds for %d series, of which at most %d are raised", len(holding.Series), limit)
	}
	return out, nil
}

// history is when a rule is evaluated to see since when it holds: longer than it has to, for its onset.
func history(wait time.Duration, now time.Time) promql.Range {
	step := max(leastStep, ((wait + rulesHistory) / historySteps).Round(time.Second))
	steps := (wait+rulesHistory)/step + 1
	return promql.Range{From: now.Add(-steps * step), To: now, Step: step, Lookback: rulesLookback}
}

// began is the first of the points that reach the end of a range without a gap; zero if none does.
func began(points []promql.Point, r promql.Range) (since time.Time) {
	due := r.To
	for _, p := range slices.Backward(points) {
		if p.At.UnixMilli() != due.UnixMilli() {
			break
		}
		since, due = p.At, due.Add(-r.Step)
	}
	return since
}

// Holding evaluates the named rules that people wrote at now, whatever time they ask for: the triggers of those that hold, and of others why
// they could not be evaluated. A rule that is there no more is in neither.
func (d *Detector) Holding(ctx context.Context, names []string, now time.Time) ([]investigation.Trigger, map[string]error, error) {
	list, problem := d.alertRules(ctx, now)
	list = slices.DeleteFunc(list, func(a rules.Alert) bool { return !slices.Contains(names, a.Rule()) })
	out, failed := d.evaluate(ctx, list, now, false)
	unknown := make(map[string]error, len(failed))
	for name, err := range failed {
		unknown[rules.Alert{Name: name}.Rule()] = err
	}
	for _, name := range names {
		if problem != nil && !slices.ContainsFunc(list, func(a rules.Alert) bool { return a.Rule() == name }) {
			unknown[name] = problem // it may be there
		}
	}
	return out, unknown, ctx.Err()
}

// namesOnce has the names of metrics asked once for all rules of a tick: most ask for the same minutes.
type namesOnce struct {
	mu    sync.Mutex
	asked map[[2]int64][]promql.Metric // :: from and to in Unix milliseconds → names
}

type named struct {
	promql.Source
	once *namesOnce
}

func (n named) Metrics(ctx context.Context, from, to time.Time) ([]promql.Metric, error) {
	n.once.mu.Lock()
	defer n.once.mu.Unlock()
	key := [2]int64{from.UnixMilli(), to.UnixMilli()}
	if known, ok := n.once.asked[key]; ok {
		return known, nil
	}
	found, err := n.Source.Metrics(ctx, from, to)
	if err != nil {
		return nil, err
	}
	if n.once.asked == nil {
		n.once.asked = map[[2]int64][]promql.Metric{}
	}
	n.once.asked[key] = found
	return found, nil
}

// fingerprint writes labels in one way.
func fingerprint(labels map[string]string) string {
	var b []byte
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		b = append(append(append(append(b, k...), 0), labels[k]...), 0)
	}
	return string(b)
}
