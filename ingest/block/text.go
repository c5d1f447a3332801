package block

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"

	"github.com/midwatch/midwatch/ingest/wire"
)

// Text is row i as a JSON object, for people: times in nanoseconds, byte strings in hex, Float64 as text because it may be no number.
func (b Block) Text(i int) []byte {
	out := []byte{'{'}
	for j, c := range b {
		if j > 0 {
			out = append(out, ',')
		}
		out = append(wire.AppendQuoted(out, []byte(c.Name)), ':')
		out = c.text(out, i)
	}
	return append(out, '}')
}

func (c *Fixed) text(to []byte, i int) []byte {
	v := c.wire[i*c.width : (i+1)*c.width]
	switch {
	case c.kind == "UInt64":
		return strconv.AppendUint(to, binary.LittleEndian.Uint64(v), 10)
	case c.kind == "Float64":
		return append(strconv.AppendFloat(append(to, '"'), math.Float64frombits(binary.LittleEndian.Uint64(v)), 'g', -1, 64), '"')
	case c.kind.Base() == "FixedString":
		return append(hex.AppendEncode(append(to, '"'), v), '"')
	case c.width == 1:
		return strconv.AppendUint(to, uint64(v[0]), 10)
	case c.width == 2:
		return strconv.AppendUint(to, uint64(binary.LittleEndian.Uint16(v)), 10)
	case c.width == 4:
		return strconv.AppendInt(to, int64(int32(binary.LittleEndian.Uint32(v))), 10)
	}
	return strconv.AppendInt(to, int64(binary.LittleEndian.Uint64(v)), 10)
}

func (c *Strings) text(to []byte, i int) []byte {
	at := c.offset(0, i)
	length, size := binary.Uvarint(c.wire[at:])
	return wire.AppendQuoted(to, c.wire[at+size:at+size+int(length)])
}

func (c *Dict) text(to []byte, i int) []byte {
	return wire.AppendQuoted(to, []byte(c.values[c.rows[i]]))
}

func (c *Array[C]) text(to []byte, i int) []byte {
	first, last, _ := cut(c.ends, i, i+1)
	to = append(to, '[')
	for j := first; j < last; j++ {
		if j > first {
			to = append(to, ',')
		}
		to = c.Items.text(to, j)
	}
	return append(to, ']')
}

func (c *Map) text(to []byte, i int) []byte {
	first, last, _ := cut(c.ends, i, i+1)
	to = append(to, '{')
	for j := first; j < last; j++ {
		if j > first {
			to = append(to, ',')
		}
		to = c.values.text(append(c.keys.text(to, j), ':'), j)
	}
	return append(to, '}')
}
