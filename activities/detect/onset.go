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
  AND (empty({namespaces:Array(String)}) OR has({namespaces:Array(String)}, simpleJSONExtractString(resource_json, 'k8s.namespace.name')))
GROUP BY second ORDER BY second`

// onsetLookback is how far before now an onset is looked for.
const onsetLookback = 90 * time.Second

// second is what an operation answered in one second.
type second struct {
	Second uint32 `ch:"second"`
	N      uint64 `ch:"n"`
	Bad    uint64 `ch:"bad"`
}

func (s second) step() analysis.Step { return analysis.Step{Total: s.N, Hits: s.Bad} }

func (s second) time() time.Time { return time.Unix(int64(s.Second), 0) }

// seconds are those in which an operation answered, in their order; where has the parameters from, now and namespaces.
func (d *Detector) seconds(ctx context.Context, f finding, where []param) ([]second, error) {
	return rows[second](ctx, d, "the onset", onsetSQL,
		append([]param{{"service", f.Service}, {"name", f.Name}, {"slow_ns", f.slowNS}}, where...)...)
}

// onset is the second from which on more of an operation's requests are bad.
func (d *Detector) onset(ctx context.Context, f finding, now time.Time) (time.Time, error) {
	seconds, err := d.seconds(ctx, f, []param{{"from", now.Add(-onsetLookback)}, {"now", now}, {"namespaces", []string{}}})
	if err != nil {
		return time.Time{}, err
	}
	steps := make([]analysis.Step, len(seconds))
	for i, s := range seconds {
		steps[i] = s.step()
	}
	at := analysis.Onset(steps)
	if at < 0 {
		return now.Add(-d.rules.Window), nil
	}
	return seconds[at].time(), nil
}
