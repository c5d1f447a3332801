package ingest

import (
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
)

// chunk is the rows that one request brings for one table and one day. It is stored whole or not at all.
type chunk struct {
	table   string
	day     day
	columns []tableColumn
	rows    int

	first, last time.Time // of the rows
}

// tableColumn is a slice of one value per row.
type tableColumn struct {
	name   string
	values any
}

// day is a partition: days since 1970 in UTC.
type day int64

func dayOf(t time.Time) day { return day(t.Unix() / 86400) }

// date is how a query names the partition.
func (d day) date() string { return time.Unix(int64(d)*86400, 0).UTC().Format(time.DateOnly) }

// base is the columns that every table has.
type base struct {
	time                                 []time.Time
	environment, service, instance, host []string
	attributes, resource                 []*attributes
	batch                                []string
}

func (b *base) add(at time.Time, r *resource, attrs *attributes, batch string) {
	b.time = append(b.time, at)
	b.environment = append(b.environment, r.environment)
	b.service = append(b.service, r.service)
	b.instance = append(b.instance, r.instance)
	b.host = append(b.host, r.host)
	b.attributes = append(b.attributes, attrs)
	b.resource = append(b.resource, r.attributes)
	b.batch = append(b.batch, batch)
}

// chunk joins the common columns with a table's own.
func (b *base) chunk(table string, d day, own ...tableColumn) *chunk {
	c := &chunk{table: table, day: d, rows: len(b.time), columns: append([]tableColumn{
		{"time", b.time},
		{"environment", b.environment},
		{"service", b.service},
		{"instance", b.instance},
		{"host", b.host},
		{"attributes", b.attributes},
		{"resource", b.resource},
		{"batch_id", b.batch},
	}, own...)}
	c.first, c.last = slices.MinFunc(b.time, time.Time.Compare), slices.MaxFunc(b.time, time.Time.Compare)
	return c
}

// attributes is a Map(String, String) in the order the sender gave, which compresses better than Go's random one.
type attributes []struct{ key, value string }

var _ column.IterableOrderedMap = (*attributes)(nil)

func (a *attributes) add(key, value string) {
	*a = append(*a, struct{ key, value string }{key, value})
}

// Put is the reading half of the driver's interface.
func (a *attributes) Put(key, value any) {
	k, _ := key.(string)
	v, _ := value.(string)
	a.add(k, v)
}

// Iterator is the writing half.
func (a *attributes) Iterator() column.MapIterator { return &attributeIterator{list: *a, at: -1} }

type attributeIterator struct {
	list attributes
	at   int
}

func (i *attributeIterator) Next() bool { i.at++; return i.at < len(i.list) }
func (i *attributeIterator) Key() any   { return i.list[i.at].key }
func (i *attributeIterator) Value() any { return i.list[i.at].value }
