// Package block holds rows as ClickHouse's native protocol sends them: columns that are filled record by record, kept in wire form, and joined to
// one block when several requests are inserted together. Joining copies bytes; nothing is made anew for a row.
//
// The formats are those of ClickHouse's SerializationNumber, SerializationString, SerializationArray, SerializationMap and
// SerializationLowCardinality.
package block

import "github.com/ClickHouse/ch-go/proto"

// Column is the values of one column, of one request. Only this package's types are columns.
type Column interface {
	// Type is ClickHouse's name of the type, as "LowCardinality(String)".
	Type() proto.ColumnType
	// Rows is how many values there are.
	Rows() int
	// state writes what stands before the values of all parts.
	state(b *proto.Buffer)
	// encode writes the values of parts, which are all of the receiver's own type, as one column.
	encode(b *proto.Buffer, parts []Column)
	// slice is the values from up to but without to.
	slice(from, to int) Column
	// text appends a value for people to read.
	text(to []byte, i int) []byte
}

// joined is the column that several parts make.
type joined struct {
	parts []Column
	rows  int
}

var (
	_ proto.ColInput     = joined{}
	_ proto.StateEncoder = joined{}
)

func join(parts []Column) joined {
	j := joined{parts: parts}
	for _, p := range parts {
		j.rows += p.Rows()
	}
	return j
}

func (j joined) Type() proto.ColumnType       { return j.parts[0].Type() }
func (j joined) Rows() int                    { return j.rows }
func (j joined) EncodeState(b *proto.Buffer)  { j.parts[0].state(b) }
func (j joined) EncodeColumn(b *proto.Buffer) { j.parts[0].encode(b, j.parts) }
func (j joined) WriteColumn(w *proto.Writer)  { w.ChainBuffer(j.EncodeColumn) }

// each is f of every part.
func each[C, D any](parts []C, f func(C) D) []D {
	out := make([]D, len(parts))
	for i, p := range parts {
		out[i] = f(p)
	}
	return out
}
