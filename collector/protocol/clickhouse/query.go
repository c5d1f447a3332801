package clickhouse

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"unicode/utf8"
)

// query is a Query packet.
type query struct {
	text        string
	whole       bool // the text is
	compressed  bool
	traceParent string
}

// readQuery reads a Query packet as a revision writes it. Of a text that is not whole the beginning is returned; r is then short.
func readQuery(r *reader, revision int) (q query) {
	if r.byte() != clientQuery {
		r.bad = true
	}
	r.string() // id
	q.traceParent = readInfo(r, revision)
	for key := r.string(); r.ok() && len(key) > 0; key = r.string() {
		if !isName(key) {
			r.bad = true
		}
		r.varint()
		r.string()
	}
	if revision >= revExternalRoles {
		r.string()
	}
	if revision >= revSecret {
		r.string()
	}
	if stage := r.varint(); stage > 7 {
		r.bad = true
	}
	q.compressed = r.flag()
	if !r.ok() {
		return q
	}
	text, whole := r.text()
	if !whole && len(text) == 0 {
		r.short = true
		return q
	}
	if r.bad || !isQuery(text) {
		r.bad = true
		return q
	}
	q.text, q.whole = string(text), whole
	r.short = !whole
	if whole && revision >= revParameters {
		for key := r.string(); r.ok() && len(key) > 0; key = r.string() {
			r.varint()
			r.string()
		}
	}
	return q
}

// isQuery says that a text may be SQL: it may be cut within a character.
func isQuery(b []byte) bool {
	for range utf8.UTFMax - 1 {
		if len(b) > 0 && !utf8.Valid(b) {
			b = b[:len(b)-1]
		}
	}
	return len(b) > 0 && utf8.Valid(b) && !bytes.ContainsRune(b, 0)
}

// readInfo passes over what a query says about its client, and returns the trace context within.
func readInfo(r *reader, revision int) (traceParent string) {
	kind := r.byte()
	if kind == 0 {
		return ""
	}
	r.bad = r.bad || kind > 2
	r.string()
	r.string()
	r.string()
	if revision >= revStartTime {
		r.take(8)
	}
	if r.byte() != 1 && r.ok() { // not TCP: what follows is written differently
		r.bad = true
	}
	r.string()
	r.string()
	r.string()
	r.varints(2)
	if own := r.varint(); r.ok() && (own < minRevision || own > maxRevision) {
		r.bad = true
	}
	if revision >= revQuotaKey {
		r.string()
	}
	if revision >= revDistributedDepth {
		r.varint()
	}
	if revision >= revVersionPatch {
		r.varint()
	}
	if revision >= revOpenTelemetry {
		traceParent = readTrace(r)
	}
	if revision >= revReplicas {
		r.varints(3)
	}
	if revision >= revLineNumbers {
		r.varints(2)
	}
	if revision >= revToken && r.flag() {
		r.string()
	}
	return traceParent
}

// readTrace is the trace context as a traceparent. Each 8 bytes of the ids come last byte first.
func readTrace(r *reader) string {
	if !r.flag() {
		return ""
	}
	ids := bytes.Clone(r.take(24))
	r.string()
	flags := r.byte()
	if !r.ok() {
		return ""
	}
	for part := range slices.Chunk(ids, 8) {
		slices.Reverse(part)
	}
	return fmt.Sprintf("00-%s-%s-%02x", hex.EncodeToString(ids[:16]), hex.EncodeToString(ids[16:]), flags)
}
