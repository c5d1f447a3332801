package detect

import (
	"context"
	"slices"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
)

const peersSQL = `
SELECT service, peer_service AS peer, kind = 'client' AS calls
FROM spans
WHERE environment = {environment:String} AND kind IN ('client', 'server') AND peer_service != ''
  AND time >= {from:DateTime64(9,'UTC')} AND time < {now:DateTime64(9,'UTC')}
  AND (NOT startsWith(name, 'DNS ') OR error_type != '')
GROUP BY service, peer, calls ORDER BY service, peer, calls LIMIT 5000`

// peers fills in the services that call, or are called by, each trigger's, so that triggers of one fault find each other, and which of
// them it calls: what they suffer from may be why it ails. Name servers that answer are left out, since everybody asks them.
func (d *Detector) peers(ctx context.Context, triggers []investigation.Trigger, now time.Time) error {
	if len(triggers) == 0 {
		return nil
	}
	type edge struct {
		Service string `ch:"service"`
		Peer    string `ch:"peer"`
		Calls   uint8  `ch:"calls"`
	}
	edges, err := rows[edge](ctx, d, "peers", peersSQL, param{"from", now.Add(-d.rules.Window - d.rules.Baseline)}, param{"now", now})
	if err != nil {
		return err
	}
	near, calls := map[string][]string{}, map[string][]string{}
	for _, e := range edges {
		near[e.Service] = append(near[e.Service], e.Peer)
		near[e.Peer] = append(near[e.Peer], e.Service)
		from, to := e.Service, e.Peer
		if e.Calls == 0 {
			from, to = to, from
		}
		calls[from] = append(calls[from], to)
	}
	for i, t := range triggers {
		triggers[i].Peers = set(append(slices.Clone(t.Peers), near[t.Service]...))
		triggers[i].Calls = set(slices.Clone(calls[t.Service]))
	}
	return nil
}

func set(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}
