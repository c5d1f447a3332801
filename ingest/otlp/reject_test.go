package otlp

import (
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/midwatch/midwatch/ingest/otlp/otlptest"
)

func TestNoMoreIsRejectedThanCame(t *testing.T) {
	old := pcommon.NewTimestampFromTime(time.Now().AddDate(0, -1, 0))
	md := pmetric.NewMetrics()
	m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName("latency")
	p := m.SetEmptySummary().DataPoints().AppendEmpty()
	p.SetTimestamp(old)
	for q := range 5 {
		p.QuantileValues().AppendEmpty().SetQuantile(float64(q) / 5)
	}
	r := New(Config{Now: time.Now()})
	r.addMetrics(md)
	if n := r.Tally.Rejected[timePast]; n != 1 {
		t.Errorf("%d rejected of one summary", n)
	}
	r.Refuse(map[string]int{SamplesTable: 7}) // as the store refuses all of its rows
	if n, why := r.Partial(); n != 1 || why == "" {
		t.Errorf("%d rejected, %q", n, why)
	}

	pd := otlptest.Profiled(pcommon.NewTimestampFromTime(time.Now()))
	sample := pd.ResourceProfiles().At(0).ScopeProfiles().At(0).Profiles().At(0).Samples().At(0)
	sample.TimestampsUnixNano().FromRaw([]uint64{1, 2, 3})
	sample.Values().FromRaw([]int64{1, 1, 1})
	r = New(Config{Now: time.Now()})
	r.addProfiles(pd)
	if n := r.Tally.Rejected[timePast]; n != 1 {
		t.Errorf("%d rejected of one sample", n)
	}
}
