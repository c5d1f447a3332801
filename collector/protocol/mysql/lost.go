package mysql

import (
	"encoding/binary"

	"github.com/midwatch/midwatch/collector/protocol"
)

// resume looks for the end of an answer of which bytes are missing: what ends rows, or an error, at the end of a transfer.
func (p *Parser) resume(b []byte) bool {
	if len(p.pending) != 1 {
		return true
	}
	if e := endingError(b); e != nil {
		fail(&p.pending[0].Call, e, true)
		return p.finishUnread()
	}
	return !endsRows(b) || p.finishUnread()
}

// endsRows tells whether b ends with a packet that ends rows, and no other result follows.
func endsRows(b []byte) bool {
	for _, size := range []int{5, 7} { // EOF; OK
		if n := len(b) - packetHead - size; n >= 0 {
			head, body := b[n:n+packetHead], b[n+packetHead:]
			if packetSize(head) == int64(packetHead+size) && isEnd(body, int64(size)) && status(body)&moreResults == 0 {
				return true
			}
		}
	}
	return false
}

// endingError is the ERR packet that b ends with, without its head; nil if there is none.
func endingError(b []byte) []byte {
	const shortest = 9 // 0xff, number, "#" and SQLSTATE
	const firstNumber = 1000
	for i := len(b) - packetHead - shortest; i >= 0; i-- {
		e := b[i+packetHead:]
		if packetSize(b[i:]) == int64(len(b)-i) && e[0] == headERR && e[3] == '#' && isState(e[4:9]) && binary.LittleEndian.Uint16(e[1:]) >= firstNumber {
			return e
		}
	}
	return nil
}

// isState tells whether b is a SQLSTATE.
func isState(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

// finishUnread completes what was answered out of sight: the server's next packet is the first of an answer again. Of several answers it is not known which
// ones were: it returns false.
func (p *Parser) finishUnread() bool {
	ok := len(p.pending) <= 1
	if ok && len(p.pending) == 1 {
		p.pending[0].note(p.last)
		p.pending[0].ResponseBytes = p.arrived
		ok = p.finish(p.last)
	}
	p.more = false
	p.server = protocol.Frames{Head: packetHead, Keep: maxKept, Size: packetSize}
	return ok
}
