package detect

import (
	"context"
	"fmt"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
)

// silentSQL finds services that answered before, answer nothing now, and to which clients fail to connect.
const silentSQL = `
SELECT service, any(answered) AS answered, sum(failures) AS failures, min(f_from) AS f_from, max(f_to) AS f_to, max(f_last) AS f_last
FROM (
    SELECT service, concat(attributes['server.address'], ':', attributes['server.port']) AS address, count() AS answered
    FROM spans
    WHERE environment = {environment:String} AND kind = 'server'
      AND time >= {base_from:DateTime64(9,'UTC')} AND time < {base_to:DateTime64(9,'UTC')}
      AND service NOT IN (
          SELECT service FROM spans WHERE environment = {environment:String} AND kind = 'server'
            AND time >= {quiet_from:DateTime64(9,'UTC')} AND time < {now:DateTime64(9,'UTC')})
    GROUP BY service, address HAVING answered >= {min_requests:UInt64}
) AS was INNER JOIN (
    SELECT concat(attributes['server.address'], ':', attributes['server.port']) AS address, count() AS failures,
           quantileExact(0.1)(toUnixTimestamp64Milli(time)) AS f_from, quantileExact(0.9)(toUnixTimestamp64Milli(time)) AS f_to,
           toUnixTimestamp64Milli(max(time)) AS f_last
    FROM spans
    WHERE environment = {environment:String} AND kind = 'client' AND startsWith(name, 'CONNECT ')
      AND time >= {recent_from:DateTime64(9,'UTC')} AND time < {now:DateTime64(9,'UTC')}
    GROUP BY address HAVING failures >= 5
) AS refused ON was.address = refused.address
GROUP BY service ORDER BY service LIMIT 100`

type silentService struct {
	Service  string `ch:"service"`
	Answered uint64 `ch:"answered"`
	Failures uint64 `ch:"failures"`
	From     int64  `ch:"f_from"`
	To       int64  `ch:"f_to"`
	Last     int64  `ch:"f_last"`
}

func (d *Detector) silent(ctx context.Context, base baseline, now time.Time) ([]investigation.Trigger, error) {
	found, err := rows[silentService](ctx, d, "services that stopped answering", silentSQL, param{"now", now}, param{"recent_from", now.Add(-d.rules.Window)},
		param{"base_from", base.From}, param{"base_to", base.To}, param{"quiet_from", now.Add(-d.rules.Window / 2)}, param{"min_requests", d.rules.MinRequests})
	if err != nil {
		return nil, err
	}
	var out []investigation.Trigger
	for _, s := range found {
		if !d.lasting(s.From, s.To, s.Last, now) {
			continue
		}
		t := d.serviceTrigger(investigation.Alert, RuleSilent, s.Service, time.UnixMilli(s.From), now)
		t.Severity, t.Value, t.Threshold = investigation.Critical, float64(s.Failures), 5
		t.Summary = fmt.Sprintf("%s answers nothing any more, %d connects to it failed in %s", s.Service, s.Failures, d.rules.Window)
		out = append(out, t)
	}
	return out, nil
}
