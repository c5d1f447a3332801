package block

import (
	"encoding/binary"
	"math"
	"strings"

	"github.com/ClickHouse/ch-go/proto"
)

// Dict is a column of type LowCardinality(String): each distinct value once, and for each row the number of its value.
type Dict struct {
	values []string
	number map[string]uint32 // :: value → its place in values
	rows   []uint32
	next   []uint32 // :: place → the place of the value that came after it last time
	last   uint32
	sliced bool // may have values that no row has
}

// NewDict makes an empty column.
func NewDict() *Dict { return &Dict{} }

// Put appends a value; the bytes are copied when it is new.
func (c *Dict) Put(v []byte) { c.rows = append(c.rows, c.place(v)) }

// PutString appends a value; it is kept when it is new.
func (c *Dict) PutString(v string) { c.rows = append(c.rows, c.placeString(v)) }

// place finds a value, or adds it. Telemetry repeats itself: what followed the last value before most often follows it again, and comparing
// with that is several times faster than looking it up.
func (c *Dict) place(v []byte) uint32 {
	if len(c.values) > 0 {
		if guess := c.next[c.last]; c.values[guess] == string(v) {
			c.last = guess
			return guess
		}
		if at, ok := c.number[string(v)]; ok {
			return c.follow(at)
		}
	}
	return c.add(string(v))
}

func (c *Dict) placeString(v string) uint32 {
	if len(c.values) > 0 {
		if guess := c.next[c.last]; c.values[guess] == v {
			c.last = guess
			return guess
		}
		if at, ok := c.number[v]; ok {
			return c.follow(at)
		}
	}
	return c.add(strings.Clone(v))
}

func (c *Dict) add(v string) uint32 {
	if c.number == nil {
		c.number = map[string]uint32{}
	}
	at := uint32(len(c.values))
	c.values = append(c.values, v)
	c.next = append(c.next, at)
	c.number[v] = at
	return c.follow(at)
}

func (c *Dict) follow(at uint32) uint32 {
	c.next[c.last] = at
	c.last = at
	return at
}

// Type is ClickHouse's name of the type.
func (c *Dict) Type() proto.ColumnType {
	return proto.ColumnTypeLowCardinality.Sub(proto.ColumnTypeString)
}

// Rows is how many values there are.
func (c *Dict) Rows() int { return len(c.rows) }

// Distinct is how many values there are that differ.
func (c *Dict) Distinct() int { return len(c.values) }

// Values is the value of each row.
func (c *Dict) Values() []string { return each(c.rows, func(at uint32) string { return c.values[at] }) }

func (c *Dict) state(b *proto.Buffer) {
	const sharedDictionariesWithAdditionalKeys = 1
	b.PutUInt64(sharedDictionariesWithAdditionalKeys)
}

func (c *Dict) encode(b *proto.Buffer, parts []Column) {
	all, moved, rows := merge(parts)
	if rows == 0 {
		return // not even a header
	}
	const additionalKeys, updateDictionary = 1 << 9, 1 << 10
	width, code := indexWidth(len(all))
	b.PutUInt64(additionalKeys | updateDictionary | code)
	b.PutUInt64(uint64(len(all)))
	for _, v := range all {
		b.PutString(v)
	}
	b.PutUInt64(uint64(rows))
	for i, p := range parts {
		putIndexes(b, p.(*Dict).rows, moved[i], width)
	}
}

// merge makes one dictionary of all; moved tells for each part where its values are in it.
func merge(parts []Column) (all []string, moved [][]uint32, rows int) {
	moved = make([][]uint32, len(parts))
	number := map[string]uint32{}
	for i, p := range parts {
		part := p.(*Dict)
		rows += len(part.rows)
		moved[i] = make([]uint32, len(part.values))
		used := part.used()
		for j, v := range part.values {
			if used != nil && !used[j] {
				continue
			}
			at, ok := number[v]
			if !ok {
				at = uint32(len(all))
				all = append(all, v)
				number[v] = at
			}
			moved[i][j] = at
		}
	}
	return all, moved, rows
}

// used says which values a row has; nil: all.
func (c *Dict) used() []bool {
	if !c.sliced {
		return nil
	}
	used := make([]bool, len(c.values))
	for _, at := range c.rows {
		used[at] = true
	}
	return used
}

// indexWidth is the bytes of an index into n values, and the protocol's code for that.
func indexWidth(n int) (width int, code uint64) {
	switch {
	case n <= math.MaxUint8+1:
		return 1, 0
	case n <= math.MaxUint16+1:
		return 2, 1
	}
	return 4, 2
}

func putIndexes(b *proto.Buffer, rows, moved []uint32, width int) {
	for _, r := range rows {
		switch at := moved[r]; width {
		case 1:
			b.Buf = append(b.Buf, byte(at))
		case 2:
			b.Buf = binary.LittleEndian.AppendUint16(b.Buf, uint16(at))
		default:
			b.Buf = binary.LittleEndian.AppendUint32(b.Buf, at)
		}
	}
}
