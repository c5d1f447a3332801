package remotewrite

import (
	"cmp"
	"encoding/hex"
	"math"
	"slices"

	"github.com/prometheus/prometheus/model/value"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Limits of one request. The rest of it is kept.
const (
	maxLabels   = 128 // of a series
	maxExpanded = 96 << 20
)

// Reason is why something of a request was rejected.
type Reason string

// The reasons.
const (
	BadLabels    Reason = "bad_labels"    // no or an empty name, a name twice, no UTF-8
	TooManyNames Reason = "labels_many"   // more than 128 labels
	BadReference Reason = "bad_reference" // to a symbol that is not there
	BadNative    Reason = "bad_histogram" // native, whose buckets do not fit or are too many
	FloatNative  Reason = "float_counts"  // native, with counts that are no whole numbers, or a gauge: OTLP has none
	TooLarge     Reason = "series_expand" // past what one request may take in memory
	BadExemplar  Reason = "bad_exemplar"  // no UTF-8, or with a series that was rejected
)

// Explain is the reason in words, for the sender's log; empty for one that is none of ours.
func (r Reason) Explain() string {
	switch r {
	case BadLabels:
		return "of series without a name, with an empty label name or one twice, or without UTF-8"
	case TooManyNames:
		return "of series with more than 128 labels"
	case BadReference:
		return "of series that refer to symbols that are not there"
	case BadNative:
		return "native histograms whose buckets do not fit, or with more than 2048 of them"
	case FloatNative:
		return "native histograms with counts that are no whole numbers, or gauges: write them as classic ones"
	case TooLarge:
		return "past 96 MiB of points in one request: send smaller batches"
	case BadExemplar:
		return "exemplars without UTF-8, or of series that were rejected"
	}
	return ""
}

// Metrics is a request as OTLP has it.
type Metrics struct {
	Samples    pmetric.Metrics // a point per sample, and one without recorded value where exemplars came alone
	Histograms pmetric.Metrics // a point per native histogram
	Exemplars  int             // that are part of either
	Alone      int             // of the points of Samples: those that are there for exemplars alone
	Rejected   map[Reason]int  // samples, histograms and exemplars that are not
}

// reject counts; no reason rejects nothing.
func (m *Metrics) reject(why Reason, n int) {
	if why != "" && n > 0 {
		m.Rejected[why] += n
	}
}

// builder collects series by what they come from and what they are.
type builder struct {
	out     *Metrics
	left    int // bytes that may still be made
	sources map[source]*resource
}

// source is what the series of one target and scope share.
type source struct{ job, instance, scope, version string }

// resource is where the series of a source go.
type resource struct {
	samples, histograms *pmetric.ScopeMetrics
	metrics             map[metric]pmetric.Metric
}

// metric is what the series of one metric share.
type metric struct {
	name, unit, help string
	is               pmetric.MetricType
	counts           bool
}

func newBuilder() *builder {
	return &builder{
		out:  &Metrics{Samples: pmetric.NewMetrics(), Histograms: pmetric.NewMetrics(), Rejected: map[Reason]int{}},
		left: maxExpanded, sources: map[source]*resource{},
	}
}

// add takes a series; about tells what is known of a metric of that name.
func (b *builder) add(s series, about func(name string) metadata) {
	from, why := s.settle()
	if why == "" {
		b.left -= s.size()
		if b.left < 0 {
			why = TooLarge
		}
	}
	if why != "" {
		b.out.reject(why, len(s.samples)+len(s.histograms))
		b.out.reject(BadExemplar, len(s.exemplars))
		return
	}
	s.meta = about(s.name)
	to := b.source(from)
	b.addSamples(to, s)
	b.addNatives(to, s)
}

// settle takes out of the labels what they mean elsewhere. A reason says why the series cannot be stored.
func (s *series) settle() (from source, why Reason) {
	if len(s.labels) > maxLabels {
		return from, TooManyNames
	}
	if !validText(s.labels) {
		return from, BadLabels
	}
	slices.SortStableFunc(s.labels, func(a, b label) int { return cmp.Compare(a.name, b.name) })
	kept, before := s.labels[:0], ""
	for i, l := range s.labels {
		if l.name == "" || i > 0 && l.name == before {
			return from, BadLabels
		}
		before = l.name
		switch l.name {
		case "__name__":
			s.name = l.value
		case "job":
			from.job = l.value
		case "instance":
			from.instance = l.value
		case "otel_scope_name":
			from.scope = l.value
		case "otel_scope_version":
			from.version = l.value
		default:
			if l.value != "" { // an empty label is none
				kept = append(kept, l)
			}
		}
	}
	s.labels = kept
	if s.name == "" {
		return from, BadLabels
	}
	return from, ""
}

// size is about what the points of a series take, in bytes.
func (s *series) size() int {
	const point, pair = 256, 96
	of := point + pair*len(s.labels)
	n := of * (1 + len(s.samples) + len(s.histograms))
	for _, e := range s.exemplars {
		n += point + pair*len(e.labels)
	}
	return n
}

func (b *builder) source(from source) *resource {
	to := b.sources[from]
	if to == nil {
		to = &resource{metrics: map[metric]pmetric.Metric{}}
		b.sources[from] = to
		to.samples, to.histograms = from.in(b.out.Samples), from.in(b.out.Histograms)
	}
	return to
}

// in makes a place for the source.
func (from source) in(md pmetric.Metrics) *pmetric.ScopeMetrics {
	rm := md.ResourceMetrics().AppendEmpty()
	if from.job != "" {
		rm.Resource().Attributes().PutStr("service.name", from.job)
	}
	if from.instance != "" {
		rm.Resource().Attributes().PutStr("service.instance.id", from.instance)
	}
	sm := rm.ScopeMetrics().AppendEmpty()
	sm.Scope().SetName(from.scope)
	sm.Scope().SetVersion(from.version)
	return &sm
}

// metric returns where points of a metric go, made when missing.
func (r *resource) metric(is pmetric.MetricType, s series, counts bool) pmetric.Metric {
	key := metric{s.name, s.meta.unit, s.meta.help, is, counts}
	m, ok := r.metrics[key]
	if ok {
		return m
	}
	list := r.samples.Metrics()
	if is == pmetric.MetricTypeHistogram || is == pmetric.MetricTypeExponentialHistogram {
		list = r.histograms.Metrics()
	}
	m = list.AppendEmpty()
	m.SetName(key.name)
	m.SetUnit(key.unit)
	m.SetDescription(key.help)
	switch is {
	case pmetric.MetricTypeSum:
		m.SetEmptySum().SetIsMonotonic(counts)
		m.Sum().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	case pmetric.MetricTypeHistogram:
		m.SetEmptyHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	case pmetric.MetricTypeExponentialHistogram:
		m.SetEmptyExponentialHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	default:
		m.SetEmptyGauge()
	}
	r.metrics[key] = m
	return m
}

func (b *builder) addSamples(to *resource, s series) {
	alone := len(s.samples) == 0 && len(s.histograms) == 0 && len(s.exemplars) > 0
	if len(s.samples) == 0 && !alone {
		return
	}
	var points pmetric.NumberDataPointSlice
	switch counts := s.meta.counts(s.name, s.labels); {
	case counts, s.meta.kind == info, s.meta.kind == stateSet:
		points = to.metric(pmetric.MetricTypeSum, s, counts).Sum().DataPoints()
	default:
		points = to.metric(pmetric.MetricTypeGauge, s, false).Gauge().DataPoints()
	}
	for _, x := range s.samples {
		p := points.AppendEmpty()
		p.SetTimestamp(pcommon.Timestamp(nanoseconds(x.at)))
		p.SetStartTimestamp(start(x.start))
		put(p.Attributes(), s.labels)
		if value.IsStaleNaN(x.value) {
			p.SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
		} else {
			p.SetDoubleValue(x.value)
		}
	}
	if alone {
		b.out.Alone++
		p := points.AppendEmpty()
		p.SetTimestamp(pcommon.Timestamp(nanoseconds(s.exemplars[len(s.exemplars)-1].at)))
		p.SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))
		put(p.Attributes(), s.labels)
	}
	b.addExemplars(points.At(points.Len()-1).Exemplars(), s.exemplars)
}

func start(ms int64) pcommon.Timestamp {
	if ms <= 0 {
		return 0
	}
	return pcommon.Timestamp(nanoseconds(ms))
}

func put(to pcommon.Map, list []label) {
	to.EnsureCapacity(len(list))
	for _, l := range list {
		to.PutStr(l.name, l.value)
	}
}

// addExemplars keeps the labels that name a span as its ids.
func (b *builder) addExemplars(to pmetric.ExemplarSlice, list []exemplar) {
	for _, e := range list {
		if !validText(e.labels) || len(e.labels) > maxLabels {
			b.out.reject(BadExemplar, 1)
			continue
		}
		x := to.AppendEmpty()
		x.SetTimestamp(pcommon.Timestamp(nanoseconds(e.at)))
		x.SetDoubleValue(e.value)
		for _, l := range e.labels {
			var trace pcommon.TraceID
			var span pcommon.SpanID
			switch {
			case l.name == "trace_id" && id(trace[:], l.value):
				x.SetTraceID(trace)
			case l.name == "span_id" && id(span[:], l.value):
				x.SetSpanID(span)
			default:
				x.FilteredAttributes().PutStr(l.name, l.value)
			}
		}
		b.out.Exemplars++
	}
}

// id reads a whole id in hexadecimal.
func id(into []byte, text string) bool {
	if len(text) != 2*len(into) {
		return false
	}
	_, err := hex.Decode(into, []byte(text))
	return err == nil
}

// finite says that a bound of a bucket is one.
func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
