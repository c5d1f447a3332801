package kube

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// AppendMetrics adds what happened since start to a part's own metrics.
func (w *Watcher) AppendMetrics(ms pmetric.MetricSlice, start, now time.Time) {
	st := w.Stats()
	m := ms.AppendEmpty()
	m.SetName(telemetry.KubeVersions)
	m.SetUnit("{version}")
	sum := m.SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	for _, c := range []struct {
		outcome string
		n       uint64
	}{
		{"published", st.Published},
		{"snapshot", st.Snapshots},
		{"equal", st.Equal},
		{"replayed", st.Replayed},
		{"cut", st.Cut},
		{"event", st.Events},
		{"change", st.Changes},
	} {
		p := sum.DataPoints().AppendEmpty()
		p.SetStartTimestamp(pcommon.NewTimestampFromTime(start))
		p.SetTimestamp(pcommon.NewTimestampFromTime(now))
		p.SetIntValue(int64(c.n)) //nolint:gosec // it does not get that far
		p.Attributes().PutStr("outcome", c.outcome)
	}
	watched := gauge(ms, telemetry.KubeWatched, "1")
	for _, k := range st.Kinds {
		p := point(watched, now, flag(k.Watched))
		p.Attributes().PutStr("k8s.resource", k.Resource)
		if k.Reason != "" {
			p.Attributes().PutStr("reason", k.Reason)
		}
	}
	pods := gauge(ms, telemetry.KubeIndex, "{pod}")
	point(pods, now, int64(st.Index.Pods)).Attributes().PutStr("state", "present")
	point(pods, now, int64(st.Index.Gone)).Attributes().PutStr("state", "gone")
	point(gauge(ms, telemetry.KubeLeading, "1"), now, flag(st.Leading))
}

func gauge(ms pmetric.MetricSlice, name, unit string) pmetric.NumberDataPointSlice {
	m := ms.AppendEmpty()
	m.SetName(name)
	m.SetUnit(unit)
	return m.SetEmptyGauge().DataPoints()
}

func point(to pmetric.NumberDataPointSlice, now time.Time, n int64) pmetric.NumberDataPoint {
	p := to.AppendEmpty()
	p.SetTimestamp(pcommon.NewTimestampFromTime(now))
	p.SetIntValue(n)
	return p
}

func flag(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}
