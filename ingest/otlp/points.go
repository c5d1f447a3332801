package otlp

import (
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/midwatch/midwatch/ingest/block"
)

// point is a point of a metric, whatever its value is.
type point struct {
	series    uint64
	at, start int64 // nanoseconds since 1970; start 0: not told
}

// pointBytes is what a point takes in memory besides its series.
const pointBytes = 48

// point admits a point with size bytes besides its attributes; if its series may not have its row yet, the request brings it. Not ok: it was rejected.
func (r *Rows) point(of metric, at, start pcommon.Timestamp, list *attributes, size int) (p point, ok bool) {
	if p.at, ok = r.at(uint64(at)); !ok {
		return p, false
	}
	if start <= at { // else it says nothing that can be true
		p.start = int64(start)
	}
	p.series = of.series(list)
	s := seriesDay{p.series, DayOf(p.at)}
	if _, fresh := r.fresh[s]; fresh || r.KnownSeries.has(s) {
		return p, r.admit(&resource{}, size+pointBytes)
	}
	if r.NewSeries != nil && !r.NewSeries(of.environment, p.series) {
		r.Tally.reject(seriesLimit)
		return p, false
	}
	if !r.admit(of.resource, size+pointBytes+len(list.list)*pairOverhead+list.size+of.size+len(of.name)+len(of.unit)+len(of.description)) {
		return p, false
	}
	r.addSeries(of, s, list)
	return p, true
}

// pointColumns is what all tables of points have.
type pointColumns struct {
	series, time, start, batch *block.Fixed

	first, last int64
}

func newPointColumns() pointColumns {
	return pointColumns{series: block.UInt64(), time: block.Time(), start: block.Time(), batch: block.UInt64(), first: math.MaxInt64}
}

func (c *pointColumns) add(p point, batch uint64) {
	c.first, c.last = min(c.first, p.at), max(c.last, p.at)
	c.series.Put64(p.series)
	c.time.Put64(uint64(p.at))
	c.start.Put64(uint64(p.start))
	c.batch.Put64(batch)
}

// chunk joins them with a table's own; start is what the table calls the second time.
func (c *pointColumns) chunk(table string, d Day, start string, own ...block.Named) *Chunk {
	return &Chunk{Table: table, Day: d, First: c.first, Last: c.last, Block: append(block.Block{
		{Name: "series_id", Column: c.series},
		{Name: "time", Column: c.time},
		{Name: start, Column: c.start},
		{Name: "batch_id", Column: c.batch},
	}, own...)}
}

// The tables of points. Downsampling derives from that of samples.
const (
	SamplesTable      = "metric_samples"
	histogramsTable   = "histograms"
	exponentialsTable = "exponential_histograms"
	exemplarsTable    = "exemplars"
)

// sampleColumns is rows of the table metric_samples.
type sampleColumns struct {
	pointColumns
	value   *block.Fixed
	minutes minutes
}

func newSampleColumns() *sampleColumns {
	return &sampleColumns{pointColumns: newPointColumns(), value: block.Float64()}
}

func (c *sampleColumns) add(p point, value float64, batch uint64) {
	c.pointColumns.add(p, batch)
	c.value.PutFloat(value)
	c.minutes.add(p.at)
}

func (c *sampleColumns) chunk(d Day) *Chunk {
	out := c.pointColumns.chunk(SamplesTable, d, "start_time", block.Named{Name: "value", Column: c.value})
	out.minutes = &c.minutes
	return out
}

// metricChunks returns what is to be inserted of metrics.
func (r *Rows) metricChunks() []*Chunk {
	var out []*Chunk
	for d, c := range r.series {
		out = append(out, c.chunk(d))
	}
	for d, c := range r.samples {
		out = append(out, c.chunk(d))
	}
	for d, c := range r.histograms {
		out = append(out, c.chunk(d))
	}
	for d, c := range r.exponentials {
		out = append(out, c.chunk(d))
	}
	for d, c := range r.exemplars {
		out = append(out, c.chunk(d))
	}
	return out
}

// maxExemplars is how many exemplars of one point are kept. SDKs send one per bucket at most.
const maxExemplars = 64

// exemplarColumns is rows of the table exemplars.
type exemplarColumns struct {
	pointColumns
	value, trace, span *block.Fixed
	attributes         *block.Map
}

func newExemplarColumns() *exemplarColumns {
	return &exemplarColumns{newPointColumns(), block.Float64(), block.FixedString(16), block.FixedString(8), block.NewMap()}
}

func (c *exemplarColumns) chunk(d Day) *Chunk {
	return c.pointColumns.chunk(exemplarsTable, d, "exemplar_time",
		block.Named{Name: "value", Column: c.value},
		block.Named{Name: "trace", Column: c.trace},
		block.Named{Name: "span", Column: c.span},
		block.Named{Name: "attributes", Column: c.attributes})
}

// addExemplars stores what a point says it was made of.
func (r *Rows) addExemplars(p point, list pmetric.ExemplarSlice) {
	for i, e := range list.All() {
		attrs := r.attributesOf(e.FilteredAttributes())
		if i == maxExemplars || attrs.size > maxRecord || r.expanded+attrs.size > maxExpanded || !r.expand(len(attrs.list)*pairOverhead+attrs.size+pointBytes) {
			r.Tally.note(exemplarsCut)
			return
		}
		own := point{series: p.series, at: p.at, start: p.at}
		if ts := e.Timestamp(); ts > 0 && ts <= math.MaxInt64 {
			own.start = int64(ts)
		}
		value := e.DoubleValue()
		if e.ValueType() == pmetric.ExemplarValueTypeInt {
			value = float64(e.IntValue())
		}
		trace, span := e.TraceID(), e.SpanID()
		c := on(&r.exemplars, p.at, newExemplarColumns)
		c.add(own, r.Batch)
		c.value.PutFloat(value)
		c.trace.PutBytes(trace[:])
		c.span.PutBytes(span[:])
		attrs.writeTo(c.attributes)
	}
}
