package http2

import (
	"strings"

	"golang.org/x/net/http2"

	"github.com/midwatch/midwatch/collector/protocol"
)

// preface is what a client begins with.
const preface = http2.ClientPreface

// Recognize tells whether b begins a connection: with the whole preface, and the settings behind it as far as they came.
func Recognize(b []byte) bool {
	if !strings.HasPrefix(string(b[:min(len(b), len(preface))]), preface) {
		return false
	}
	if b = b[len(preface):]; len(b) < headSize {
		return true
	}
	h := readHead(b)
	return h.likely() && h.kind == http2.FrameSettings && !h.flags.Has(http2.FlagSettingsAck)
}

// Resumes tells whether b, from the middle of a connection, is a chain of frames with the headers of a request among them: answers and trailers have neither
// method nor path.
func Resumes(b []byte) bool {
	asks := false
	chain, whole := walk(b, func(uint32) bool { return false }, func(h headers) {
		asks = asks || isRequest(h) && h.status == ""
	})
	return chain && whole > 0 && asks
}

// isRequest says that headers begin a request, even if not all of them are known.
func isRequest(h headers) bool {
	return isMethod(h.method) || h.method == "" && strings.HasPrefix(h.path, "/")
}

// follow tells whether b is a chain of frames as far as it goes, and whether it is long enough that nothing else can be: one frame and what begins like another, or ends.
func follow(b []byte, known func(stream uint32) bool) (chain, found bool) {
	chain, whole := walk(b, known, func(headers) {})
	return chain, chain && whole > 0 && (len(b) == whole || len(b) >= whole+headSize)
}

// walk goes along a chain of frames and hands on the header blocks that are whole. It returns whether b is such a chain, and how many bytes of it are whole frames. Bytes of a
// body may look like the head of a DATA frame: only those of streams that are known or have headers in the chain count.
func walk(b []byte, known func(stream uint32) bool, each func(headers)) (chain bool, whole int) {
	var t table
	continued, begun := uint32(0), map[uint32]bool{}
	for len(b)-whole >= headSize {
		h := readHead(b[whole:])
		switch {
		case !h.likely(), continued != 0 && h.stream != continued, (continued != 0) != (h.kind == http2.FrameContinuation):
			return false, whole
		case h.kind == http2.FrameData && !begun[h.stream] && !known(h.stream):
			return false, whole
		}
		end := whole + headSize + h.size
		if len(b) < end {
			break
		}
		if h.kind == http2.FrameHeaders {
			if t.sure == nil {
				t = newTable(false)
			}
			if !readable(h, b[whole:end], &t, each) {
				return false, whole
			}
			begun[h.stream], continued = true, h.stream
		}
		if h.flags.Has(http2.FlagHeadersEndHeaders) {
			continued = 0
		}
		whole = end
	}
	return true, whole
}

// readable says that a HEADERS frame has the beginning of a header block.
func readable(h head, frame []byte, t *table, each func(headers)) bool {
	b, whole, ok := fragment(h, protocol.Frame{Bytes: frame, Size: int64(len(frame))})
	if !ok || !whole || len(b) == 0 {
		return false
	}
	if !h.flags.Has(http2.FlagHeadersEndHeaders) {
		return true
	}
	fields, ok := t.read(b, true)
	if ok {
		each(fields)
	}
	return ok
}
