package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/midwatch/midwatch/deploy/shop/fault"
	"github.com/midwatch/midwatch/deploy/shop/judge"
	"github.com/midwatch/midwatch/deploy/shop/plan"
)

// bench runs the shop and keeps what came of it.
type bench struct {
	options
	midwatch      *midwatch
	started       time.Time
	out, progress io.Writer
	seeds         uint64     // used so far
	recent        [][]string // names of the latest shops
}

// outcome is one run of one fault.
type outcome struct {
	fault  judge.Fault
	alert  time.Duration // after the fault; patience when there was none
	report time.Duration // after the alert; patience when there was none
	right  bool
	why    string
	early  int // incidents before the fault, while the shop was healthy
}

// results is everything that is measured.
type results struct {
	outcomes  []outcome
	watched   time.Duration // healthy time
	incidents int           // in it
}

func (b *bench) all(ctx context.Context) (results, error) {
	var r results
	var err error
	if b.healthy > 0 {
		b.tell("healthy for %s", b.healthy)
		if r.incidents, err = b.healthyTime(ctx); err != nil {
			return r, err
		}
		r.watched = b.healthy
		fmt.Fprintf(b.out, "healthy for %s: %d incidents\n", b.healthy, r.incidents)
	}
	fmt.Fprintf(b.out, "%-3s  %-22s  %-8s  %7s  %7s  %-3s  %s\n", "run", "fault", "kind", "alert s", "report s", "right", "why not")
	for round := range b.runs {
		for _, name := range b.faults {
			b.tell("run %d of %d: %s", round+1, b.runs, name)
			o, err := b.one(ctx, name)
			if err != nil {
				return r, fmt.Errorf("run %d of %s: %w", round+1, name, err)
			}
			r.outcomes = append(r.outcomes, o)
			fmt.Fprintf(b.out, "%-3d  %-22s  %-8s  %7s  %8s  %-5s  %s\n", round+1, name, o.fault.Kind,
				seconds(o.alert), seconds(o.report), yes(o.right), o.why)
		}
	}
	return r, nil
}

// fresh is how many shops back a name is not used again: another program under a known name would be a deployment, and
// the telemetry of the one before would count as its own.
const fresh = 4

// open starts a shop with names that no run just before had.
func (b *bench) open(ctx context.Context) (*shop, error) {
	for range 1000 {
		b.seeds++
		p, err := plan.Random(b.seed + b.seeds)
		if err != nil {
			return nil, err
		}
		names := []string{p.Redis.Name, p.Postgres.Database}
		for _, program := range p.Programs {
			names = append(names, program.Name)
		}
		if slices.ContainsFunc(b.recent, func(used []string) bool { return overlap(used, names) }) {
			continue
		}
		b.recent = append(b.recent, names)
		b.recent = b.recent[max(0, len(b.recent)-fresh):]
		return startShop(ctx, b.options, p)
	}
	return nil, errors.New("no seed gives names that were not used just before")
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(name string) bool { return slices.Contains(b, name) })
}

// healthyTime counts the incidents of a shop that nobody breaks.
func (b *bench) healthyTime(ctx context.Context) (int, error) {
	s, err := b.open(ctx)
	if err != nil {
		return 0, err
	}
	since := time.Now()
	err = sleep(ctx, b.healthy)
	var seen sight
	if err == nil {
		seen, err = b.midwatch.look(ctx, since)
	}
	return seen.incidents, errors.Join(err, s.close(), b.midwatch.settle(ctx))
}

// one starts a shop, breaks it, waits for the report and judges it.
func (b *bench) one(ctx context.Context, name string) (outcome, error) {
	s, err := b.open(ctx)
	if err != nil {
		return outcome{}, err
	}
	o, err := b.broken(ctx, s, name)
	return o, errors.Join(err, s.close(), b.midwatch.settle(ctx), b.midwatch.dismiss(ctx))
}

func (b *bench) broken(ctx context.Context, s *shop, name string) (outcome, error) {
	expected, err := judge.Find(s.Plan, name)
	if err != nil {
		return outcome{}, err
	}
	o := outcome{fault: expected}
	serving := time.Now()
	if err := sleep(ctx, b.baseline); err != nil {
		return o, err
	}
	early, err := b.midwatch.look(ctx, serving)
	if err != nil {
		return o, err
	}
	o.early = early.incidents
	injected := time.Now()
	if err := fault.Inject(ctx, s.Shop, b.program, name); err != nil {
		return o, err
	}
	seen, err := b.midwatch.await(ctx, injected)
	if err != nil {
		return o, err
	}
	o.alert, o.report = patience, patience
	if !seen.alert.IsZero() {
		o.alert = seen.alert.Sub(injected)
	}
	if !seen.report.IsZero() {
		o.report = seen.report.Sub(seen.alert)
	}
	o.right, o.why = judge.Judge(expected, seen.reports)
	if !o.right && len(seen.ids) > 0 {
		o.why += " (" + strings.Join(seen.ids, ", ") + ")"
	}
	if o.early > 0 {
		o.why = strings.TrimSpace(fmt.Sprintf("%s [%d incidents before the fault]", o.why, o.early))
	}
	return o, fault.Clear(ctx, s.Shop)
}

func (b *bench) tell(format string, args ...any) {
	fmt.Fprintf(b.progress, "%6s  %s\n", time.Since(b.started).Round(time.Second), fmt.Sprintf(format, args...))
}

func seconds(d time.Duration) string {
	if d >= patience {
		return "-"
	}
	return fmt.Sprintf("%.1f", d.Seconds())
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
