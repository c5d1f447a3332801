package mysql

import (
	"bytes"
	"encoding/binary"

	"github.com/midwatch/midwatch/collector/protocol/template"
)

// Capabilities that a client chooses of those the server offers.
const (
	withDatabase   = 1 << 3
	withCompress   = 1 << 5
	protocol41     = 1 << 9
	withTLS        = 1 << 11
	authInOne      = 1 << 15 // its length is one byte
	authWithLength = 1 << 21 // its length is length-encoded
	withZstd       = 1 << 26
	withAttributes = 1 << 27 // of queries
)

// maxDatabase is what MySQL allows, in bytes of UTF-8.
const maxDatabase = 64 * 3

const (
	tlsRequest   = 32 // bytes of one, and of a response before the user's name
	reservedFrom = 9
	reservedTo   = 28 // MariaDB has capabilities of its own in the last four of what is reserved
)

// readResponse reads what a client answers to the server's greeting, without the packet's head. ok is false if it is none.
func readResponse(b []byte) (capabilities uint32, database string, ok bool) {
	if len(b) < tlsRequest {
		return 0, "", false
	}
	capabilities = binary.LittleEndian.Uint32(b)
	if capabilities&protocol41 == 0 || bytes.ContainsFunc(b[reservedFrom:reservedTo], func(r rune) bool { return r != 0 }) {
		return 0, "", false
	}
	user, rest, ok := bytes.Cut(b[tlsRequest:], []byte{0})
	if len(b) == tlsRequest {
		return capabilities, "", capabilities&withTLS != 0
	}
	if !ok || bytes.ContainsFunc(user, func(r rune) bool { return r < ' ' }) {
		return 0, "", false
	}
	if capabilities&withDatabase != 0 {
		database = databaseAfter(rest, capabilities)
	}
	return capabilities, database, true
}

// databaseAfter passes over what proves who the user is.
func databaseAfter(b []byte, capabilities uint32) string {
	switch {
	case capabilities&(authInOne|authWithLength) != 0:
		if len(b) == 0 || int(b[0]) >= 0xfb || len(b) < 1+int(b[0]) {
			return ""
		}
		b = b[1+int(b[0]):]
	default:
		_, b, _ = bytes.Cut(b, []byte{0})
	}
	name, _, _ := bytes.Cut(b, []byte{0})
	return template.Cut(string(name), maxDatabase)
}
