package ingest

import (
	"encoding/binary"
	"errors"
	"maps"
	"sync"

	"github.com/cespare/xxhash/v2"

	"github.com/midwatch/midwatch/ingest/block"
	"github.com/midwatch/midwatch/internal/store"
)

// Tables whose rows may be stored twice: they merge them.
const (
	seriesTable = "metric_series"
	stacksTable = "profile_stacks"
)

// Values of the column kind of metric_series.
const (
	kindGauge                 = 1
	kindSumDelta              = 2
	kindSumCumulative         = 3
	kindHistogramDelta        = 4
	kindHistogramCumulative   = 5
	kindExponentialDelta      = 6
	kindExponentialCumulative = 7
	kindSummaryQuantile       = 8
	kindSummaryCount          = 9
	kindSummarySum            = 10
)

// metric is what the points of one metric share.
type metric struct {
	*resource
	scope, scopeVersion     string
	name, unit, description string
	kind                    uint8
	monotonic               uint8 // 1: a sum that only grows

	identity uint64 // hash of the resource's attributes
	hash     uint64 // of everything that makes a series but the attributes of its points; see hashed
	place    uint64 // the upper bits of its series' ids: of one metric and host they lie together, which is how they are asked for and compress
}

// Bits of a series' id that are those of the name, and of where it was measured.
const nameBits, hostBits = 12, 8

// hashed is m with its hash and place.
func (m metric) hashed() metric {
	h := xxhash.New()
	for _, s := range []string{m.environment, m.service, m.instance, m.host, m.name, m.unit, m.scope, m.scopeVersion} {
		hashString(h, s)
	}
	fixed := binary.LittleEndian.AppendUint64([]byte{m.kind, m.monotonic}, m.identity)
	_, _ = h.Write(fixed) // a hash takes everything
	m.hash = h.Sum64()
	host := m.identity
	if m.host != "" {
		host = xxhash.Sum64String(m.host)
	}
	m.place = xxhash.Sum64String(m.name)>>(64-nameBits)<<(64-nameBits) | host>>(64-hostBits)<<(64-nameBits-hostBits)
	return m
}

// hashString and hashBytes add a string and its length.
func hashString(h *xxhash.Digest, s string) {
	hashLength(h, len(s))
	_, _ = h.WriteString(s)
}

func hashBytes(h *xxhash.Digest, b []byte) {
	hashLength(h, len(b))
	_, _ = h.Write(b)
}

func hashLength(h *xxhash.Digest, n int) {
	var wire [4]byte
	binary.LittleEndian.PutUint32(wire[:], uint32(n))
	_, _ = h.Write(wire[:])
}

// hashed is a hash of attributes in any order.
func (a *attributes) hashed() (sum uint64) {
	var h xxhash.Digest
	for _, pair := range a.list {
		h.Reset()
		hashBytes(&h, pair.key)
		hashBytes(&h, pair.value)
		sum += h.Sum64()
	}
	return sum
}

// series is the id of the series of m whose points have these attributes.
func (m metric) series(list *attributes) uint64 {
	var both [16]byte
	binary.LittleEndian.PutUint64(both[:8], m.hash)
	binary.LittleEndian.PutUint64(both[8:], list.hashed())
	return m.place | xxhash.Sum64(both[:])>>(nameBits+hostBits)
}

// seriesDay is a row of metric_series.
type seriesDay struct {
	id  uint64
	day day
}

// maxKnownSeries bounds what is remembered, about 20 MB. Past it rows of series are sent again, which the store merges.
const maxKnownSeries = 1 << 19

// knownSeries remembers which series, or stacks of profiles, have their row in the store. A series is known only after the insert of its row was acknowledged, so that a
// crash may repeat a row and never lose one. Safe for concurrent use.
type knownSeries struct {
	mu    sync.RWMutex
	known map[seriesDay]struct{}
}

func newKnownSeries() *knownSeries { return &knownSeries{known: map[seriesDay]struct{}{}} }

func (k *knownSeries) has(s seriesDay) bool {
	if k == nil {
		return false
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	_, ok := k.known[s]
	return ok
}

func (k *knownSeries) stored(fresh map[seriesDay]struct{}) {
	if k == nil || len(fresh) == 0 {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.known)+len(fresh) > maxKnownSeries {
		clear(k.known)
	}
	for s := range fresh {
		k.known[s] = struct{}{}
	}
}

// forget is for when the store may have lost rows that it acknowledged.
func (k *knownSeries) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.known)
}

// forgetDay is for when the rows of a day were dropped.
func (k *knownSeries) forgetDay(d day) {
	k.mu.Lock()
	defer k.mu.Unlock()
	maps.DeleteFunc(k.known, func(s seriesDay, _ struct{}) bool { return s.day == d })
}

// doubtSeries forgets what is stored when the store did not answer: it may come back without its last seconds.
func (s *Server) doubtSeries(err error) {
	if _, answered := errors.AsType[*store.ServerError](err); answered {
		return
	}
	s.series.forget()
	s.stacks.forget()
}

// forgetDropped forgets what was dropped.
func (s *Server) forgetDropped(dropped []store.Dropped) {
	known := map[string]*knownSeries{seriesTable: s.series, stacksTable: s.stacks}
	for _, d := range dropped {
		if k := known[d.Table]; k != nil {
			k.forgetDay(dayOf(d.Day.UnixNano()))
		}
	}
}

// seriesColumns is rows of the table metric_series.
type seriesColumns struct {
	day, id, kind, monotonic, batch                  *block.Fixed
	environment, service, instance, host, name, unit *block.Dict
	description, scope, scopeVersion, resource       *block.Dict
	attributes                                       *block.Map
}

const seriesKindType = "Enum8('gauge' = 1, 'sum_delta' = 2, 'sum_cumulative' = 3, 'histogram_delta' = 4, 'histogram_cumulative' = 5, " +
	"'exponential_delta' = 6, 'exponential_cumulative' = 7, 'summary_quantile' = 8, 'summary_count' = 9, 'summary_sum' = 10)"

func newSeriesColumns() *seriesColumns {
	return &seriesColumns{
		day: block.NewFixed("Date", 2), id: block.UInt64(), kind: block.NewFixed(seriesKindType, 1), monotonic: block.NewFixed("Bool", 1), batch: block.UInt64(),
		environment: block.NewDict(), service: block.NewDict(), instance: block.NewDict(), host: block.NewDict(), name: block.NewDict(), unit: block.NewDict(),
		description: block.NewDict(), scope: block.NewDict(), scopeVersion: block.NewDict(), resource: block.NewDict(), attributes: block.NewMap(),
	}
}

func (c *seriesColumns) chunk(d day) *chunk {
	at := int64(d) * nanosPerDay
	return &chunk{table: seriesTable, day: d, first: at, last: at, block: block.Block{
		{Name: "day", Column: c.day},
		{Name: "series_id", Column: c.id},
		{Name: "environment", Column: c.environment},
		{Name: "service", Column: c.service},
		{Name: "instance", Column: c.instance},
		{Name: "host", Column: c.host},
		{Name: "name", Column: c.name},
		{Name: "unit", Column: c.unit},
		{Name: "description", Column: c.description},
		{Name: "kind", Column: c.kind},
		{Name: "monotonic", Column: c.monotonic},
		{Name: "scope", Column: c.scope},
		{Name: "scope_version", Column: c.scopeVersion},
		{Name: "attributes", Column: c.attributes},
		{Name: "resource_json", Column: c.resource},
		{Name: "batch_id", Column: c.batch},
	}}
}

func (r *rows) addSeries(of metric, s seriesDay, list *attributes) {
	if r.fresh == nil {
		r.fresh = map[seriesDay]struct{}{}
	}
	r.fresh[s] = struct{}{}
	c := on(&r.series, int64(s.day)*nanosPerDay, newSeriesColumns)
	c.day.PutBytes(binary.LittleEndian.AppendUint16(nil, uint16(s.day)))
	c.id.Put64(s.id)
	c.environment.PutString(of.environment)
	c.service.PutString(of.service)
	c.instance.PutString(of.instance)
	c.host.PutString(of.host)
	c.name.PutString(of.name)
	c.unit.PutString(of.unit)
	c.description.PutString(of.description)
	c.kind.Put8(of.kind)
	c.monotonic.Put8(of.monotonic)
	c.scope.PutString(of.scope)
	c.scopeVersion.PutString(of.scopeVersion)
	list.writeTo(c.attributes)
	c.resource.PutString(of.json)
	c.batch.Put64(r.batch)
}
