package postgres

import (
	"encoding/binary"
	"strings"
)

// Recognize tells whether b begins a connection: a startup message, or one that asks for encryption first.
func Recognize(b []byte) bool {
	_, _, _, ok := startup(b)
	return ok && len(b) >= 8 || Resumes(b)
}

// Resumes tells whether b, taken from the middle of a connection, is a client's: it begins with a query, and whole
// messages follow each other to its end. No server's message begins with these letters.
func Resumes(b []byte) bool {
	if len(b) < 5 || strings.IndexByte("QPB", b[0]) < 0 {
		return false
	}
	for len(b) >= 5 {
		length := binary.BigEndian.Uint32(b[1:])
		if strings.IndexByte(frontend, b[0]) < 0 || length < 4 || length > maxLength {
			return false
		}
		end := uint64(length) + 1
		if end > uint64(len(b)) {
			return b[0] == 'Q' && len(b) > 64 // a query longer than what was copied
		}
		if b[0] == 'Q' && b[end-1] != 0 {
			return false
		}
		b = b[end:]
	}
	return len(b) == 0
}
