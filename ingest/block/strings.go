package block

import (
	"encoding/binary"
	"slices"
	"strconv"

	"github.com/ClickHouse/ch-go/proto"
)

// Strings is a column of type String.
type Strings struct {
	wire []byte // each value behind its length
	rows int
}

// NewStrings makes an empty column.
func NewStrings() *Strings { return &Strings{} }

// Grow makes room for n bytes more.
func (c *Strings) Grow(n int) { c.wire = slices.Grow(c.wire, n) }

// Put appends a value, which is copied.
func (c *Strings) Put(v []byte) {
	c.wire = append(binary.AppendUvarint(c.wire, uint64(len(v))), v...)
	c.rows++
}

// PutString appends a value, which is copied.
func (c *Strings) PutString(v string) {
	c.wire = append(binary.AppendUvarint(c.wire, uint64(len(v))), v...)
	c.rows++
}

// Type is ClickHouse's name of the type.
func (c *Strings) Type() proto.ColumnType { return proto.ColumnTypeString }

// Rows is how many values there are.
func (c *Strings) Rows() int { return c.rows }

func (c *Strings) state(*proto.Buffer) {}

func (c *Strings) encode(b *proto.Buffer, parts []Column) {
	for _, p := range parts {
		b.PutRaw(p.(*Strings).wire)
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
