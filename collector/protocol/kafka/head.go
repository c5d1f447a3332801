package kafka

import (
	"encoding/binary"

	"github.com/midwatch/midwatch/collector/protocol"
)

// Bounds of messages, with the four bytes that say how long they are.
const (
	sizeField   = 4
	requestHead = sizeField + 10 // size, key, version, correlation id, length of the client's id
	answerHead  = sizeField + 4  // size, correlation id
	maxMessage  = 1 << 30
	maxVersion  = 127
	maxClientID = 255
)

// head is what a request begins with.
type head struct {
	key, version int16
	correlation  int32
	client       []byte // the client's id
	api          api    // by its key
	known        bool   // the version, too
}

// requestSize is how long the request is that begins with head; 0: none does.
func requestSize(head []byte) int64 {
	n := int64(int32(binary.BigEndian.Uint32(head)))
	key, version := int16(binary.BigEndian.Uint16(head[4:])), int16(binary.BigEndian.Uint16(head[6:]))
	if n < requestHead-sizeField || n > maxMessage || key < 0 || version < 0 || version > maxVersion {
		return 0
	}
	return sizeField + n
}

// answerSize is how long the answer is that begins with head; 0: none does.
func answerSize(head []byte) int64 {
	n := int64(int32(binary.BigEndian.Uint32(head)))
	if n < answerHead-sizeField || n > maxMessage {
		return 0
	}
	return sizeField + n
}

// readRequest reads the head of a request, and returns what is behind it.
func readRequest(f protocol.Frame) (head, body) {
	r := body{b: f.Bytes[sizeField:], size: f.Size - sizeField}
	h := head{key: r.int16(), version: r.int16(), correlation: r.int32()}
	if int(h.key) < len(apis) {
		h.api = apis[h.key]
	}
	_, h.known = lookUp(h.key, h.version)
	if h.key != keyControlledShutdown || h.version > 0 {
		h.client = r.text()
	}
	r.flexible = h.api.isFlexible(h.version)
	r.tags()
	return h, r
}

// readAnswer returns what is behind the head of an answer. That of ApiVersions is the same in every version, for clients that do not know yet which the broker has.
func readAnswer(key, version int16, f protocol.Frame) body {
	r := body{b: f.Bytes[answerHead:], size: f.Size - answerHead}
	r.flexible = apis[key].isFlexible(version)
	if key != keyApiVersions {
		r.tags()
	}
	return r
}

func correlation(answer []byte) int32 { return int32(binary.BigEndian.Uint32(answer[sizeField:])) }
