package mongodb

import (
	"slices"

	"github.com/midwatch/midwatch/collector/protocol"
)

// Recognize tells whether b begins a connection: whole requests of a client, of which the last may be cut, each with a command that is one.
func Recognize(b []byte) bool { return requests(b, false) }

// Resumes tells whether b, from the middle of a connection whose ends are unknown, begins with requests. Answers name what they answer.
func Resumes(b []byte) bool { return requests(b, true) }

func requests(b []byte, middle bool) bool {
	if len(b) < headSize {
		return false
	}
	for begun := false; ; begun = true {
		if len(b) < headSize {
			return begun
		}
		size := frameSize(b)
		if size == 0 || !request(protocol.Frame{Bytes: b[:min(size, int64(len(b)))], Size: size}, middle) {
			return false
		}
		b = b[min(size, int64(len(b))):]
	}
}

// request tells whether a message is a request, as far as it is there.
func request(f protocol.Frame, middle bool) bool {
	h := readHead(f.Bytes)
	if h.responseTo != 0 || h.op == opReply || h.op == opCompressed && !middle { // nothing is compressed before the two ends agreed on how
		return false
	}
	m, ok := readMessage(f)
	if !ok || m.opaque || m.op == opKillCursors || !m.sound() {
		return false
	}
	var c protocol.Call
	return m.command(&c) && (!middle || c.Resource != "" || c.Namespace != "" || slices.Contains(quiet, c.Operation))
}

// sound tells whether a message's document is one, as far as it is there.
func (m *message) sound() bool {
	return m.body == nil || document(m.body, func(element) bool { return true })
}
