package cassandra

import (
	"slices"
	"strings"
)

// Recognize tells whether b begins a connection: OPTIONS or STARTUP, alone.
func Recognize(b []byte) bool {
	h, ok := readHead(b)
	if !ok || h.answer || h.flags&^flagBeta != 0 || int64(len(b)) != headSize+int64(h.length) {
		return false
	}
	return h.opcode == opOptions || h.opcode == opStartup && isStartup(b[headSize:])
}

func isStartup(b []byte) bool {
	r, cql := body{b: b}, false
	r.stringMap(func(key, _ string) { cql = cql || key == "CQL_VERSION" })
	return cql && !r.cut && len(r.b) == 0
}

// Resumes tells whether b, taken from the middle of a connection, begins with a statement, alone or in a segment.
func Resumes(b []byte) bool {
	if isStatement(b) {
		return true
	}
	_, ok := segmentedFrom(b)
	return ok
}

// segmentedFrom tells whether b begins with a segment that holds a statement, and whether segments are compressed.
func segmentedFrom(b []byte) (compressed, ok bool) {
	for _, compressed := range []bool{false, true} {
		h, ok := readSegment(b, compressed)
		if !ok || !h.selfContained {
			continue
		}
		s := side{compressed: compressed}
		payload, _ := s.payload(b, h)
		if head, ok := readHead(payload); ok && head.version == 5 && isStatement(payload) {
			return compressed, true
		}
	}
	return false, false
}

// isStatement tells whether b begins with a request that has a statement, and whole requests follow it to its end, or to what was not copied.
func isStatement(b []byte) bool {
	h, ok := readHead(b)
	if !ok || h.answer || h.flags&flagCompressed != 0 {
		return false
	}
	r := body{b: b[headSize:min(int64(len(b)), headSize+int64(h.length))]}
	if h.flags&flagPayload != 0 {
		traceParent(&r)
	}
	return !r.cut && hasStatement(h, r) && chained(b, false)
}

func hasStatement(h head, r body) bool {
	switch h.opcode {
	case opQuery, opPrepare:
		if ahead := (&body{b: r.b}).int(); ahead <= 0 || int64(ahead) >= int64(h.length) {
			return false
		}
		return isCQL(r.text())
	case opExecute: // ids are MD5 hashes
		id := r.shortBytes()
		if len(id) != 16 {
			return false
		}
		if h.version == 5 {
			r.shortBytes()
		}
		return r.short() <= maxConsistency && !r.cut
	case opBatch:
		kind, n, first := r.byte(), r.short(), r.byte()
		return kind <= 2 && n > 0 && first <= 1 && !r.cut
	}
	return false
}

const maxConsistency = 0x0b // NODE_LOCAL

// isCQL tells whether a text begins as a statement.
func isCQL(text string) bool {
	fields := strings.Fields(text[:min(len(text), 64)])
	return len(fields) > 1 && slices.Contains([]string{
		"SELECT", "INSERT", "UPDATE", "DELETE", "BEGIN", "USE", "CREATE", "ALTER", "DROP", "TRUNCATE", "GRANT", "REVOKE", "LIST", "DESCRIBE", "DESC",
	}, strings.ToUpper(fields[0]))
}

// chained tells whether b is envelopes of one direction one behind the other, of which the last may be cut.
func chained(b []byte, answer bool) bool {
	for len(b) >= headSize {
		n := size(b, answer)
		if n == 0 {
			return false
		}
		b = b[min(n, int64(len(b))):]
	}
	return len(b) == 0 || b[0]&0x80 != 0 == answer
}
