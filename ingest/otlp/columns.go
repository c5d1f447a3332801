package otlp

import (
	"time"

	"github.com/midwatch/midwatch/ingest/block"
)

// Chunk is the rows that one request brings for one table and one day. It is stored whole or not at all.
type Chunk struct {
	Table string
	Day   Day
	Block block.Block

	First, Last int64 // of the rows' times, in nanoseconds since 1970
	guessed     bool  // some rows named no time, and are of when the request came
	minutes     *minutes
}

// Stored is the stretch of time that the rows are of if they were stored before, at most so long ago, in nanoseconds since 1970.
func (c *Chunk) Stored(ago time.Duration) (from, to int64) {
	if c.guessed {
		return c.First - int64(ago), c.Last + int64(ago)
	}
	return c.First, c.Last
}

// Rows is how many they are.
func (c *Chunk) Rows() int { return c.Block.Rows() }

// Span is the stretch of time the rows are of.
func (c *Chunk) Span() (from, to time.Time) { return time.Unix(0, c.First), time.Unix(0, c.Last) }

// Minutes is when the minutes begin that the rows are of, in order; those of samples alone know: a request may have a row of a day's first minute and one of
// its last, and what is made of the minutes between is not to be made again for them.
func (c *Chunk) Minutes() []time.Time {
	if c.minutes == nil {
		return nil
	}
	return c.minutes.of(c.Day)
}

// Day is a partition: days since 1970 in UTC.
type Day int64

const nanosPerDay = int64(24 * time.Hour)

// DayOf is the day of a time in nanoseconds since 1970.
func DayOf(nanos int64) Day { return Day(nanos / nanosPerDay) }

// Date is how a query names the partition.
func (d Day) Date() string { return time.Unix(int64(d)*86400, 0).UTC().Format(time.DateOnly) }

// base is the columns that tables of telemetry share.
type base struct {
	time, batch                                    *block.Fixed
	environment, service, instance, host, resource *block.Dict
	attributes                                     *block.Map

	first, last int64
	counted     dictionaries
}

// newValue is what a value that a dictionary did not have takes besides its text: its places there, and in the map that finds it.
const newValue = 100

// dictionaries is how many values of some were counted as memory.
type dictionaries int

// grown is the bytes that new values took since it was asked last.
func (d *dictionaries) grown(all ...interface{ Distinct() int }) (bytes int) {
	var n dictionaries
	for _, one := range all {
		n += dictionaries(one.Distinct())
	}
	bytes = int(n-*d) * newValue
	*d = n
	return bytes
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
func (b *base) chunk(table string, d Day, own ...block.Named) *Chunk {
	return &Chunk{Table: table, Day: d, First: b.first, Last: b.last, Block: append(block.Block{
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
