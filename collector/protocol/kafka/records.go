package kafka

import "github.com/midwatch/midwatch/collector/protocol/tracecontext"

// Attributes of a batch of records.
const (
	compression  = 0x07
	controlBatch = 0x20
)

// maxHeaders is more headers than a record has.
const maxHeaders = 64

// records counts the messages in batches, and reads the headers of those that are not compressed. Of message sets, which batches of magic 2 replaced, it is not told how many
// messages they have.
func (f *found) records(in body) {
	for in.size > 0 && !in.over() {
		before := in
		batch, attributes, n, ok := nextBatch(&in)
		if !ok {
			f.uncounted = f.uncounted || !before.partial()
			f.untraced()
			return
		}
		if attributes&controlBatch != 0 { // tells how a transaction ended
			continue
		}
		f.messages += n
		switch {
		case !f.tracing:
		case attributes&compression != 0:
			f.untraced()
		default:
			f.headers(batch, n)
		}
	}
	if in.cut {
		f.uncounted = true
		f.untraced()
	}
}

// partial tells whether a batch is only the beginning of one because the answer has no room for more.
func (r body) partial() bool {
	const sized = 12
	if r.size < sized {
		return true
	}
	r.take(8)
	return !r.over() && r.size-4 < int64(r.int32()) && !r.over()
}

// smallestRecord is as many bytes as the smallest record has: its length, attributes, two deltas, a null key, a null value, no headers.
const smallestRecord = 7

// newestMagic is how batches of records are marked; what was before them were sets of messages, marked by less.
const newestMagic = 2

// holdsBatches tells whether these are batches of records or sets of messages, by the head of the first. None are sent empty.
func (r body) holdsBatches() bool {
	r.take(8)
	size := int64(r.int32())
	rest := r.size
	r.take(4)
	magic := r.int8()
	return !r.over() && size > 0 && size <= rest && magic >= 0 && magic <= newestMagic
}

// nextBatch returns the records of a batch, as far as they are there, and how many they are.
func nextBatch(in *body) (batch body, attributes int16, n int, ok bool) {
	in.take(8) // base offset
	size := int64(in.int32())
	whole := in.size
	head := body{b: in.b, size: min(size, whole)}
	head.take(4) // leader epoch
	magic := head.int8()
	head.take(4) // checksum
	attributes = head.int16()
	last := head.int32()
	head.take(8 + 8 + 8 + 2 + 4) // timestamps, producer, its epoch, sequence
	count := head.int32()
	most := int64(last) + 1
	if attributes&compression == 0 {
		most = min(most, head.size/smallestRecord)
	}
	if in.over() || head.over() || size > whole || magic != newestMagic || count < 0 || int64(count) > most {
		return batch, 0, 0, false
	}
	head.b = head.b[:min(int64(len(head.b)), head.size)]
	in.pass(size)
	return head, attributes, int(count), true
}

// pass goes n bytes on, past what is there if need be.
func (r *body) pass(n int64) {
	r.b, r.size = r.b[min(n, int64(len(r.b))):], r.size-n
	if len(r.b) == 0 && r.size > 0 {
		r.cut = true
	}
}

// headers reads the headers of n records.
func (f *found) headers(batch body, n int) {
	for range n {
		record := batch.inner(batch.varint())
		record.take(1)
		record.varint() // timestamp
		record.varint() // offset
		record.take(max(record.varint(), 0))
		record.take(max(record.varint(), 0))
		var h tracecontext.Headers
		for range min(record.varint(), maxHeaders) {
			key := record.take(record.varint())
			value := record.take(max(record.varint(), 0))
			if record.over() {
				break
			}
			h.Add(key, value)
		}
		if record.over() || batch.over() {
			f.untraced()
			return
		}
		f.trace(h)
	}
}

// untraced notes that there are records of which it is not known what trace they are of.
func (f *found) untraced() { f.traced, f.traceparent = true, "" }
