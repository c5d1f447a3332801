package postgres

import (
	"bytes"
	"encoding/binary"
	"strings"

	"github.com/midwatch/midwatch/collector/protocol"
)

// Bounds of a message, in bytes: more than maxBody of one is not kept, and no sane message is longer than maxLength.
const (
	maxBody   = 8 << 10
	maxLength = 1 << 30
)

// frontend are the types of messages a client sends, backend those of a server.
const (
	frontend = "QPBEDCHSFXdcfp"
	backend  = "RKS123TDCIZENAGHWnstvVdc"
)

// message is one typed message. Its body is a prefix when the rest was too long or not copied.
type message struct {
	kind byte
	size int64 // all of it, kept or not
	body []byte
}

// reader cuts one direction into messages.
type reader struct {
	protocol.Stream
	kinds string
}

// next returns the next message. wait is true when more bytes are needed, bad when these are no messages of this
// direction. With cut, an incomplete body is returned as it is: no more of it will be seen.
func (r *reader) next(cut bool) (m message, wait, bad bool) {
	b := r.Bytes()
	if len(b) == 0 {
		return m, true, false
	}
	if strings.IndexByte(r.kinds, b[0]) < 0 {
		return m, false, true
	}
	if len(b) < 5 {
		return m, true, cut
	}
	length := binary.BigEndian.Uint32(b[1:])
	if length < 4 || length > maxLength {
		return m, false, true
	}
	end := int(length) + 1
	m = message{kind: b[0], size: int64(end)}
	if !interesting(m.kind) {
		r.Next(m.size)
		return m, false, false
	}
	if len(b) < end && len(b) < maxBody && !cut {
		return message{}, true, false
	}
	m.body = bytes.Clone(b[5:min(end, len(b))])
	r.Next(m.size)
	return m, false, false
}

// interesting tells whether a message's body matters, in either direction. Rows and copied data are most of the bytes,
// and do not.
func interesting(kind byte) bool {
	return strings.IndexByte("QPBECZ", kind) >= 0
}

// field cuts a string that ends with NUL off b. An incomplete one is what there is.
func field(b []byte) (s string, rest []byte) {
	text, rest, _ := bytes.Cut(b, []byte{0})
	return string(text), rest
}

// serverError is what matters of an ErrorResponse.
type serverError struct{ code, text string }

func readError(body []byte) serverError {
	var e serverError
	for len(body) > 1 && body[0] != 0 {
		kind := body[0]
		var value string
		value, body = field(body[1:])
		switch kind {
		case 'C':
			e.code = value
		case 'M':
			e.text = value
		}
	}
	return e
}

// codes of untyped messages that may begin a connection.
const (
	codeCancel = 80877102
	codeTLS    = 80877103
	codeGSS    = 80877104
)

// startup reads an untyped message: length, code, and, of a StartupMessage, names and values. ok is false if b begins with none;
// length is 0 while it is incomplete.
func startup(b []byte) (code uint32, database string, length int, ok bool) {
	if len(b) < 8 {
		return 0, "", 0, len(b) == 0 || b[0] == 0
	}
	n := int(binary.BigEndian.Uint32(b))
	code = binary.BigEndian.Uint32(b[4:])
	known := code == codeCancel || code == codeTLS || code == codeGSS || code>>16 == 3
	if n < 8 || n > 10_000 || !known {
		return 0, "", 0, false
	}
	if len(b) < n {
		return 0, "", 0, true
	}
	if code>>16 == 3 {
		database = databaseOf(b[8:n])
	}
	return code, database, n, true
}

// databaseOf finds the database in the parameters of a StartupMessage; without one it is named like the user.
func databaseOf(params []byte) string {
	var user string
	for len(params) > 1 {
		var name, value string
		name, params = field(params)
		value, params = field(params)
		switch name {
		case "database":
			return value
		case "user":
			user = value
		}
	}
	return user
}
