package kafka

import (
	"encoding/binary"

	"github.com/midwatch/midwatch/collector/protocol/tracecontext"
)

// topicKey is a topic by its name or, in newer versions, its id.
type topicKey struct {
	name string
	id   [16]byte
}

// found is what a message says that is of interest.
type found struct {
	first  topicKey // the first topic
	topics int64    // how many it says there are
	code   int16    // the first error

	acknowledged bool // acks was read
	acks         int16
	maxWait      int32
	sessionID    int32
	sessionEpoch int32

	partitioned, partitions, sets int64 // topics whose partitions were read, how many those say they are, and of how many the records were read
	messages                      int
	uncounted                     bool // there are more messages than those

	tracing     bool // the headers of records matter
	traced      bool // those of a record were read
	traceparent string

	strict bool                           // values that no client should send are bad
	learn  func(id [16]byte, name string) // is told topics that have both; may be nil
	name   string                         // of the topic in the structure that is being read
	seen   bool                           // first was set
}

func (f *found) number(as role, b []byte, r *body) {
	if b == nil || as == none {
		return
	}
	switch as {
	case errorCode:
		if f.code == 0 {
			f.code = int16(binary.BigEndian.Uint16(b))
		}
	case acks:
		f.acks, f.acknowledged = int16(binary.BigEndian.Uint16(b)), true
		r.bad = r.bad || f.strict && (f.acks < -1 || f.acks > 1)
	case maxWait:
		f.maxWait = int32(binary.BigEndian.Uint32(b))
		r.bad = r.bad || f.strict && f.maxWait < 0
	case sessionID:
		f.sessionID = int32(binary.BigEndian.Uint32(b))
	case sessionEpoch:
		f.sessionEpoch = int32(binary.BigEndian.Uint32(b))
	case topicID:
		f.topicID([16]byte(b))
	}
}

func (f *found) text(as role, b []byte, r *body) {
	if as != topicName || len(b) == 0 {
		return
	}
	f.name = ""
	if isTopic(b) {
		f.name = string(b)
	} else {
		r.bad = r.bad || f.strict
	}
	f.topic(topicKey{name: f.name})
}

func (f *found) topicID(id [16]byte) {
	switch {
	case id == [16]byte{}:
	case f.name == "":
		f.topic(topicKey{id: id})
	case f.learn != nil:
		f.learn(id, f.name)
	}
}

func (f *found) topic(k topicKey) {
	if !f.seen {
		f.first, f.seen = k, true
	}
}

// only is the one topic that a message is about.
func (f *found) only() (topicKey, bool) { return f.first, f.topics == 1 && f.seen }

// begin notes that an array of n structures begins.
func (f *found) begin(as role, n int64) {
	switch as {
	case ofTopics:
		f.topics += n
	case ofPartitions:
		f.partitioned, f.partitions = f.partitioned+1, f.partitions+n
	}
}

func (f *found) blob(as role, in body, r *body) {
	if as == records {
		r.bad = r.bad || f.strict && f.sets == 0 && !in.holdsBatches()
		f.sets++
		f.records(in)
	}
}

// all tells whether the records of every partition were looked at.
func (f *found) all() bool {
	return !f.uncounted && f.partitioned == f.topics && f.sets == f.partitions
}

// trace notes of which trace a record is. Where records of one request belong to several, the request is of none.
func (f *found) trace(h tracecontext.Headers) {
	is := h.TraceParent()
	if f.traced && is != f.traceparent {
		is = ""
	}
	f.traced, f.traceparent = true, is
}

// maxTopic is the longest name of a topic.
const maxTopic = 249

// isTopic tells whether a topic can be called so.
func isTopic(b []byte) bool {
	if len(b) == 0 || len(b) > maxTopic {
		return false
	}
	for _, c := range b {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}
