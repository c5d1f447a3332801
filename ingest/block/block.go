package block

import "github.com/ClickHouse/ch-go/proto"

// Named is a column of a table.
type Named struct {
	Name string
	Column
}

// Block is rows of a table: columns of equal length.
type Block []Named

// Rows is how many rows there are.
func (b Block) Rows() int {
	if len(b) == 0 {
		return 0
	}
	return b[0].Rows()
}

// Names is what its columns are called.
func (b Block) Names() []string { return each(b, func(c Named) string { return c.Name }) }

// Join makes what is sent to the server of blocks that have the same columns in the same order.
func Join(blocks []Block) proto.Input {
	in := make(proto.Input, len(blocks[0]))
	for i, c := range blocks[0] {
		in[i] = proto.InputColumn{Name: c.Name, Data: join(each(blocks, func(b Block) Column { return b[i].Column }))}
	}
	return in
}
