package kafka

import (
	"github.com/midwatch/midwatch/collector/protocol"
)

// maxFirst is the most that a first request, or one by which a connection is found again, may say it has: what a broker takes unless it is told otherwise.
const maxFirst = 100 << 20

// Recognize tells whether b begins a connection: requests one behind the other, all fields of their heads right, whose bodies are as they are laid out. The last may be cut.
func Recognize(b []byte) bool { return fit(b, false) }

// Resumes tells whether b, taken from the middle of a connection, begins with requests. They must be of an API that is laid out, and name a client or a topic.
func Resumes(b []byte) bool { return fit(b, true) }

func fit(b []byte, middle bool) bool {
	for begun := false; ; begun = true {
		if len(b) < requestHead {
			return begun
		}
		size := requestSize(b)
		if size == 0 || size > maxFirst || !fits(protocol.Frame{Bytes: b[:min(size, int64(len(b)))], Size: size}, middle) {
			return false
		}
		b = b[min(size, int64(len(b))):]
	}
}

// fits tells whether a request is one, as far as it is there.
func fits(f protocol.Frame, middle bool) bool {
	h, r := readRequest(f)
	if !h.known || h.correlation < 0 || r.over() || !isClientID(h.client) {
		return false
	}
	l, ok := requests[h.key]
	if !ok {
		return !middle
	}
	said := found{strict: true}
	whole := l.structure(&r, h.version, &said)
	switch {
	case r.bad || h.key == keyProduce && !said.seen:
		return false
	case r.cut: // a Produce can be longer than what is copied
		return f.Size > int64(len(f.Bytes)) && (!middle || said.seen)
	case whole && r.size > 0:
		return false
	}
	return !middle || said.seen || len(h.client) > 0
}

// isClientID tells whether a client can be called so.
func isClientID(b []byte) bool {
	if len(b) > maxClientID {
		return false
	}
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}
