package detect

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/analysis"
	"github.com/midwatch/midwatch/internal/investigation"
)

// Detectors of the anomaly scan.
const (
	RuleMemoryGrowth = investigation.RuleMemoryGrowth
	RuleStarvation   = investigation.RuleStarvation
)

// usageSQL reads what processes used lately, and before.
const usageSQL = `
WITH series AS (
    SELECT DISTINCT series_id, service, instance, host, name FROM metric_series
    WHERE environment = {environment:String}
      AND name IN ('process.cpu.utilization', 'midwatch.process.run_delay', 'process.memory.usage', 'midwatch.process.memory.limit')
      AND day >= toDate({from:DateTime64(9,'UTC')}) AND day <= toDate({now:DateTime64(9,'UTC')}))
SELECT service, instance, host, name, avgIf(value, time >= {recent_from:DateTime64(9,'UTC')}) AS recent,
       countIf(time >= {recent_from:DateTime64(9,'UTC')}) AS recent_n,
       avgIf(value, time < {before_to:DateTime64(9,'UTC')}) AS before, countIf(time < {before_to:DateTime64(9,'UTC')}) AS before_n,
       arrayMap(p -> p.1, arraySort(groupArrayIf(100)((toUnixTimestamp64Milli(time) / 1000, value), time >= {growth_from:DateTime64(9,'UTC')})) AS points) AS at,
       arrayMap(p -> p.2, points) AS v
FROM (
    SELECT series_id, time, value FROM metric_samples
    WHERE series_id IN (SELECT series_id FROM series) AND time >= {from:DateTime64(9,'UTC')} AND time < {now:DateTime64(9,'UTC')}
      AND (time < {before_to:DateTime64(9,'UTC')} OR time >= {growth_from:DateTime64(9,'UTC')})
) AS samples INNER JOIN series USING (series_id)
GROUP BY service, instance, host, name ORDER BY service, instance, host, name LIMIT 20000`

// Lengths of the anomaly scan's windows; metrics come every 5 s.
const (
	usageRecent = 15 * time.Second
	usageGrowth = 30 * time.Second
	usageBefore = 2 * time.Minute
	// timeToLimit is how soon memory must hit its limit at the present rate.
	timeToLimit = time.Minute
)

type usageRow struct {
	Service  string    `ch:"service"`
	Instance string    `ch:"instance"`
	Host     string    `ch:"host"`
	Name     string    `ch:"name"`
	Recent   float64   `ch:"recent"`
	RecentN  uint64    `ch:"recent_n"`
	Before   float64   `ch:"before"`
	BeforeN  uint64    `ch:"before_n"`
	At       []float64 `ch:"at"`
	Values   []float64 `ch:"v"`
}

// Anomalies looks for what will hurt, or hurts without failing: memory that runs into its limit, and a process that takes
// the cores while services wait for them. It is meant to be quiet rather than complete.
func (d *Detector) Anomalies(ctx context.Context, now time.Time) ([]investigation.Trigger, error) {
	return d.anomalies(ctx, investigation.Window{From: now.Add(-usageBefore), To: now.Add(-usageGrowth)}, now)
}

func (d *Detector) anomalies(ctx context.Context, before investigation.Window, now time.Time) ([]investigation.Trigger, error) {
	found, err := rows[usageRow](ctx, d, "anomalies", usageSQL, param{"now", now}, param{"from", before.From},
		param{"recent_from", now.Add(-usageRecent)}, param{"before_to", before.To}, param{"growth_from", now.Add(-usageGrowth)})
	if err != nil {
		return nil, err
	}
	out := append(d.memoryGrowth(found, now), d.starvation(found, now)...)
	slices.SortFunc(out, func(a, b investigation.Trigger) int { return cmp.Compare(a.ID, b.ID) })
	return out, d.peers(ctx, out, now)
}

func (d *Detector) memoryGrowth(found []usageRow, now time.Time) []investigation.Trigger {
	limits := map[string]float64{}
	for _, row := range found {
		if row.Name == "midwatch.process.memory.limit" {
			limits[row.Service+row.Instance] = row.Recent
		}
	}
	var out []investigation.Trigger
	for _, row := range found {
		limit := limits[row.Service+row.Instance]
		if row.Name != "process.memory.usage" || limit <= 0 || len(row.Values) < 4 {
			continue
		}
		first, last := row.Values[0], row.Values[len(row.Values)-1]
		slope := analysis.Slope(row.At, row.Values)
		if last < d.rules.MemoryShare*limit || last-first < 0.15*limit || slope <= 0 || (limit-last)/slope > timeToLimit.Seconds() {
			continue
		}
		t := d.serviceTrigger(investigation.Anomaly, RuleMemoryGrowth, row.Service, time.UnixMilli(int64(1000*row.At[0])), now)
		t.Severity, t.Value, t.Threshold = investigation.Warning, last, d.rules.MemoryShare*limit
		t.Summary = fmt.Sprintf("%s grew from %.0f to %.0f MB and hits its limit of %.0f MB within a minute", row.Service, first/1e6, last/1e6, limit/1e6)
		out = append(out, t)
	}
	return out
}

func (d *Detector) starvation(found []usageRow, now time.Time) []investigation.Trigger {
	more, waiting := map[string]float64{}, map[string]bool{}
	for _, row := range found {
		switch {
		case row.RecentN < 2:
		case row.Name == "process.cpu.utilization" && !strings.HasPrefix(row.Service, "midwatch-"):
			more[row.Service] += row.Recent - known(row)
		case row.Name == "midwatch.process.run_delay" && row.BeforeN >= 3 && row.Recent > 0.05 && row.Recent > 5*max(row.Before, 0.005):
			waiting[row.Service] = true
		}
	}
	var out []investigation.Trigger
	for service, cores := range more {
		others := make([]string, 0, len(waiting))
		for w := range waiting {
			if w != service {
				others = append(others, w)
			}
		}
		slices.Sort(others)
		if cores < d.rules.CPUCores || len(others) < 2 {
			continue
		}
		t := d.serviceTrigger(investigation.Anomaly, RuleStarvation, service, now.Add(-usageRecent), now)
		t.Severity, t.Value, t.Threshold, t.Peers = investigation.Warning, cores, d.rules.CPUCores, others
		t.Summary = fmt.Sprintf("%s takes %.1f cores more than before while %s wait for one", service, cores, strings.Join(others, ", "))
		out = append(out, t)
	}
	return out
}

// known is what a process used before, nothing if it is new.
func known(row usageRow) float64 {
	if row.BeforeN == 0 {
		return 0
	}
	return row.Before
}
