package amqp

import (
	"bytes"
	"encoding/binary"

	"github.com/midwatch/midwatch/collector/protocol"
)

// Types of frames.
const (
	frameMethod    = 1
	frameHeader    = 2
	frameBody      = 3
	frameHeartbeat = 8
	framePreface   = 'A' // none, but what a connection begins with
)

const (
	preface   = "AMQP\x00\x00\x09\x01"
	frameHead = 7 // type, channel, size
	frameEnd  = 0xce
	maxKept   = 4 << 10  // of each frame
	maxFrame  = 16 << 20 // RabbitMQ's limit is 128 KiB unless configured
)

// frameSize is the size of the frame that begins with a head, 0 if none does.
func frameSize(head []byte) int64 {
	size := int64(binary.BigEndian.Uint32(head[3:]))
	switch head[0] {
	case frameMethod, frameHeader, frameBody:
		if size > maxFrame || head[0] == frameMethod && size < 4 || head[0] == frameHeader && size < contentHead {
			return 0
		}
		return frameHead + size + 1
	case frameHeartbeat:
		if channelOf(head) != 0 || size != 0 {
			return 0
		}
		return frameHead + 1
	case framePreface:
		if string(head) == preface[:frameHead] {
			return int64(len(preface))
		}
	}
	return 0
}

func channelOf(frame []byte) uint16 { return binary.BigEndian.Uint16(frame[1:]) }

// payload is what is kept of a frame's payload. ok is false if the frame does not end as frames do.
func payload(f protocol.Frame) (b []byte, ok bool) {
	whole := int64(len(f.Bytes)) == f.Size
	switch {
	case len(f.Bytes) < frameHead:
		return nil, false
	case f.Bytes[0] == framePreface:
		return nil, !whole || string(f.Bytes) == preface
	case whole:
		last := len(f.Bytes) - 1
		return f.Bytes[frameHead:last], f.Bytes[last] == frameEnd
	}
	return f.Bytes[frameHead:], true
}

// readMethod reads a method's frame. ok is false if it is none that the end may send.
func readMethod(payload []byte, whole bool, from end) (n id, m method, a arguments, ok bool) {
	n, rest := readID(payload)
	m, ok = methods[n]
	if !ok || m.from&from == 0 {
		return n, m, a, false
	}
	a, fits := readArguments(m.layout, rest)
	return n, m, a, fits || !whole
}

// chained tells whether b, taken from the middle of a connection, is whole frames of one end, of which the last may be cut; the first is a method, or a heartbeat. proven is
// true if one of them only that end sends.
func chained(b []byte, from end) (ok, proven bool) {
	for first := true; len(b) > 0; first = false {
		if len(b) < frameHead {
			return !first, proven
		}
		size := frameSize(b)
		cut := size > int64(len(b))
		if size == 0 || b[0] == framePreface || first && (cut || b[0] != frameMethod && b[0] != frameHeartbeat) {
			return false, false
		}
		f := protocol.Frame{Bytes: b[:min(size, int64(len(b)))], Size: size}
		body, ok := payload(f)
		switch {
		case !ok || f.Bytes[0] == frameHeader && !isHeader(body):
			return false, false
		case f.Bytes[0] == frameMethod && len(body) >= 4:
			_, m, _, ok := readMethod(body, !cut, from)
			if !ok {
				return false, false
			}
			proven = proven || m.from == from && !cut
		}
		b = b[len(f.Bytes):]
	}
	return true, proven
}

// Recognize tells whether b begins a connection.
func Recognize(b []byte) bool {
	if !bytes.HasPrefix(b, []byte(preface)) {
		return false
	}
	b = b[len(preface):]
	ok, _ := chained(b, client)
	return ok
}

// Resumes tells whether b, taken from the middle of a connection, begins with methods, at least one of which only clients send.
func Resumes(b []byte) bool {
	ok, proven := chained(b, client)
	return ok && proven
}

// Answers tells the same of what only servers send, as they do to a client that consumes and says nothing but that it did.
func Answers(b []byte) bool {
	ok, proven := chained(b, server)
	return ok && proven
}
