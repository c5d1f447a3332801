package mysql

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

const (
	packetHead = 4       // length in three bytes, sequence number
	maxKept    = 8 << 10 // bytes of a packet that matter
	maxPacket  = 1<<24 - 1
)

// packetSize is how long a packet is by its head.
func packetSize(b []byte) int64 {
	return packetHead + (int64(b[0]) | int64(b[1])<<8 | int64(b[2])<<16)
}

// What an answer's packet begins with.
const (
	headOK    = 0x00
	headMore  = 0x01 // of authentication
	headLocal = 0xfb
	headEOF   = 0xfe
	headERR   = 0xff
)

// Flags of a server's status.
const (
	moreResults  = 0x0008
	cursorExists = 0x0040
	noBackslash  = 0x0200 // backslashes in values mean themselves
)

// isEnd tells whether a packet ends rows or columns: one of MySQL before 5.7.5, or an OK in its place. A row may begin so as well, if it is long.
func isEnd(b []byte, size int64) bool {
	const shortestRow = 9 // that begins with the length of a value in eight bytes
	return b[0] == headEOF && (size < shortestRow || size < maxPacket && len(b) >= 7 && b[1] == 0 && b[2] == 0)
}

// isEOF tells which of the two it is.
func isEOF(b []byte) bool { return b[0] == headEOF && len(b) == 5 }

// status is the server's, after the answer that b is.
func status(b []byte) uint16 {
	if isEOF(b) {
		return binary.LittleEndian.Uint16(b[3:])
	}
	rest := b[1:]
	for range 2 { // rows affected, last id
		n := lengthSize(rest)
		if n == 0 {
			return 0
		}
		rest = rest[n:]
	}
	if len(rest) < 2 {
		return 0
	}
	return binary.LittleEndian.Uint16(rest)
}

// lengthSize is how many bytes a length-encoded integer takes, 0 if it is none or not all there.
func lengthSize(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	n := 1
	switch b[0] {
	case 0xfc:
		n = 3
	case 0xfd:
		n = 4
	case 0xfe:
		n = 9
	case headLocal, headERR:
		return 0
	}
	if len(b) < n {
		return 0
	}
	return n
}

// beginsResult tells whether a packet may be the first of a result: OK, the end of one that is no more, the wish for a file, or how many columns there are.
func beginsResult(b []byte) bool {
	n := lengthSize(b)
	switch b[0] {
	case headOK:
		return len(b) >= 7
	case headEOF, headLocal:
		return true
	}
	return n > 0 && len(b)-n <= 1 // MariaDB says whether definitions follow
}

// isColumn tells whether a packet defines a column: its catalog is always "def".
func isColumn(b []byte) bool { return bytes.HasPrefix(b, []byte("\x03def")) }

// isProgress tells whether an ERR packet says how far MariaDB is with something that takes long.
func isProgress(b []byte) bool { return len(b) >= 3 && b[1] == 0xff && b[2] == 0xff }

// fail notes what an ERR packet says.
func fail(c *protocol.Call, b []byte, whole bool) {
	c.Failed = true
	if len(b) < 3 {
		c.ErrorType = "unknown"
		return
	}
	c.Status = strconv.Itoa(int(binary.LittleEndian.Uint16(b[1:])))
	c.ErrorType = c.Status
	text := b[3:]
	if len(text) >= 6 && text[0] == '#' {
		text = text[6:]
	}
	c.Error = template.Message(unquoted(string(text[:min(len(text), maxMessage)]), whole && len(text) <= maxMessage), protocol.MaxError)
}

// maxMessage is what MySQL makes of one at most, in bytes.
const maxMessage = 1024

// unquoted leaves out what stands between the first and the last quote of a message: values are not escaped there, and quotes within one would end it too
// early. Of the statement that is quoted where its syntax is wrong, the end may be cut off.
func unquoted(s string, whole bool) string {
	first, last := -1, -1
	for i := range len(s) {
		if s[i] == '\'' && !template.Apostrophe(s, i) {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	switch {
	case first < 0:
		return s
	case first == last, !whole:
		return s[:first] + "'?'"
	}
	return s[:first] + "'?'" + s[last+1:]
}
