package detect

import (
	"context"
	"slices"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
)

const peersSQL = `
SELECT service, peer_service AS peer
FROM spans
WHERE environment = {environment:String} AND kind IN ('client', 'server') AND peer_service != ''
  AND time >= {from:DateTime64(9,'UTC')} AND time < {now:DateTime64(9,'UTC')}
GROUP BY service, peer ORDER BY service, peer LIMIT 5000`

// peers fills in the services that call, or are called by, each trigger's, so that triggers of one fault find each other.
func (d *Detector) peers(ctx context.Context, triggers []investigation.Trigger, now time.Time) error {
	if len(triggers) == 0 {
		return nil
	}
	type edge struct {
		Service string `ch:"service"`
		Peer    string `ch:"peer"`
	}
	edges, err := rows[edge](ctx, d, "peers", peersSQL, param{"from", now.Add(-d.rules.Window - d.rules.Baseline)}, param{"now", now})
	if err != nil {
		return err
	}
	near := map[string][]string{}
	for _, e := range edges {
		near[e.Service] = append(near[e.Service], e.Peer)
		near[e.Peer] = append(near[e.Peer], e.Service)
	}
	for i, t := range triggers {
		peers := append(slices.Clone(t.Peers), near[t.Service]...)
		slices.Sort(peers)
		triggers[i].Peers = slices.Compact(peers)
	}
	return nil
}
