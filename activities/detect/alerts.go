package detect

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/midwatch/midwatch/internal/analysis"
	"github.com/midwatch/midwatch/internal/investigation"
)

// Rules that alerts are raised by.
const (
	RuleErrors  = "error_ratio"
	RuleLatency = "latency"
	RuleSilent  = "not_answering"
)

// operationsSQL compares each operation's latest requests with its own baseline. A baseline begins when its service has
// warmed up, and usually ends where the latest requests begin. bad_* are the moments (in ms) between which the middle eight tenths of the bad requests lie.
const operationsSQL = `
WITH
    births AS (
        SELECT service, min(time) AS born FROM spans
        WHERE environment = {environment:String} AND kind = 'server' AND time >= {horizon:DateTime64(9,'UTC')} AND time < {base_to:DateTime64(9,'UTC')}
        GROUP BY service),
    base AS (
        SELECT s.service AS service, s.name AS name, count() AS base_n, countIf(s.status = 'error') AS base_errors,
               quantileExact(0.5)(s.duration_ns) AS p50, quantileExact(0.95)(s.duration_ns) AS p95, min(b.born) AS born,
               greatest(toUInt64({factor:Float64} * p95), p95 + {add_ns:UInt64}) AS slow_ns,
               greatest(toUInt64({factor:Float64} * p50), p50 + toUInt64({add_ns:UInt64} / 2)) AS slow_median_ns
        FROM spans AS s INNER JOIN births AS b ON s.service = b.service
        WHERE s.environment = {environment:String} AND s.kind = 'server'
          AND s.time >= {base_from:DateTime64(9,'UTC')} AND s.time < {base_to:DateTime64(9,'UTC')}
          AND s.time >= b.born + toIntervalMillisecond({warm_up_ms:UInt64})
          AND b.born <= {born_before:DateTime64(9,'UTC')}
        GROUP BY service, name)
SELECT service, name, base_n, base_errors, p50, p95, slow_ns, slow_median_ns,
       count() AS n,
       countIf(failed) AS errors, countIf(slow) AS slow_n, countIf(slow_median) AS slow_median_n,
       quantileExactIf(0.5)(duration_ns, true) AS recent_p50, quantileExactIf(0.95)(duration_ns, true) AS recent_p95,
       quantileExactIf(0.1)(at, failed) AS errors_from, quantileExactIf(0.9)(at, failed) AS errors_to, maxIf(at, failed) AS errors_last,
       quantileExactIf(0.1)(at, slow) AS slow_from, quantileExactIf(0.9)(at, slow) AS slow_to, maxIf(at, slow) AS slow_last,
       quantileExactIf(0.1)(at, slow_median) AS median_from, quantileExactIf(0.9)(at, slow_median) AS median_to,
       maxIf(at, slow_median) AS median_last
FROM (
    SELECT s.service AS service, s.name AS name, s.duration_ns AS duration_ns, toUnixTimestamp64Milli(s.time) AS at, s.status = 'error' AS failed,
           s.duration_ns > base.slow_ns AS slow, s.duration_ns > base.slow_median_ns AS slow_median,
           base_n, base_errors, p50, p95, slow_ns, slow_median_ns
    FROM spans AS s INNER JOIN base ON s.service = base.service AND s.name = base.name
    WHERE s.environment = {environment:String} AND s.kind = 'server'
      AND s.time >= {recent_from:DateTime64(9,'UTC')} AND s.time < {now:DateTime64(9,'UTC')}
)
GROUP BY service, name, base_n, base_errors, p50, p95, slow_ns, slow_median_ns
HAVING n >= {min_requests:UInt64}
ORDER BY service, name
LIMIT 5000`

// horizon is how far before the end of the baseline a service's first request is looked for.
const horizon = 10 * time.Minute

type operation struct {
	Service      string `ch:"service"`
	Name         string `ch:"name"`
	BaseN        uint64 `ch:"base_n"`
	BaseErrors   uint64 `ch:"base_errors"`
	P50          uint64 `ch:"p50"`
	P95          uint64 `ch:"p95"`
	SlowNS       uint64 `ch:"slow_ns"`
	SlowMedianNS uint64 `ch:"slow_median_ns"`
	N            uint64 `ch:"n"`
	Errors       uint64 `ch:"errors"`
	SlowN        uint64 `ch:"slow_n"`
	SlowMedianN  uint64 `ch:"slow_median_n"`
	RecentP50    uint64 `ch:"recent_p50"`
	RecentP95    uint64 `ch:"recent_p95"`
	ErrorsFrom   int64  `ch:"errors_from"`
	ErrorsTo     int64  `ch:"errors_to"`
	ErrorsLast   int64  `ch:"errors_last"`
	SlowFrom     int64  `ch:"slow_from"`
	SlowTo       int64  `ch:"slow_to"`
	SlowLast     int64  `ch:"slow_last"`
	MedianFrom   int64  `ch:"median_from"`
	MedianTo     int64  `ch:"median_to"`
	MedianLast   int64  `ch:"median_last"`
}

// finding is an operation that breaks a rule.
type finding struct {
	operation
	rule      string
	bad       uint64 // bad requests in the window
	slowNS    uint64 // requests slower than this are bad; 0: failed ones are
	value     float64
	threshold float64
	summary   string
}

// Alerts evaluates the detector's own rules and those that people wrote at now, and returns a trigger per service and rule, or series of a
// person's rule, that holds, each kind ordered by id. A person's rule that cannot be evaluated is logged and counts as one that does not hold.
func (d *Detector) Alerts(ctx context.Context, now time.Time) ([]investigation.Trigger, error) {
	var own, written []investigation.Trigger
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { own, err = d.alerts(ctx, d.baseline(now), now); return err })
	g.Go(func() (err error) { written, err = d.written(ctx, now); return err })
	err := g.Wait()
	return slices.Concat(own, written), err
}

// baseline is the time that the latest is compared with, and how long a service must have lived before its end.
type baseline struct {
	investigation.Window
	minLife time.Duration
}

// baseline is the time just before the latest.
func (d *Detector) baseline(now time.Time) baseline {
	to := now.Add(-d.rules.Window)
	return baseline{investigation.Window{From: to.Add(-d.rules.Baseline), To: to}, d.rules.WarmUp + d.rules.MinBaseline}
}

func (d *Detector) alerts(ctx context.Context, base baseline, now time.Time) ([]investigation.Trigger, error) {
	r := d.rules
	operations, err := rows[operation](ctx, d, "failing and slow operations", operationsSQL,
		param{"now", now}, param{"horizon", base.To.Add(-horizon)}, param{"recent_from", now.Add(-r.Window)},
		param{"base_from", base.From}, param{"base_to", base.To}, param{"born_before", base.To.Add(-base.minLife)}, param{"warm_up_ms", uint64(r.WarmUp.Milliseconds())},
		param{"factor", r.LatencyFactor}, param{"add_ns", uint64(r.LatencyAdd)}, param{"min_requests", r.MinRequests})
	if err != nil {
		return nil, err
	}
	worst := map[[2]string]finding{}
	for _, o := range operations {
		for _, f := range d.judge(o, now) {
			key := [2]string{f.Service, f.rule}
			if known, there := worst[key]; !there || f.bad > known.bad {
				worst[key] = f
			}
		}
	}
	var out []investigation.Trigger
	for _, f := range worst {
		t, err := d.alert(ctx, f, now)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	silent, err := d.silent(ctx, base, now)
	if err != nil {
		return nil, err
	}
	out = append(out, silent...)
	if err := d.peers(ctx, out, now); err != nil {
		return nil, err
	}
	slices.SortFunc(out, func(a, b investigation.Trigger) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

// judge returns the rules an operation breaks.
func (d *Detector) judge(o operation, now time.Time) []finding {
	var out []finding
	r := d.rules
	if o.BaseN < r.MinRequests {
		return nil
	}
	ratio := float64(o.Errors) / float64(o.N)
	if ratio > r.ErrorRatio && o.Errors >= 3 && d.lasting(o.ErrorsFrom, o.ErrorsTo, o.ErrorsLast, now) &&
		analysis.ProportionZ(o.Errors, o.N, o.BaseErrors, o.BaseN) > 3 && ratio > 2*analysis.Ratio(float64(o.BaseErrors), float64(o.BaseN)) {
		out = append(out, finding{
			operation: o, rule: RuleErrors, bad: o.Errors, value: ratio, threshold: r.ErrorRatio,
			summary: fmt.Sprintf("%s fails %.0f%% of %s (%d of %d in %s), before %.2g%%", o.Service, 100*ratio, o.Name, o.Errors, o.N,
				r.Window, 100*analysis.Ratio(float64(o.BaseErrors), float64(o.BaseN))),
		})
	}
	slow := finding{operation: o, rule: RuleLatency, value: ms(o.RecentP95), threshold: ms(o.SlowNS), slowNS: o.SlowNS, bad: o.SlowN}
	slow.summary = fmt.Sprintf("%s takes %.0f ms for %s (95th percentile), before %.1f ms", o.Service, ms(o.RecentP95), o.Name, ms(o.P95))
	// The healthy share above SlowNS is unknown, but at most 5% by the definition of the 95th percentile.
	byTail := float64(o.SlowN) >= r.SlowShare*float64(o.N) && o.SlowN >= 5 && d.lasting(o.SlowFrom, o.SlowTo, o.SlowLast, now) &&
		analysis.ProportionZ(o.SlowN, o.N, o.BaseN/50, o.BaseN) > 3
	byMedian := 2*o.SlowMedianN >= o.N && d.lasting(o.MedianFrom, o.MedianTo, o.MedianLast, now)
	if !byTail && byMedian {
		slow.slowNS, slow.bad, slow.value, slow.threshold = o.SlowMedianNS, o.SlowMedianN, ms(o.RecentP50), ms(o.SlowMedianNS)
		slow.summary = fmt.Sprintf("%s takes %.0f ms for %s (median), before %.1f ms", o.Service, ms(o.RecentP50), o.Name, ms(o.P50))
	}
	if byTail || byMedian {
		out = append(out, slow)
	}
	return out
}

// lasting says that bad requests are not a blip: they are spread over time and go on. Moments are Unix milliseconds.
func (d *Detector) lasting(from, to, last int64, now time.Time) bool {
	return to-from >= d.rules.Spread.Milliseconds() && now.UnixMilli()-last <= d.rules.Fresh.Milliseconds()
}

func ms(ns uint64) float64 { return float64(ns) / 1e6 }

func (d *Detector) alert(ctx context.Context, f finding, now time.Time) (investigation.Trigger, error) {
	onset, err := d.onset(ctx, f, now)
	if err != nil {
		return investigation.Trigger{}, err
	}
	t := d.serviceTrigger(investigation.Alert, f.rule, f.Service, onset, now)
	t.Severity, t.Summary, t.Value, t.Threshold = investigation.Critical, f.summary, f.value, f.threshold
	t.Attributes = map[string]string{"operation": f.Name}
	return t, nil
}
