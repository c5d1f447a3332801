package load

import (
	"math"
	"math/rand/v2"

	"google.golang.org/protobuf/encoding/protowire"
)

// message writes protobuf.
type message []byte

// open begins a nested message and returns what close wants.
func (m *message) open(field protowire.Number) int {
	*m = protowire.AppendTag(*m, field, protowire.BytesType)
	return len(*m)
}

// close ends the message that open began: its length goes before it, now that it is known.
func (m *message) close(start int) {
	size := uint64(len(*m) - start) //nolint:gosec // not negative
	n := protowire.SizeVarint(size)
	*m = append(*m, make([]byte, n)...)
	copy((*m)[start+n:], (*m)[start:len(*m)-n])
	protowire.AppendVarint((*m)[start:start], size)
}

func (m *message) text(field protowire.Number, s string) {
	*m = protowire.AppendTag(*m, field, protowire.BytesType)
	*m = protowire.AppendString(*m, s)
}

func (m *message) bytes(field protowire.Number, b []byte) {
	*m = protowire.AppendTag(*m, field, protowire.BytesType)
	*m = protowire.AppendBytes(*m, b)
}

func (m *message) number(field protowire.Number, n uint64) {
	*m = protowire.AppendTag(*m, field, protowire.VarintType)
	*m = protowire.AppendVarint(*m, n)
}

func (m *message) fixed64(field protowire.Number, n uint64) {
	*m = protowire.AppendTag(*m, field, protowire.Fixed64Type)
	*m = protowire.AppendFixed64(*m, n)
}

func (m *message) fixed32(field protowire.Number, n uint32) {
	*m = protowire.AppendTag(*m, field, protowire.Fixed32Type)
	*m = protowire.AppendFixed32(*m, n)
}

// value writes an attribute; write writes what is in its AnyValue.
func (m *message) value(field protowire.Number, key string, write func()) {
	attribute := m.open(field)
	m.text(1, key)
	value := m.open(2)
	write()
	m.close(value)
	m.close(attribute)
}

func (m *message) textValue(field protowire.Number, key, value string) {
	m.value(field, key, func() { m.text(1, value) })
}

func (m *message) intValue(field protowire.Number, key string, value int) {
	m.value(field, key, func() { m.number(3, uint64(value)) }) //nolint:gosec // two's complement is what the wire wants
}

func (m *message) doubleValue(field protowire.Number, key string, value float64) {
	m.value(field, key, func() { m.fixed64(4, math.Float64bits(value)) })
}

const hexDigits = "0123456789abcdef"

// appendHex appends n random hexadecimal digits.
func appendHex(b []byte, r *rand.Rand, n int) []byte {
	for n > 0 {
		for v, left := r.Uint64(), 16; left > 0 && n > 0; left, n, v = left-1, n-1, v>>4 {
			b = append(b, hexDigits[v&15])
		}
	}
	return b
}
