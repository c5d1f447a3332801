package ingest

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"go.opentelemetry.io/collector/pdata/pcommon"
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

// base is the columns that the tables of spans, logs and metrics have.
type base struct {
	time                                 []time.Time
	environment, service, instance, host []string
	attributes                           []*attributes
}

func (b *base) add(at time.Time, r *resource, attrs *attributes) {
	b.time = append(b.time, at)
	b.environment = append(b.environment, r.environment)
	b.service = append(b.service, r.service)
	b.instance = append(b.instance, r.instance)
	b.host = append(b.host, r.host)
	b.attributes = append(b.attributes, attrs)
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
	}, own...)}
	c.first, c.last = slices.MinFunc(b.time, time.Time.Compare), slices.MaxFunc(b.time, time.Time.Compare)
	return c
}

// point is the columns that tables of metrics add.
type point struct {
	base
	resource []*attributes
	batch    []string
}

func (p *point) add(at time.Time, r *resource, attrs *attributes, batch string) {
	p.base.add(at, r, attrs)
	p.resource = append(p.resource, r.attributes)
	p.batch = append(p.batch, batch)
}

func (p *point) chunk(table string, d day, own ...tableColumn) *chunk {
	return p.base.chunk(table, d, append(own, tableColumn{"resource", p.resource}, tableColumn{"batch_id", p.batch})...)
}

// record is the columns that spans and logs add.
type record struct {
	base
	resource            []string // JSON
	scope, scopeVersion []string
	trace, span         []string // bytes; empty: none
	batch               []uint64
}

func (c *record) add(at time.Time, r *resource, of pcommon.InstrumentationScope, attrs *attributes, id string) {
	c.base.add(at, r, attrs)
	c.resource = append(c.resource, r.json)
	c.scope = append(c.scope, of.Name())
	c.scopeVersion = append(c.scopeVersion, of.Version())
	c.batch = append(c.batch, batchID(id))
}

func (c *record) chunk(table string, d day, own ...tableColumn) *chunk {
	return c.base.chunk(table, d, append(own, tableColumn{"resource_json", c.resource}, tableColumn{"scope", c.scope},
		tableColumn{"scope_version", c.scopeVersion}, tableColumn{"trace", c.trace}, tableColumn{"span", c.span}, tableColumn{"batch_id", c.batch})...)
}

// batchID is what rows of spans and logs carry of their request's id.
func batchID(id string) uint64 {
	sum := sha256.Sum256([]byte(id))
	return binary.BigEndian.Uint64(sum[:])
}

// attributes is a Map(String, String) in the order the sender gave, which compresses better than Go's random one.
type attributes []struct{ key, value string }

var _ column.IterableOrderedMap = (*attributes)(nil)

func (a *attributes) add(key, value string) {
	*a = append(*a, struct{ key, value string }{key, value})
}

// json is an object of strings, its keys in the sender's order.
func (a *attributes) json() string {
	var b strings.Builder
	text := json.NewEncoder(&b)
	text.SetEscapeHTML(false)
	for i, kv := range *a {
		b.WriteByte("{,"[min(i, 1)])
		_ = text.Encode(kv.key) // of a string, into memory
		b.WriteByte(':')
		_ = text.Encode(kv.value)
	}
	if len(*a) == 0 {
		b.WriteByte('{')
	}
	b.WriteByte('}')
	return strings.ReplaceAll(b.String(), "\n", "") // the encoder's own; those of values are escaped
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
