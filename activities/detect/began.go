package detect

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/midwatch/midwatch/internal/analysis"
	"github.com/midwatch/midwatch/internal/investigation"
)

// Scope is where Began looks. Namespaces and Services are all of them when empty.
type Scope struct {
	Namespaces []string // Kubernetes namespaces that the asker may see
	Services   []string
}

// Bounds of a search for when something began.
const (
	// searched is how far back it looks.
	searched = time.Hour
	// beganStep is the resolution of the first look, in seconds; the second one, at what differs, sees seconds.
	beganStep = 10
	// usual is the share of an operation's steps that are at least as good as its healthy time: something that has been wrong for
	// nine tenths of what was searched is how things are.
	usual = 0.1
	// maxSuspected bounds the second looks, each a query.
	maxSuspected = 12
	// minStep is how many requests a step needs to be judged.
	minStep = 5
)

const scoped = ` environment = {environment:String} AND kind = 'server' AND time >= {from:DateTime64(9,'UTC')} AND time < {now:DateTime64(9,'UTC')}
  AND (empty({namespaces:Array(String)}) OR has({namespaces:Array(String)}, simpleJSONExtractString(resource_json, 'k8s.namespace.name')))
  AND (empty({services:Array(String)}) OR has({services:Array(String)}, service))`

const stepsSQL = `
WITH busiest AS (SELECT service, name FROM spans WHERE` + scoped + `
    GROUP BY service, name ORDER BY countIf(status = 'error') DESC, count() DESC, service, name LIMIT 300)
SELECT service, name, intDiv(toUnixTimestamp(time), {step:UInt32}) AS step, count() AS n, countIf(status = 'error') AS errors,
       toUInt64(quantile(0.5)(duration_ns)) AS p50, toUInt64(quantile(0.95)(duration_ns)) AS p95
FROM spans
WHERE` + scoped + ` AND (service, name) IN (SELECT service, name FROM busiest)
GROUP BY service, name, step HAVING n >= {least:UInt64}
ORDER BY service, name, step LIMIT 150000`

type stepRow struct {
	Service string `ch:"service"`
	Name    string `ch:"name"`
	Step    uint32 `ch:"step"`
	N       uint64 `ch:"n"`
	Errors  uint64 `ch:"errors"`
	P50     uint64 `ch:"p50"`
	P95     uint64 `ch:"p95"`
}

// suspicion is a way in which an operation may have got worse.
type suspicion struct {
	finding
	steps int // in which it shows
	share float64
}

// Began looks through the last hour before now for when requests began to fail or to be slow, by the thresholds of the alert rules,
// and until when: now, unless it is over. Of several it takes what most requests suffer from. ok is false if nothing did. One
// that began with the first requests seen has no healthy time before it, and is not found.
func (d *Detector) Began(ctx context.Context, scope Scope, now time.Time) (w investigation.Window, ok bool, err error) {
	where := []param{
		{"from", now.Add(-searched)},
		{"now", now},
		{"namespaces", append([]string{}, scope.Namespaces...)},
		{"services", append([]string{}, scope.Services...)},
	}
	steps, err := rows[stepRow](ctx, d, "when something began", stepsSQL, append(where, param{"step", uint32(beganStep)}, param{"least", uint64(minStep)})...)
	if err != nil {
		return w, false, err
	}
	worst := uint64(0)
	for _, s := range d.suspicions(steps) {
		found, bad, err := d.change(ctx, s, where)
		if err != nil {
			return w, false, err
		}
		if bad > worst {
			w, worst = found, bad
		}
	}
	if worst > 0 && now.Sub(w.To) < time.Minute {
		w.To = now.UTC()
	}
	return w, worst > 0, nil
}

// suspicions are the ways in which operations have steps that are worse than their best ones, those of most steps first.
func (d *Detector) suspicions(rows []stepRow) []suspicion {
	var out []suspicion
	for len(rows) > 0 {
		first := rows[0]
		n := slices.IndexFunc(rows, func(r stepRow) bool { return r.Service != first.Service || r.Name != first.Name })
		if n < 0 {
			n = len(rows)
		}
		out = append(out, d.suspect(rows[:n])...)
		rows = rows[n:]
	}
	slices.SortStableFunc(out, func(a, b suspicion) int { return cmp.Compare(b.steps, a.steps) })
	return out[:min(len(out), maxSuspected)]
}

// suspect judges the steps of one operation.
func (d *Detector) suspect(steps []stepRow) []suspicion {
	r := d.rules
	usually := func(of func(stepRow) uint64) float64 {
		values := make([]float64, len(steps))
		for i, s := range steps {
			values[i] = float64(of(s))
		}
		return analysis.Quantile(values, usual)
	}
	p50, p95 := usually(func(s stepRow) uint64 { return s.P50 }), usually(func(s stepRow) uint64 { return s.P95 })
	slow := uint64(max(r.LatencyFactor*p95, p95+float64(r.LatencyAdd)))
	slowMedian := uint64(max(r.LatencyFactor*p50, p50+float64(r.LatencyAdd)/2))
	var out []suspicion
	add := func(slowNS uint64, share float64, worse func(stepRow) bool) {
		s := suspicion{finding: finding{slowNS: slowNS}, share: share}
		s.Service, s.Name = steps[0].Service, steps[0].Name
		for _, step := range steps {
			if worse(step) {
				s.steps++
			}
		}
		if s.steps > 0 {
			out = append(out, s)
		}
	}
	add(0, r.ErrorRatio, func(s stepRow) bool { return float64(s.Errors) > r.ErrorRatio*float64(s.N) })
	add(slow, r.SlowShare, func(s stepRow) bool { return s.P95 > slow })
	add(slowMedian, 0.5, func(s stepRow) bool { return s.P50 > slowMedian })
	return out
}

// change finds from when to when more requests of an operation were bad, by the second, and how many; none if that is not material.
func (d *Detector) change(ctx context.Context, s suspicion, where []param) (w investigation.Window, bad uint64, err error) {
	seconds, err := d.seconds(ctx, s.finding, where)
	if err != nil {
		return w, 0, err
	}
	steps := make([]analysis.Step, len(seconds))
	for i, sec := range seconds {
		steps[i] = sec.step()
	}
	from, to := analysis.Span(steps)
	if from < 0 {
		return w, 0, nil
	}
	during, before := analysis.Sum(steps[from:to]), analysis.Sum(steps[:from])
	share, usually := analysis.Ratio(float64(during.Hits), float64(during.Total)), analysis.Ratio(float64(before.Hits), float64(before.Total))
	if during.Total < d.rules.MinRequests || share < s.share || share < 2*usually || seconds[to-1].time().Sub(seconds[from].time()) < d.rules.Spread ||
		analysis.ProportionZ(during.Hits, during.Total, before.Hits, before.Total) <= significance {
		return w, 0, nil
	}
	return investigation.Window{From: seconds[from].time().UTC(), To: seconds[to-1].time().Add(time.Second).UTC()}, during.Hits, nil
}

// significance is the z that a change must exceed: hundreds of operations are looked at, and every second of an hour.
const significance = 5
