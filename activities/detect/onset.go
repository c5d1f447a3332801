package detect

import (
	"context"
	"time"

	"github.com/midwatch/midwatch/internal/analysis"
)

const onsetSQL = `
SELECT toUnixTimestamp(toStartOfSecond(time)) AS second, count() AS n,
       countIf(if({slow_ns:UInt64} = 0, status = 'error', duration_ns > {slow_ns:UInt64})) AS bad
FROM spans
WHERE environment = {environment:String} AND kind = 'server' AND service = {service:String} AND name = {name:String}
  AND time >= {from:DateTime64(9,'UTC')} AND time < {now:DateTime64(9,'UTC')}
GROUP BY second ORDER BY second`

// onsetLookback is how far before now an onset is looked for.
const onsetLookback = 90 * time.Second

// onset is the second from which on more of an operation's requests are bad.
func (d *Detector) onset(ctx context.Context, f finding, now time.Time) (time.Time, error) {
	type second struct {
		Second uint32 `ch:"second"`
		N      uint64 `ch:"n"`
		Bad    uint64 `ch:"bad"`
	}
	seconds, err := rows[second](ctx, d, "the onset", onsetSQL, param{"service", f.Service}, param{"name", f.Name}, param{"slow_ns", f.slowNS},
		param{"from", now.Add(-onsetLookback)}, param{"now", now})
	if err != nil {
		return time.Time{}, err
	}
	steps := make([]analysis.Step, len(seconds))
	for i, s := range seconds {
		steps[i] = analysis.Step{Total: s.N, Hits: s.Bad}
	}
	at := analysis.Onset(steps)
	if at < 0 {
		return now.Add(-d.rules.Window), nil
	}
	return time.Unix(int64(seconds[at].Second), 0), nil
}
