package nats

import (
	"bytes"

	"github.com/midwatch/midwatch/collector/protocol"
)

// opening is what a client says first.
const opening = connect + ` {"`

// Recognize tells whether a connection that begins with b speaks NATS: CONNECT and an object, as far as it came.
func Recognize(b []byte) bool {
	text, _, found := bytes.Cut(b, []byte("\r\n"))
	if !bytes.HasPrefix(b, []byte(opening)) {
		return false
	}
	if bytes.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return false
	}
	return !found || bytes.HasSuffix(bytes.TrimSpace(text), []byte("}"))
}

// Resumes tells whether b, from the middle of a connection whose ends are unknown, begins with what only a client says: a message it publishes or a
// subscription, and something of the protocol behind that. PING and PONG are said by both ends, and in other protocols.
func Resumes(b []byte) bool {
	for _, verb := range []string{pub, hpub, sub, unsub} {
		if bytes.HasPrefix(b, []byte(verb+" ")) {
			return begins(protocol.Request, b)
		}
	}
	return false
}

// begins tells whether b begins with a message of a direction, at whose end, if it came, another one may begin.
func begins(d protocol.Direction, b []byte) bool {
	text, rest, found := bytes.Cut(b[:min(len(b), maxLine)], []byte("\r\n"))
	if !found {
		return false
	}
	l, ok := readLine(d, text)
	if !ok {
		return false
	}
	if l.message {
		rest = b[len(text)+2:]
		const version = "NATS/1.0"
		if n := min(len(rest), len(version)); l.header > 0 && (string(rest[:n]) != version[:n] || l.header < int64(len(version))) {
			return false
		}
		if int64(len(rest)) < l.payload+2 {
			return true
		}
		if string(rest[l.payload:l.payload+2]) != "\r\n" {
			return false
		}
		rest = rest[l.payload+2:]
	}
	return couldBegin(d, rest)
}

// Answers tells whether b, from the middle of a connection whose ends are unknown, begins with messages that only a server delivers.
func Answers(b []byte) bool {
	for _, verb := range []string{msg, hmsg} {
		if bytes.HasPrefix(b, []byte(verb+" ")) {
			return begins(protocol.Response, b)
		}
	}
	return false
}
