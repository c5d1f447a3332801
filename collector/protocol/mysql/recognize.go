package mysql

import (
	"encoding/binary"
	"slices"

	"github.com/midwatch/midwatch/collector/protocol/template"
)

// Recognize tells whether b begins a connection: what a client answers to the greeting, or its wish for TLS.
func Recognize(b []byte) bool {
	if len(b) < packetHead+tlsRequest || b[3] != 1 && b[3] != 2 || packetSize(b) != int64(len(b)) {
		return false
	}
	_, _, ok := readResponse(b[packetHead:])
	return ok
}

// Resumes tells whether b, taken from the middle of a connection, begins with a command: a statement, or what was prepared. Its sequence number is 0, which
// no answer has.
func Resumes(b []byte) bool {
	if inner, ok := packedCommand(b); ok && isCommand(inner) {
		return true
	}
	return isCommand(b)
}

func isCommand(b []byte) bool {
	if len(b) <= packetHead || b[3] != 0 || packetSize(b) < int64(len(b)) {
		return false
	}
	body := b[packetHead+1:]
	switch b[packetHead] {
	case comQuery:
		if haveAttributes(body) {
			body, _ = cutAttributes(body)
		}
		return isStatement(body)
	case comPrepare:
		return isStatement(body)
	case comExecute:
		const (
			once  = 1 // how often it is done
			flags = 15
		)
		return len(body) >= 9 && body[4] <= flags && binary.LittleEndian.Uint32(body[5:]) == once && binary.LittleEndian.Uint32(body) < 1<<31
	case comPing:
		return len(b) == packetHead+1
	}
	return false
}

// isStatement tells whether a text begins as SQL does.
func isStatement(b []byte) bool {
	text := string(b[:min(len(b), 128)])
	for i := range len(text) {
		if text[i] < ' ' && text[i] != '\t' && text[i] != '\r' && text[i] != '\n' || text[i] == 0x7f {
			return false
		}
	}
	return len(text) >= 5 && (text[0] == '/' && text[1] == '*' || slices.Contains([]string{
		"SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "SET", "SHOW", "BEGIN", "COMMIT", "ROLLBACK", "START", "USE", "CREATE", "ALTER", "DROP", "TRUNCATE",
		"CALL", "EXPLAIN", "DESC", "DESCRIBE", "LOCK", "UNLOCK", "WITH", "LOAD", "ANALYZE", "OPTIMIZE", "GRANT", "REVOKE", "KILL", "FLUSH", "SAVEPOINT", "RELEASE", "DO",
		"PREPARE", "EXECUTE", "DEALLOCATE", "XA", "RENAME", "CHECK", "HANDLER", "VALUES", "TABLE",
	}, template.Operation(text)))
}
