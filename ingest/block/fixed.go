package block

import (
	"encoding/binary"
	"math"

	"github.com/ClickHouse/ch-go/proto"
)

// Fixed is a column whose values all have the same width.
type Fixed struct {
	kind  proto.ColumnType
	width int // bytes
	wire  []byte
}

// NewFixed makes a column of a type whose values have width bytes on the wire: numbers in little endian, DateTime64, Enum8, FixedString.
func NewFixed(kind string, width int) *Fixed {
	return &Fixed{kind: proto.ColumnType(kind), width: width}
}

// Time makes a column of type DateTime64(9, 'UTC'), whose values are nanoseconds since 1970.
func Time() *Fixed { return NewFixed("DateTime64(9, 'UTC')", 8) }

// UInt64 makes a column of that type.
func UInt64() *Fixed { return NewFixed("UInt64", 8) }

// Int64 makes a column of that type.
func Int64() *Fixed { return NewFixed("Int64", 8) }

// Float64 makes a column of that type.
func Float64() *Fixed { return NewFixed("Float64", 8) }

// UInt8 makes a column of that type.
func UInt8() *Fixed { return NewFixed("UInt8", 1) }

// FixedString makes a column of byte strings of n bytes.
func FixedString(n int) *Fixed {
	return NewFixed("FixedString("+itoa(n)+")", n)
}

// Put64 appends a value of 8 bytes.
func (c *Fixed) Put64(v uint64) { c.wire = binary.LittleEndian.AppendUint64(c.wire, v) }

// PutFloat appends a Float64.
func (c *Fixed) PutFloat(v float64) { c.Put64(math.Float64bits(v)) }

// Put32 appends a value of 4 bytes.
func (c *Fixed) Put32(v uint32) { c.wire = binary.LittleEndian.AppendUint32(c.wire, v) }

// Put8 appends a value of 1 byte.
func (c *Fixed) Put8(v uint8) { c.wire = append(c.wire, v) }

// PutBytes appends a value as it is, cut or filled up with zeros to the width.
func (c *Fixed) PutBytes(v []byte) {
	v = v[:min(len(v), c.width)]
	c.wire = append(c.wire, v...)
	for range c.width - len(v) {
		c.wire = append(c.wire, 0)
	}
}

// Type is ClickHouse's name of the type.
func (c *Fixed) Type() proto.ColumnType { return c.kind }

// Rows is how many values there are.
func (c *Fixed) Rows() int { return len(c.wire) / c.width }

func (c *Fixed) state(*proto.Buffer) {}

func (c *Fixed) encode(b *proto.Buffer, parts []Column) {
	for _, p := range parts {
		b.PutRaw(p.(*Fixed).wire)
	}
}
