package remotewrite

import "google.golang.org/protobuf/encoding/protowire"

// message says what a message takes in memory when it is read, and which of its fields are messages. A message of two bytes on the wire
// may take two hundred in memory: a request is walked before it is read.
type message struct {
	size   int // bytes of it, and of what its translation takes
	packed int // bytes for each byte of a field that is no message
	fields map[protowire.Number]*message
}

// shape is the requests of the versions.
func shape(v Version) *message {
	text, span := &message{size: 32, packed: 1}, &message{size: 16}
	histogram := &message{size: 600, packed: 16, fields: map[protowire.Number]*message{8: span, 11: span}}
	sample := &message{size: 64}
	if v == V2 {
		exemplar := &message{size: 128, packed: 64}
		series := &message{size: 400, packed: 64, fields: map[protowire.Number]*message{2: sample, 3: histogram, 4: exemplar, 5: {}}}
		return &message{fields: map[protowire.Number]*message{4: text, 5: series}}
	}
	label := &message{size: 96, packed: 1}
	exemplar := &message{size: 128, fields: map[protowire.Number]*message{1: label}}
	series := &message{size: 400, fields: map[protowire.Number]*message{1: label, 2: sample, 3: exemplar, 4: histogram}}
	return &message{fields: map[protowire.Number]*message{1: series, 3: {size: 128, packed: 2}}}
}

// Size is what a request takes in memory while it is translated, about, in bytes; of one that is too large, something above what it may take.
// What it cannot read is left to the decoder.
func Size(v Version, body []byte) int {
	left := 2 * maxExpanded
	shape(v).walk(body, &left)
	return 2*maxExpanded - left
}

func (m *message) walk(b []byte, left *int) {
	for len(b) > 0 && *left >= 0 {
		field, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return
		}
		b = b[n:]
		if n = protowire.ConsumeFieldValue(field, kind, b); n < 0 {
			return
		}
		inner := b[:n]
		b = b[n:]
		child := m.fields[field]
		if kind != protowire.BytesType || child == nil {
			*left -= m.packed * n
			continue
		}
		content, _ := protowire.ConsumeBytes(inner)
		*left -= child.size
		if child.fields == nil {
			*left -= child.packed * len(content)
			continue
		}
		child.walk(content, left)
	}
}
