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
func (l layout) walk(r *body, version int16, f *found) bool {
	for _, fl := range l {
		if version < fl.min || version > fl.max {
			continue
		}
		if !fl.read(r, version, f) {
			return false
		}
		if r.over() {
			return true
		}
	}
	return true
}

// structure reads a structure, and the tagged fields at its end.
func (l layout) structure(r *body, version int16, f *found) bool {
	f.name = ""
	if !l.walk(r, version, f) {
		return false
	}
	r.tags()
	return true
}

func (fl field) read(r *body, version int16, f *found) bool {
	switch fl.kind {
	case number:
		f.number(fl.role, r.take(fl.size), r)
	case text:
		f.text(fl.role, r.text(), r)
	case blob:
		if n := max(r.length(4), 0); !r.over() {
			f.blob(fl.role, r.inner(n), r)
		}
	case array, list:
		return fl.elements(r, version, f)
	case unknown:
		return false
	}
	return true
}

func (fl field) elements(r *body, version int16, f *found) bool {
	n := max(r.length(4), 0)
	if n > r.size { // each has a byte at least
		r.bad = true
	}
	if !r.over() {
		f.begin(fl.role, n)
	}
	for ; n > 0 && !r.over(); n-- {
		whole := false
		if fl.kind == list {
			whole = fl.of[0].read(r, version, f)
		} else {
			whole = layout(fl.of).structure(r, version, f)
		}
		if !whole {
			return false
		}
	}
	return true
}
