package detect

import (
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
	maxPerRule   = 20  // triggers of a rule, one for what each is about; more are a failure, and the rest is raised when those are gone
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
	list, invalid, problem := d.alertRules(ctx, now)
	outcomes := d.evaluate(ctx, turned(list, now), now, true)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	for name, err := range invalid {
		outcomes = append(outcomes, outcome{rule: rules.Alert{Name: name}, err: err})
	}
	out, failed := triggersOf(outcomes), failures(outcomes)
	if problem != nil {
		failed["AlertRule objects"] = problem
	}
	if err := d.peers(ctx, out, now); err != nil {
		failed["peers"] = err
	}
	d.troubles.note(d.cfg.Log, failed)
	d.states.set(statesOf(outcomes, problem, now))
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

// evaluate returns what became of each rule. With lasting set, a rule has to have held for its time; without, now is enough.
func (d *Detector) evaluate(ctx context.Context, list []rules.Alert, now time.Time, lasting bool) []outcome {
	ctx, cancel := context.WithTimeout(ctx, rulesTime)
	defer cancel()
	names := &namesOnce{}
	outcomes := make([]outcome, len(list))
	var g errgroup.Group
	g.SetLimit(rulesAtOnce)
	for i, a := range list {
		g.Go(func() error {
			outcomes[i] = d.rule(ctx, names, a, now, lasting)
			return nil
		})
	}
	_ = g.Wait() // none returns an error
	return outcomes
}

// rule evaluates one rule: first at now alone, which is cheap and mostly all; what holds is then asked since when.
func (d *Detector) rule(ctx context.Context, names *namesOnce, a rules.Alert, now time.Time, lasting bool) outcome {
	o := outcome{rule: a}
	if ctx.Err() != nil {
		o.err = errNoTime
		return o
	}
	ctx, cancel := context.WithTimeout(ctx, ruleTime)
	defer cancel()
	source := func() promql.Source {
		return namesOf{tools.Metrics(d.cfg.Store, tools.Scope{Environment: d.cfg.Environment}), names}
	}
	holding, err := d.engine.Evaluate(ctx, source(), a.Expr, promql.Range{From: now, To: now, Step: leastStep, Lookback: rulesLookback})
	o.err, o.series = inTime(ctx, err), len(holding.Series)
	o.blind = err == nil && holding.Blind && o.series == 0
	if o.blind && !lasting {
		o.err = errBlind
	}
	if o.err != nil || o.series == 0 {
		return o
	}
	wait := time.Duration(0)
	if lasting {
		wait = time.Duration(a.For)
	}
	past := history(wait, now)
	before, err := d.engine.Evaluate(ctx, source(), a.Expr, past)
	if err != nil {
		o.err = inTime(ctx, err)
		return o
	}
	since := map[string]time.Time{}
	for _, s := range before.Series {
		since[fingerprint(s.Labels)] = began(s.Points, past)
	}
	o.raised = d.ruleTriggers(a, lasted(a, holding.Series, since, now.Add(-wait)), now)
	if lasting && len(o.raised) > maxPerRule {
		o.err = fmt.Errorf("it holds for %d services or workloads, of which at most %d are raised", len(o.raised), maxPerRule)
		o.raised = o.raised[:maxPerRule]
	}
	return o
}

// inTime says in people's words that a rule took too long.
func inTime(ctx context.Context, err error) error {
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("it takes more than %s: read less, by a narrower selector or a shorter range", ruleTime)
	}
	return err
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
	list, _, problem := d.alertRules(ctx, now)
	list = slices.DeleteFunc(list, func(a rules.Alert) bool { return !slices.Contains(names, a.Rule()) })
	outcomes := d.evaluate(ctx, list, now, false)
	unknown := map[string]error{}
	for _, o := range outcomes {
		if o.err != nil {
			unknown[o.rule.Rule()] = o.err
		}
	}
	for _, name := range names {
		if problem != nil && !slices.ContainsFunc(list, func(a rules.Alert) bool { return a.Rule() == name }) {
			unknown[name] = problem // it may be there
		}
	}
	return triggersOf(outcomes), unknown, ctx.Err()
}

// namesOnce has the names of metrics asked once for all rules of a tick: most ask for the same minutes.
type namesOnce struct {
	mu    sync.Mutex
	asked map[[2]int64][]promql.Metric // :: from and to in Unix milliseconds → names
}

type namesOf struct {
	promql.Source
	once *namesOnce
}

func (n namesOf) Metrics(ctx context.Context, from, to time.Time) ([]promql.Metric, error) {
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
