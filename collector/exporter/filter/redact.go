package filter

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/midwatch/midwatch/internal/telemetry"
)

func (p *pass) logs(ld plog.Logs) {
	for _, r := range ld.ResourceLogs().All() {
		p.attributes(r.Resource().Attributes())
		for _, s := range r.ScopeLogs().All() {
			p.attributes(s.Scope().Attributes())
			for _, l := range s.LogRecords().All() {
				p.attributes(l.Attributes())
				p.body(l)
			}
		}
	}
}

func (p *pass) body(l plog.LogRecord) {
	if len(p.bodies) == 0 {
		return
	}
	if l.EventName() == telemetry.EventObject && l.Body().Type() == pcommon.ValueTypeStr {
		l.Body().SetStr(p.json(l.Body().Str(), p.bodies, isIdentity))
		return
	}
	p.value(l.Body(), p.bodies)
}

func (p *pass) traces(td ptrace.Traces) {
	for _, r := range td.ResourceSpans().All() {
		p.attributes(r.Resource().Attributes())
		for _, s := range r.ScopeSpans().All() {
			p.attributes(s.Scope().Attributes())
			for _, span := range s.Spans().All() {
				p.span(span)
			}
		}
	}
}

func (p *pass) span(s ptrace.Span) {
	s.SetName(p.text(s.Name(), p.bodies))
	s.Status().SetMessage(p.text(s.Status().Message(), p.bodies))
	p.attributes(s.Attributes())
	for _, e := range s.Events().All() {
		e.SetName(p.text(e.Name(), p.bodies))
		p.attributes(e.Attributes())
	}
	for _, l := range s.Links().All() {
		p.attributes(l.Attributes())
	}
}

func (p *pass) metrics(md pmetric.Metrics) {
	for _, r := range md.ResourceMetrics().All() {
		p.attributes(r.Resource().Attributes())
		for _, s := range r.ScopeMetrics().All() {
			p.attributes(s.Scope().Attributes())
			for _, m := range s.Metrics().All() {
				p.points(m)
			}
		}
	}
}

func (p *pass) points(m pmetric.Metric) {
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		p.numbers(m.Gauge().DataPoints())
	case pmetric.MetricTypeSum:
		p.numbers(m.Sum().DataPoints())
	case pmetric.MetricTypeHistogram:
		for _, d := range m.Histogram().DataPoints().All() {
			p.attributes(d.Attributes())
			p.exemplars(d.Exemplars())
		}
	case pmetric.MetricTypeExponentialHistogram:
		for _, d := range m.ExponentialHistogram().DataPoints().All() {
			p.attributes(d.Attributes())
			p.exemplars(d.Exemplars())
		}
	case pmetric.MetricTypeSummary:
		for _, d := range m.Summary().DataPoints().All() {
			p.attributes(d.Attributes())
		}
	}
}

func (p *pass) numbers(ds pmetric.NumberDataPointSlice) {
	for _, d := range ds.All() {
		p.attributes(d.Attributes())
		p.exemplars(d.Exemplars())
	}
}

func (p *pass) exemplars(es pmetric.ExemplarSlice) {
	for _, e := range es.All() {
		p.attributes(e.FilteredAttributes())
	}
}
