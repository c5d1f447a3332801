// Package wire reads protobuf messages field by field, out of the bytes they came in, without making objects of them.
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// ErrTruncated means that a message ends in the middle of a field.
var ErrTruncated = errors.New("protobuf: the message ends in the middle of a field")

// ErrGroup means that a message has a group, a kind of field that protobuf's third version does not know, or a wire type that nobody does.
var ErrGroup = errors.New("protobuf: a group, or an unknown wire type")

// Message is a message being read: call Next for each field and then, by Number, the method for what the field should be. A field that is
// something else ends the reading with an error, which Err returns at the end.
//
// It keeps places in what it reads and no pointers but the one to its begin, so that moving on costs the garbage collector nothing.
type Message struct {
	all    []byte
	at     int // of what is not read yet
	number protowire.Number
	kind   protowire.Type
	value  uint64 // of a varint or of 4 or 8 bytes
	start  int    // of bytes
	err    error
}

// Read begins to read a message.
func Read(b []byte) Message { return Message{all: b} }

// Number is that of the current field.
func (m *Message) Number() int32 { return int32(m.number) }

// Err is why reading ended before the end; nil when it did not.
func (m *Message) Err() error { return m.err }

// Next goes on to the next field; false at the end or after an error.
func (m *Message) Next() bool {
	if m.at >= len(m.all) || m.err != nil {
		return false
	}
	tag := m.varint()
	m.number, m.kind = protowire.Number(tag>>3), protowire.Type(tag&7)
	if tag>>3 < 1 || tag>>3 > uint64(protowire.MaxValidNumber) {
		m.fail(fmt.Errorf("protobuf: field number %d", tag>>3))
		return false
	}
	switch m.kind {
	case protowire.VarintType:
		m.value = m.varint()
	case protowire.Fixed64Type:
		if m.take(8) {
			m.value = binary.LittleEndian.Uint64(m.all[m.start:])
		}
	case protowire.Fixed32Type:
		if m.take(4) {
			m.value = uint64(binary.LittleEndian.Uint32(m.all[m.start:]))
		}
	case protowire.BytesType:
		m.take(m.varint())
	default:
		m.fail(ErrGroup)
	}
	return m.err == nil
}

func (m *Message) varint() uint64 {
	if m.at < len(m.all) && m.all[m.at] < 0x80 { // nearly all
		m.at++
		return uint64(m.all[m.at-1])
	}
	v, n := binary.Uvarint(m.all[m.at:])
	if n <= 0 {
		m.fail(ErrTruncated)
		return 0
	}
	m.at += n
	return v
}

// take makes the next n bytes the current field's.
func (m *Message) take(n uint64) bool {
	if m.err != nil || n > uint64(len(m.all)-m.at) {
		m.fail(ErrTruncated)
		return false
	}
	m.start = m.at
	m.at += int(n)
	return true
}

func (m *Message) fail(err error) {
	if m.err == nil {
		m.err = err
	}
}

func (m *Message) want(kind protowire.Type) bool {
	if m.kind == kind {
		return true
	}
	m.fail(fmt.Errorf("protobuf: field %d has wire type %d, want %d", m.number, m.kind, kind))
	return false
}

// Bytes is the current field as bytes, a string or a message; it is part of what Read was given.
func (m *Message) Bytes() []byte {
	if !m.want(protowire.BytesType) {
		return nil
	}
	return m.all[m.start:m.at:m.at]
}

// Varint is the current field as an integer, bool or enum.
func (m *Message) Varint() uint64 {
	if !m.want(protowire.VarintType) {
		return 0
	}
	return m.value
}

// Fixed64 is the current field as a fixed64 or the bits of a double.
func (m *Message) Fixed64() uint64 {
	if !m.want(protowire.Fixed64Type) {
		return 0
	}
	return m.value
}

// Fixed32 is the current field as a fixed32.
func (m *Message) Fixed32() uint32 {
	if !m.want(protowire.Fixed32Type) {
		return 0
	}
	return uint32(m.value)
}
