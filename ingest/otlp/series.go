package otlp

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"

	"github.com/midwatch/midwatch/ingest/block"
)

// Tables whose rows may be stored twice: they merge them.
const (
	SeriesTable = "metric_series"
	StacksTable = "profile_stacks"
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

	key      seriesKey
	identity uint64 // hash of the resource's attributes
	hash     uint64 // of everything that makes a series but the attributes of its points; see told
	place    uint64 // the upper bits of its series' ids: of one metric and host they lie together, which is how they are asked for and compress
}

// Bits of a series' id that are those of the name, and of where it was measured.
const nameBits, hostBits = 12, 8

// hashed is m with its hash and place.
func (m metric) hashed(key seriesKey) metric {
	m.key, m.hash = key, key.hash(m.told())
	host := m.identity
	if m.host != "" {
		host = xxhash.Sum64String(m.host)
	}
	m.place = xxhash.Sum64String(m.name)>>(64-nameBits)<<(64-nameBits) | host>>(64-hostBits)<<(64-nameBits-hostBits)
	return m
}

// told is everything that makes a series but the attributes of its points. The environment is part of it as it is: what other environments send has
// another hash, whatever it says.
func (m metric) told() []byte {
	out := make([]byte, 0, 256)
	for _, s := range []string{m.environment, m.service, m.instance, m.host, m.name, m.unit, m.scope, m.scopeVersion} {
		out = appendText(out, s)
	}
	return binary.LittleEndian.AppendUint64(append(out, m.kind, m.monotonic), m.identity)
}

// hashed is a hash of attributes in any order. It has no key: whoever finds others with the same makes one series of two of an environment's own. What
// was hashed before is not hashed again.
func (a *attributes) hashed() uint64 {
	for ; a.summed < len(a.list); a.summed++ {
		a.sum += a.list[a.summed].hash()
	}
	return a.sum
}

func (a attribute) hash() uint64 {
	var h xxhash.Digest
	h.Reset()
	hashBytes(&h, a.key)
	hashBytes(&h, a.value)
	return h.Sum64()
}

func hashBytes(h *xxhash.Digest, b []byte) {
	var length [4]byte
	binary.LittleEndian.PutUint32(length[:], uint32(len(b)))
	_, _ = h.Write(length[:]) // a hash takes everything
	_, _ = h.Write(b)
}

// series is the id of the series of m whose points have these attributes.
func (m metric) series(list *attributes) uint64 {
	var both [16]byte
	binary.LittleEndian.PutUint64(both[:8], m.hash)
	binary.LittleEndian.PutUint64(both[8:], list.hashed())
	return m.place | m.key.hash(both[:])>>(nameBits+hostBits)
}

// seriesColumns is rows of the table metric_series.
type seriesColumns struct {
	day, id, kind, monotonic, batch                  *block.Fixed
	environment, service, instance, host, name, unit *block.Dict
	description, scope, scopeVersion, resource       *block.Dict
	attributes                                       *block.Map
	counted                                          dictionaries
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

func (c *seriesColumns) chunk(d Day) *Chunk {
	at := int64(d) * nanosPerDay
	return &Chunk{Table: SeriesTable, Day: d, First: at, Last: at, Block: block.Block{
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

func (r *Rows) addSeries(of metric, s seriesDay, list *attributes) {
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
	c.batch.Put64(r.Batch)
	r.expand(c.counted.grown(c.attributes, c.service, c.instance, c.host, c.name, c.unit, c.description, c.scope, c.scopeVersion, c.resource))
}
