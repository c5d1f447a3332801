package ingest

import (
	"time"

	"github.com/midwatch/midwatch/ingest/block"
)

// chunk is the rows that one request brings for one table and one day. It is stored whole or not at all.
type chunk struct {
	table string
	day   day
	block block.Block

	first, last int64 // of the rows' times, in nanoseconds since 1970
}

func (c *chunk) rows() int { return c.block.Rows() }

// span is the stretch of time the rows are of.
func (c *chunk) span() (from, to time.Time) { return time.Unix(0, c.first), time.Unix(0, c.last) }

// day is a partition: days since 1970 in UTC.
type day int64

const nanosPerDay = int64(24 * time.Hour)

func dayOf(nanos int64) day { return day(nanos / nanosPerDay) }

// date is how a query names the partition.
func (d day) date() string { return time.Unix(int64(d)*86400, 0).UTC().Format(time.DateOnly) }

// base is the columns that tables of telemetry share.
type base struct {
	time, batch                                    *block.Fixed
	environment, service, instance, host, resource *block.Dict
	attributes                                     *block.Map

	first, last int64
}

func newBase() base {
	return base{
		time: block.Time(), batch: block.UInt64(), environment: block.NewDict(), service: block.NewDict(), instance: block.NewDict(),
		host: block.NewDict(), resource: block.NewDict(), attributes: block.NewMap(),
	}
}

func (b *base) add(at int64, r *resource, attrs *attributes, batch uint64) {
	if b.time.Rows() == 0 {
		b.first, b.last = at, at
	}
	b.first, b.last = min(b.first, at), max(b.last, at)
	b.time.Put64(uint64(at))
	b.environment.PutString(r.environment)
	b.service.PutString(r.service)
	b.instance.PutString(r.instance)
	b.host.PutString(r.host)
	b.resource.PutString(r.json)
	attrs.writeTo(b.attributes)
	b.batch.Put64(batch)
}

// chunk joins the common columns with a table's own.
func (b *base) chunk(table string, d day, own ...block.Named) *chunk {
	return &chunk{table: table, day: d, first: b.first, last: b.last, block: append(block.Block{
		{Name: "time", Column: b.time},
		{Name: "environment", Column: b.environment},
		{Name: "service", Column: b.service},
		{Name: "instance", Column: b.instance},
		{Name: "host", Column: b.host},
		{Name: "attributes", Column: b.attributes},
		{Name: "resource_json", Column: b.resource},
		{Name: "batch_id", Column: b.batch},
	}, own...)}
}
