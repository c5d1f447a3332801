package amqp

import (
	"encoding/binary"

	"github.com/midwatch/midwatch/collector/protocol/tracecontext"
)

// contentHead is a content header before its properties: class, weight, size of the body, which properties there are.
const contentHead = 2 + 2 + 8 + 2

// Properties, in their order; of those that come before the headers each is a short string.
const (
	hasContentType     = 1 << 15
	hasContentEncoding = 1 << 14
	hasHeaders         = 1 << 13
	hasMoreFlags       = 1
)

// maxBody bounds what a header may say of its body. RabbitMQ takes 512 MiB at most, before 3.8 it took 2 GiB.
const maxBody = 2 << 30

func isHeader(payload []byte) bool {
	r := reader{b: payload}
	class, weight, size := r.number(2), r.number(2), r.number(8)
	return r.short || class == classBasic && weight == 0 && size <= maxBody
}

// bodySize is what a content header says of it; 0 if that was not kept.
func bodySize(payload []byte) int64 {
	if len(payload) < contentHead {
		return 0
	}
	return int64(binary.BigEndian.Uint64(payload[4:]))
}

// traceParent is which trace a message is of, by its headers.
func traceParent(payload []byte) string {
	r := reader{b: payload}
	r.next(contentHead - 2)
	flags := r.number(2)
	for more := flags; more&hasMoreFlags != 0; {
		more = r.number(2)
	}
	if flags&hasContentType != 0 {
		r.shortString()
	}
	if flags&hasContentEncoding != 0 {
		r.shortString()
	}
	if flags&hasHeaders == 0 {
		return ""
	}
	if size := r.number(4); size < uint64(len(r.b)) {
		r.b = r.b[:size]
	}
	var h tracecontext.Headers
	for len(r.b) > 0 {
		name := r.shortString()
		value, ok := r.value()
		if !ok || r.short {
			break
		}
		h.Add(name, value)
	}
	return h.TraceParent()
}

// value passes over a value of a table, and returns it if it is a string. ok is false if its type is unknown.
func (r *reader) value() (text []byte, ok bool) {
	switch r.number(1) {
	case 'S', 'x':
		return r.longString(), true
	case 'A', 'F':
		r.longString()
	case 't', 'b', 'B':
		r.next(1)
	case 's', 'u', 'U':
		r.next(2)
	case 'I', 'i', 'f':
		r.next(4)
	case 'D':
		r.next(5)
	case 'l', 'L', 'd', 'T':
		r.next(8)
	case 'V':
	default:
		return nil, false
	}
	return nil, true
}
