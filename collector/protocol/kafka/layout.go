package kafka

import "math"

// kind is how a field is written.
type kind uint8

const (
	number  kind = iota // of a fixed size
	text                // with its length, or null
	blob                // bytes with their length, or null
	array               // of structures
	list                // of bare values
	unknown             // what follows is not laid out here
)

// role is what a field is good for.
type role uint8

const (
	none role = iota
	ofTopics
	ofPartitions // with records in each
	topicName
	topicID
	errorCode
	acks
	maxWait
	sessionID
	sessionEpoch
	records
)

// field is a field of a message, or of a structure in an array.
type field struct {
	kind     kind
	role     role
	size     int64 // of a number
	min, max int16 // the versions that have it
	of       []field
}

// layout is the fields of a message, in their order on the wire.
type layout []field

func (f field) is(r role) field     { f.role = r; return f }
func (f field) from(v int16) field  { f.min = v; return f }
func (f field) until(v int16) field { f.max = v; return f }

func fixed(size int64) field         { return field{kind: number, size: size, max: math.MaxInt16} }
func arrayOf(fields ...field) field  { return field{kind: array, max: math.MaxInt16, of: fields} }
func listOf(f field) field           { return field{kind: list, max: math.MaxInt16, of: layout{f}} }
func topicsOf(fields ...field) field { return arrayOf(fields...).is(ofTopics) }

// The fields that messages are made of. Most are only passed over.
var (
	i8       = fixed(1)
	i16      = fixed(2)
	i32      = fixed(4)
	i64      = fixed(8)
	uuid     = fixed(16)
	str      = field{kind: text, max: math.MaxInt16}
	data     = field{kind: blob, max: math.MaxInt16}
	rest     = field{kind: unknown, max: math.MaxInt16}
	topic    = str.is(topicName)
	id       = uuid.is(topicID)
	code     = i16.is(errorCode)
	batches  = data.is(records)
	throttle = i32
)

// walk reads a message. It returns false where the rest of it is not laid out.
func (l layout) walk(r *body, version int16, into *found) bool {
	for _, f := range l {
		if version < f.min || version > f.max {
			continue
		}
		if !f.read(r, version, into) {
			return false
		}
		if r.over() {
			return true
		}
	}
	return true
}

// structure reads a structure, and the tagged fields at its end.
func (l layout) structure(r *body, version int16, into *found) bool {
	into.name = ""
	if !l.walk(r, version, into) {
		return false
	}
	r.tags()
	return true
}

func (f field) read(r *body, version int16, into *found) bool {
	switch f.kind {
	case number:
		into.number(f.role, r.take(f.size), r)
	case text:
		into.text(f.role, r.text(), r)
	case blob:
		if n := max(r.length(4), 0); !r.over() {
			into.blob(f.role, r.inner(n), r)
		}
	case array, list:
		return f.elements(r, version, into)
	case unknown:
		return false
	}
	return true
}

func (f field) elements(r *body, version int16, into *found) bool {
	n := max(r.length(4), 0)
	if n > r.size { // each has a byte at least
		r.bad = true
	}
	if !r.over() {
		into.begin(f.role, n)
	}
	for ; n > 0 && !r.over(); n-- {
		read := layout(f.of).structure
		if f.kind == list {
			read = f.of[0].read
		}
		if !read(r, version, into) {
			return false
		}
	}
	return true
}
