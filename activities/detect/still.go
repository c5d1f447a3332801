package detect

import (
	"context"
	"slices"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// Still returns the alerts and anomalies that hold at now, measured against a healthy time however long ago, and the kernel
// events since a moment. Alerts and Anomalies compare with what was a moment before: to them a fault that lasted some minutes
// is how things are, and gone.
func (d *Detector) Still(ctx context.Context, healthy investigation.Window, since, now time.Time) ([]investigation.Trigger, error) {
	alerts, err := d.alerts(ctx, baseline{healthy, d.rules.WarmUp}, now)
	if err != nil {
		return nil, err
	}
	anomalies, err := d.anomalies(ctx, healthy, now)
	if err != nil {
		return nil, err
	}
	kernel, err := d.kernelEvents(ctx, since, now)
	if err != nil {
		return nil, err
	}
	// The state of what did not change since the fix counts, too, however long ago it was told.
	cluster, err := d.cluster(ctx, now.Add(-2*telemetry.SnapshotEvery), since, now)
	return slices.Concat(alerts, anomalies, once(cluster, kernel)), err
}

const servedSQL = `
SELECT service, count() AS n
FROM spans
WHERE environment = {environment:String} AND kind = 'server'
  AND time >= {from:DateTime64(9,'UTC')} AND time < {now:DateTime64(9,'UTC')}
GROUP BY service ORDER BY service LIMIT 5000`

// Served counts the requests that each service was seen to answer from a time to now. Where nothing is seen, nothing is known.
func (d *Detector) Served(ctx context.Context, from, now time.Time) (map[string]uint64, error) {
	type row struct {
		Service string `ch:"service"`
		N       uint64 `ch:"n"`
	}
	found, err := rows[row](ctx, d, "served requests", servedSQL, param{"from", from}, param{"now", now})
	served := make(map[string]uint64, len(found))
	for _, r := range found {
		served[r.Service] = r.N
	}
	return served, err
}
