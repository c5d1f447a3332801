package ingest

import (
	"math"
	"time"
)

// rows turns the records of one request into columns, per table and day.
type rows struct {
	id          string // of the request
	batch       uint64 // the same as it is stored
	environment string // of records that name none
	confined    bool   // of all records, whatever they name: their sender has a token for it
	now         time.Time
	size        int // bytes of the request in protobuf, 0: not known
	tally       tally
	expanded    int // bytes so far, about

	hold *hold                 // grows with expanded; may be nil
	full bool                  // it could not: there is no room for the request now
	tree func(bytes int) error // waits until there is room to read so much; may be nil

	resources map[string]*resource // :: bytes of a resource → the same, read
	scratch   []byte               // of values that are made text
	written   written              // of remote write

	spans   map[day]*spanColumns
	logs    map[day]*logColumns
	objects map[day]*objectColumns

	known        *knownSeries                             // series whose rows are in the store; may be nil
	newSeries    func(environment string, id uint64) bool // whether there may be one more; nil: always
	fresh        map[seriesDay]struct{}                   // series whose rows this request brings
	series       map[day]*seriesColumns
	samples      map[day]*sampleColumns
	histograms   map[day]*histogramColumns
	exponentials map[day]*exponentialColumns
	exemplars    map[day]*exemplarColumns

	knownStacks *knownSeries // the same of the stacks of profiles
	freshStacks map[seriesDay]struct{}
	stacks      map[day]*stackColumns
	profiles    map[day]*profileColumns
}

// on returns the columns of the day of a time, made when missing.
func on[T any](m *map[day]*T, at int64, make func() *T) *T {
	if *m == nil {
		*m = map[day]*T{}
	}
	c := (*m)[dayOf(at)]
	if c == nil {
		c = make()
		(*m)[dayOf(at)] = c
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
	return append(append(out, r.metricChunks()...), r.profileChunks()...)
}

// environmentOf is where telemetry goes that names an environment.
func (r *rows) environmentOf(named string) string {
	if r.confined && named != r.environment {
		r.tally.note(environmentOther)
		return r.environment
	}
	return named
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
	case r.expanded+size+rowOverhead > maxExpanded:
		r.tally.reject(requestTooLarge)
	case !r.expand(size + rowOverhead): // full
	default:
		r.tally.stored++
		return true
	}
	return false
}

// expand counts bytes that the rows take, if they may.
func (r *rows) expand(bytes int) bool {
	if r.full || !r.hold.grow(r.expanded+bytes) {
		r.full = true
		return false
	}
	r.expanded += bytes
	return true
}

// plant waits until the request may take so many bytes while it is read.
func (r *rows) plant(bytes int) error {
	if r.tree == nil {
		return nil
	}
	return r.tree(bytes)
}

// at checks a timestamp in nanoseconds since 1970; if it is missing or out of range the record is rejected.
func (r *rows) at(ts uint64) (int64, bool) {
	if why := r.wrong(ts); why != "" {
		r.tally.reject(why)
		return 0, false
	}
	return int64(ts), true
}

// wrong is what is wrong with a timestamp, empty: nothing.
func (r *rows) wrong(ts uint64) Reason {
	at := int64(min(ts, math.MaxInt64))
	switch {
	case ts == 0:
		return timeMissing
	case at > r.now.Add(maxFuture).UnixNano():
		return timeFuture
	case at < r.now.Add(-maxPast).UnixNano():
		return timePast
	}
	return ""
}
