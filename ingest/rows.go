package ingest

import (
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/midwatch/midwatch/internal/telemetry"
)

// rows turns the records of one request into columns, per table and day.
type rows struct {
	id          string // of the request
	environment string // of records that name none
	confined    bool   // of all records, whatever they name: their sender has a token for it
	now         time.Time
	tally       tally
	expanded    int // bytes so far, resources counted with every row

	spans      map[day]*spanColumns
	logs       map[day]*logColumns
	objects    map[day]*objectColumns
	metrics    map[day]*metricColumns
	histograms map[day]*histogramColumns
}

// on returns the columns of the day of t, made when missing.
func on[T any](m *map[day]*T, t time.Time) *T {
	if *m == nil {
		*m = map[day]*T{}
	}
	c := (*m)[dayOf(t)]
	if c == nil {
		c = new(T)
		(*m)[dayOf(t)] = c
	}
	return c
}

// chunks returns what is to be inserted.
func (r *rows) chunks() []*chunk {
	var out []*chunk
	for d, c := range r.spans {
		out = append(out, c.chunk(d))
	}
	for d, c := range r.logs {
		out = append(out, c.chunk(d))
	}
	for d, c := range r.objects {
		out = append(out, c.chunk(d))
	}
	for d, c := range r.metrics {
		out = append(out, c.chunk(d))
	}
	for d, c := range r.histograms {
		out = append(out, c.chunk(d))
	}
	return out
}

// resource is what all records of one OTLP resource share.
type resource struct {
	environment, service, version, instance, host string
	cluster, namespace                            string // in Kubernetes
	attributes                                    *attributes
	json                                          string // of attributes
	size                                          int    // bytes of attributes
}

func (r *rows) resource(in pcommon.Resource) *resource {
	out := &resource{environment: r.environment, service: "unknown_service"}
	out.attributes, out.size = r.attributes(in.Attributes(), "", func(key, value string) {
		switch key {
		case telemetry.Environment:
			out.environment = r.environmentOf(value)
		case telemetry.ServiceName:
			out.service = value
		case telemetry.ServiceVersion:
			out.version = value
		case telemetry.ServiceInstanceID:
			out.instance = value
		case telemetry.HostName:
			out.host = value
		case telemetry.K8sClusterUID:
			out.cluster = value
		case telemetry.K8sNamespace:
			out.namespace = value
		}
	})
	out.json = out.attributes.json()
	return out
}

// environmentOf is where telemetry goes that names an environment.
func (r *rows) environmentOf(named string) string {
	if r.confined && named != r.environment {
		r.tally.note(environmentOther)
		return r.environment
	}
	return named
}

// attributes makes strings of m's values, cut at maxAttribute, and shows each to see, which may be nil. A scope name is added
// as the collector does. It also returns the size in bytes.
func (r *rows) attributes(m pcommon.Map, scope string, see func(key, value string)) (*attributes, int) {
	out := make(attributes, 0, m.Len()+1)
	size := 0
	for key, v := range m.All() {
		value := v.AsString()
		if len(value) > maxAttribute {
			value = cut(value)
			r.tally.note(attributeCut)
		}
		if see != nil {
			see(key, value)
		}
		size += len(key) + len(value)
		out.add(key, value)
	}
	if scope != "" {
		out.add("otel.scope.name", scope)
		size += len("otel.scope.name") + len(scope)
	}
	return &out, size
}

// cut shortens s to maxAttribute without splitting a character, and frees the rest.
func cut(s string) string {
	n := maxAttribute
	for n > maxAttribute-utf8.UTFMax && !utf8.RuneStart(s[n]) {
		n--
	}
	return strings.Clone(s[:n])
}

// admit says whether a record of size bytes fits; if not it is rejected.
func (r *rows) admit(res *resource, size int) bool { return r.fits(res, size, maxRecord) }

// fits is admit for records of at most limit bytes.
func (r *rows) fits(res *resource, size, limit int) bool {
	switch {
	case res.size > maxResource:
		r.tally.reject(resourceTooLarge)
	case size > limit:
		r.tally.reject(recordTooLarge)
	case r.expanded+size+res.size > maxExpanded:
		r.tally.reject(requestTooLarge)
	default:
		r.expanded += size + res.size
		r.tally.stored++
		return true
	}
	return false
}

// at converts a timestamp; if it is missing or out of range the record is rejected.
func (r *rows) at(ts pcommon.Timestamp) (time.Time, bool) {
	if ts == 0 {
		r.tally.reject(timeMissing)
		return time.Time{}, false
	}
	t := ts.AsTime()
	switch {
	case ts > math.MaxInt64 || t.After(r.now.Add(maxFuture)):
		r.tally.reject(timeFuture)
	case t.Before(r.now.Add(-maxPast)):
		r.tally.reject(timePast)
	default:
		return t, true
	}
	return time.Time{}, false
}

// traceID and spanID are the bytes of an id.
func traceID(id pcommon.TraceID) string { return string(id[:]) }
func spanID(id pcommon.SpanID) string   { return string(id[:]) }
