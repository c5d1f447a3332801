package http2

import (
	"golang.org/x/net/http2"

	"github.com/midwatch/midwatch/collector/protocol"
)

// headSize is the size of a frame's head.
const headSize = 9

// head is the head of a frame (RFC 9113, section 4.1).
type head struct {
	kind     http2.FrameType
	flags    http2.Flags
	stream   uint32
	size     int // of what follows the head
	reserved bool
}

func readHead(b []byte) head {
	return head{
		kind: http2.FrameType(b[3]), flags: http2.Flags(b[4]), size: int(b[0])<<16 | int(b[1])<<8 | int(b[2]),
		stream: uint32(b[5]&0x7f)<<24 | uint32(b[6])<<16 | uint32(b[7])<<8 | uint32(b[8]), reserved: b[5]&0x80 != 0,
	}
}

// frameSize is the size of the frame that b begins with, 0 if there is no such frame.
func frameSize(b []byte) int64 {
	h := readHead(b)
	if !h.possible() {
		return 0
	}
	return headSize + int64(h.size)
}

// possible says that frames may have such a head. Flags without a meaning and kinds that nobody knows are to be ignored, and so is what peers agreed on.
func (h head) possible() bool {
	if h.reserved {
		return false
	}
	switch h.kind {
	case http2.FrameData, http2.FrameHeaders, http2.FrameContinuation, http2.FramePushPromise:
		return h.stream != 0
	case http2.FramePriority:
		return h.stream != 0 && h.size == 5
	case http2.FrameRSTStream:
		return h.stream != 0 && h.size == 4
	case http2.FrameSettings:
		return h.stream == 0 && h.size%6 == 0 && (h.size == 0 || !h.flags.Has(http2.FlagSettingsAck))
	case http2.FramePing:
		return h.stream == 0 && h.size == 8
	case http2.FrameGoAway:
		return h.stream == 0 && h.size >= 8
	case http2.FrameWindowUpdate:
		return h.size == 4
	}
	return true
}

// likely says that senders make such frames, which hardly any other nine bytes look like: only flags that have a meaning, no streams that servers open.
func (h head) likely() bool {
	const maxSettings, maxGoAway = 32 * 6, 1 << 10
	var flags http2.Flags
	switch h.kind {
	case http2.FrameData:
		flags = http2.FlagDataEndStream | http2.FlagDataPadded
	case http2.FrameHeaders:
		flags = http2.FlagHeadersEndStream | http2.FlagHeadersEndHeaders | http2.FlagHeadersPadded | http2.FlagHeadersPriority
	case http2.FrameContinuation:
		flags = http2.FlagContinuationEndHeaders
	case http2.FrameSettings, http2.FramePing:
		flags = http2.FlagSettingsAck
	case http2.FramePriority, http2.FrameRSTStream, http2.FrameWindowUpdate:
	case http2.FrameGoAway:
		return h.possible() && h.flags == 0 && h.size <= maxGoAway
	default:
		return false
	}
	return h.possible() && h.flags&^flags == 0 && (h.stream == 0 || h.stream%2 == 1) && (h.kind != http2.FrameSettings || h.size <= maxSettings)
}

// fragment is what a HEADERS, PUSH_PROMISE or CONTINUATION frame has of a header block, without padding, priority and the stream that is promised. whole is false if only the
// beginning of it was copied. ok is false if the frame makes no sense.
func fragment(h head, f protocol.Frame) (b []byte, whole, ok bool) {
	const priority, promised = 5, 4
	b = f.Bytes[headSize:]
	left, skip := h.size, 0
	if h.kind != http2.FrameContinuation && h.flags.Has(http2.FlagHeadersPadded) {
		if len(b) == 0 {
			return nil, false, h.size > 0
		}
		left -= int(b[0])
		skip = 1
	}
	switch {
	case h.kind == http2.FrameHeaders && h.flags.Has(http2.FlagHeadersPriority):
		skip += priority
	case h.kind == http2.FramePushPromise:
		skip += promised
	}
	if left -= skip; left < 0 {
		return nil, false, false
	}
	b = b[min(skip, len(b)):]
	return b[:min(left, len(b))], len(b) >= left, true
}
