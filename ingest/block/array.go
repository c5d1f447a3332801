package block

import (
	"encoding/binary"
	"slices"

	"github.com/ClickHouse/ch-go/proto"
)

// Array is a column of arrays. Put the items of a row into Items, then call End.
type Array[C Column] struct {
	Items C
	ends  []int // :: row → items up to its end
}

// NewArray makes an empty column of arrays of what items is made for.
func NewArray[C Column](items C) *Array[C] { return &Array[C]{Items: items} }

// End finishes a row: its items are those put since the row before.
func (c *Array[C]) End() { c.ends = append(c.ends, c.Items.Rows()) }

// Type is ClickHouse's name of the type.
func (c *Array[C]) Type() proto.ColumnType { return proto.ColumnTypeArray.Sub(c.Items.Type()) }

// Rows is how many arrays there are.
func (c *Array[C]) Rows() int { return len(c.ends) }

func (c *Array[C]) state(b *proto.Buffer) { c.Items.state(b) }

func (c *Array[C]) encode(b *proto.Buffer, parts []Column) {
	putEnds(b, each(parts, func(p Column) []int { return p.(*Array[C]).ends }))
	c.Items.encode(b, each(parts, func(p Column) Column { return p.(*Array[C]).Items }))
}

// putEnds writes where rows end, counted over all parts.
func putEnds(b *proto.Buffer, parts [][]int) {
	before := 0
	for _, ends := range parts {
		for _, end := range ends {
			b.Buf = binary.LittleEndian.AppendUint64(b.Buf, uint64(before+end))
		}
		if len(ends) > 0 {
			before += ends[len(ends)-1]
		}
	}
}

// Map is a column of type Map(LowCardinality(String), String). Put the pairs of a row, then call End.
type Map struct {
	keys   Dict
	values Strings
	ends   []int // :: row → pairs up to its end
}

// NewMap makes an empty column.
func NewMap() *Map { return &Map{} }

// Grow makes room for n bytes more of values, and for the keys of so many.
func (c *Map) Grow(n int) {
	const perValue = 16 // bytes, about
	c.values.Grow(n)
	c.keys.rows = slices.Grow(c.keys.rows, n/perValue)
}

// Put appends a pair to the row that End finishes.
func (c *Map) Put(key, value []byte) {
	c.keys.Put(key)
	c.values.Put(value)
}

// PutString appends a pair to the row that End finishes.
func (c *Map) PutString(key, value string) {
	c.keys.PutString(key)
	c.values.PutString(value)
}

// End finishes a row.
func (c *Map) End() { c.ends = append(c.ends, c.values.rows) }

// Distinct is how many keys there are that differ.
func (c *Map) Distinct() int { return c.keys.Distinct() }

// Pairs is how many all rows have together.
func (c *Map) Pairs() int { return c.values.rows }

// Type is ClickHouse's name of the type.
func (c *Map) Type() proto.ColumnType { return "Map(LowCardinality(String), String)" }

// Rows is how many maps there are.
func (c *Map) Rows() int { return len(c.ends) }

func (c *Map) state(b *proto.Buffer) { c.keys.state(b) }

func (c *Map) encode(b *proto.Buffer, parts []Column) {
	putEnds(b, each(parts, func(p Column) []int { return p.(*Map).ends }))
	c.keys.encode(b, each(parts, func(p Column) Column { return &p.(*Map).keys }))
	c.values.encode(b, each(parts, func(p Column) Column { return &p.(*Map).values }))
}
