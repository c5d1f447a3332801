package otlp

import (
	"math"
	"time"
)

// Config says what the rows of a request are to be, and what they may take.
type Config struct {
	ID          string // of the request
	Batch       uint64 // the same as it is stored
	Environment string // of records that name none
	Confined    bool   // of all records, whatever they name: their sender has a token for it
	Now         time.Time

	Secret                   [16]byte                                 // of the store's ids of series and stacks
	KnownSeries, KnownStacks *Known                                   // whose rows are in the store; may be nil
	NewSeries                func(environment string, id uint64) bool // whether there may be one more; nil: always

	Grow func(bytes int) bool  // whether all rows may take so many bytes, about; nil: they may
	Wait func(bytes int) error // until so many bytes may be taken while the request is read; nil: they may
}

// New has no rows yet.
func New(cfg Config) *Rows { return &Rows{Config: cfg, key: newSeriesKey(cfg.Secret)} }

// Rows turns the records of one request into columns, per table and day.
type Rows struct {
	Config
	Tally   Tally
	Written Written // of remote write

	key      seriesKey
	came     int  // points or profiles, 0: not known
	size     int  // bytes of the request in protobuf, 0: not known, or of use no more
	expanded int  // bytes so far, about
	spare    int  // bytes of columns that were made larger beforehand
	full     bool // there was no room for them

	resources map[string]*resource // :: bytes of a resource → the same, read
	scratch   []byte               // of values that are made text, of one record
	long      bool                 // the record is larger than any may be, and not read as a whole

	spans   map[Day]*spanColumns
	logs    map[Day]*logColumns
	objects map[Day]*objectColumns

	fresh        map[seriesDay]struct{} // series whose rows this request brings
	series       map[Day]*seriesColumns
	samples      map[Day]*sampleColumns
	histograms   map[Day]*histogramColumns
	exponentials map[Day]*exponentialColumns
	exemplars    map[Day]*exemplarColumns

	freshStacks map[seriesDay]struct{} // the same of the stacks of profiles
	stacks      map[Day]*stackColumns
	profiles    map[Day]*profileColumns
}

// guess is how many bytes of a request to make columns for beforehand: the first that are made are most often all.
func (r *Rows) guess() int {
	n := r.size
	r.spare += n
	r.size = 0
	return n
}

// on returns the columns of the day of a time, made when missing.
func on[T any](m *map[Day]*T, at int64, make func() *T) *T {
	if *m == nil {
		*m = map[Day]*T{}
	}
	c := (*m)[DayOf(at)]
	if c == nil {
		c = make()
		(*m)[DayOf(at)] = c
	}
	return c
}

// Chunks returns what is to be inserted.
func (r *Rows) Chunks() []*Chunk {
	var out []*Chunk
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

// Timeless says that some rows named no time, and are of when the request came.
func (r *Rows) Timeless() bool {
	for _, c := range r.logs {
		if c.guessed {
			return true
		}
	}
	return false
}

// Bytes is what the rows take, about.
func (r *Rows) Bytes() int { return r.expanded }

// Spare is what was made for rows beforehand, about.
func (r *Rows) Spare() int { return r.spare }

// Full says that there was no room for all of them.
func (r *Rows) Full() bool { return r.full }

// Done forgets what only reading needs. The rows are no part of the request's bytes.
func (r *Rows) Done() { r.resources, r.scratch, r.Grow, r.Wait = nil, nil, nil, nil }

// Stored says that all of them are in the store.
func (r *Rows) Stored() {
	r.KnownSeries.stored(r.fresh)
	r.KnownStacks.stored(r.freshStacks)
}

// environmentOf is where telemetry goes that names an environment.
func (r *Rows) environmentOf(named string) string {
	if r.Confined && named != r.Environment {
		r.Tally.note(environmentOther)
		return r.Environment
	}
	return named
}

// admit says whether a record of size bytes fits; if not it is rejected.
func (r *Rows) admit(res *resource, size int) bool { return r.fits(res, size, maxRecord) }

// fits is admit for records of at most limit bytes.
func (r *Rows) fits(res *resource, size, limit int) bool {
	switch {
	case res.size > maxResource:
		r.Tally.reject(resourceTooLarge)
	case size > limit, r.long:
		r.Tally.reject(recordTooLarge)
	case r.expanded+size+rowOverhead > maxExpanded:
		r.Tally.reject(requestTooLarge)
	case !r.expand(size + rowOverhead): // full
	default:
		r.Tally.Stored++
		return true
	}
	return false
}

// expand counts bytes that the rows take, if they may.
func (r *Rows) expand(bytes int) bool {
	if r.full || r.Grow != nil && !r.Grow(r.expanded+bytes) {
		r.full = true
		return false
	}
	r.expanded += bytes
	return true
}

// plant waits until the request may take so many bytes while it is read.
func (r *Rows) plant(bytes int) error {
	if r.Wait == nil {
		return nil
	}
	return r.Wait(bytes)
}

// at checks a timestamp in nanoseconds since 1970; if it is missing or out of range the record is rejected.
func (r *Rows) at(ts uint64) (int64, bool) {
	if why := r.wrong(ts); why != "" {
		r.Tally.reject(why)
		return 0, false
	}
	return int64(ts), true
}

// wrong is what is wrong with a timestamp, empty: nothing.
func (r *Rows) wrong(ts uint64) Reason {
	at := int64(min(ts, math.MaxInt64))
	switch {
	case ts == 0:
		return timeMissing
	case at > r.Now.Add(maxFuture).UnixNano():
		return timeFuture
	case at < r.Now.Add(-MaxPast).UnixNano():
		return timePast
	}
	return ""
}
