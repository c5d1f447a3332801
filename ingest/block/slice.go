package block

import "encoding/binary"

// Slice is rows from up to but without to. It shares memory with b: add no more to either.
func (b Block) Slice(from, to int) Block {
	return each(b, func(c Named) Named { return Named{c.Name, c.slice(from, to)} })
}

func (c *Fixed) slice(from, to int) Column {
	return &Fixed{kind: c.kind, width: c.width, wire: c.wire[from*c.width : to*c.width]}
}

func (c *Strings) slice(from, to int) Column {
	start := c.offset(0, from)
	return &Strings{wire: c.wire[start:c.offset(start, to-from)], rows: to - from}
}

// offset is where the value stands that is n values after the one at an offset.
func (c *Strings) offset(at, n int) int {
	for range n {
		length, size := binary.Uvarint(c.wire[at:])
		at += size + int(length)
	}
	return at
}

func (c *Dict) slice(from, to int) Column {
	return &Dict{values: c.values, rows: c.rows[from:to], sliced: true}
}

func (c *Array[C]) slice(from, to int) Column {
	first, last, ends := cut(c.ends, from, to)
	return &Array[C]{Items: c.Items.slice(first, last).(C), ends: ends}
}

func (c *Map) slice(from, to int) Column {
	first, last, ends := cut(c.ends, from, to)
	return &Map{keys: *c.keys.slice(first, last).(*Dict), values: *c.values.slice(first, last).(*Strings), ends: ends}
}

// cut is the items of rows from up to to, and where those rows end among them.
func cut(all []int, from, to int) (first, last int, ends []int) {
	if from > 0 {
		first = all[from-1]
	}
	last = first
	for _, end := range all[from:to] {
		ends = append(ends, end-first)
		last = end
	}
	return first, last, ends
}
