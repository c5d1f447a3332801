package mongodb

import (
	"bytes"
	"encoding/binary"

	"github.com/midwatch/midwatch/collector/protocol"
)

// Operations of the protocol.
const (
	opReply       = 1
	opUpdate      = 2001
	opInsert      = 2002
	opQuery       = 2004
	opGetMore     = 2005
	opDelete      = 2006
	opKillCursors = 2007
	opCompressed  = 2012
	opMsg         = 2013
)

// Flags of OP_MSG.
const (
	checksumPresent = 1 << 0
	moreToCome      = 1 << 1
	exhaustAllowed  = 1 << 16
)

const (
	headSize   = 16
	maxMessage = 48_000_000 + 16<<10 // what servers take, and a little
)

// head is what a message begins with.
type head struct {
	size           int64
	id, responseTo int32
	op             int32
}

func readHead(b []byte) head {
	i32 := func(at int) int32 { return int32(binary.LittleEndian.Uint32(b[at:])) }
	return head{size: int64(i32(0)), id: i32(4), responseTo: i32(8), op: i32(12)}
}

// frameSize is the size of the message that b begins with, 0 if there is no such message.
func frameSize(b []byte) int64 {
	h := readHead(b)
	if h.size < headSize || h.size > maxMessage {
		return 0
	}
	switch h.op {
	case opReply, opUpdate, opInsert, opQuery, opGetMore, opDelete, opKillCursors, opCompressed, opMsg:
		return h.size
	}
	return 0
}

// message is one of either end: what is in it, as far as it is there.
type message struct {
	head
	flags      uint32
	collection string   // of the old operations: with its database
	body       []byte   // the command's document, or the answer's
	sequences  []string // names of the documents that stand outside of it
	listed     [][]byte // the first document of each
	opaque     bool     // it is compressed and cannot be read
}

// readMessage reads a message. It returns false if it makes no sense.
func readMessage(f protocol.Frame) (m message, ok bool) {
	m.head = readHead(f.Bytes)
	b := f.Bytes[headSize:]
	if m.op == opCompressed {
		if m.op, b, ok = inflate(b); !ok {
			return m, false
		}
		if m.opaque = b == nil; m.opaque {
			return m, true
		}
	}
	switch m.op {
	case opMsg:
		return m, m.sections(b)
	case opQuery, opGetMore, opInsert, opUpdate, opDelete:
		return m, m.old(b)
	case opReply:
		const fixed = 20
		if len(b) >= 4 {
			m.flags = binary.LittleEndian.Uint32(b)
		}
		if len(b) > fixed {
			m.body = b[fixed:]
		}
		return m, true
	}
	return m, m.op == opKillCursors
}

// sections reads OP_MSG: one document, and perhaps sequences of them.
func (m *message) sections(b []byte) bool {
	if len(b) < 4 {
		return true
	}
	m.flags = binary.LittleEndian.Uint32(b)
	const required = 1<<16 - 1 // bits that nobody may pass over
	if m.flags&required&^(checksumPresent|moreToCome) != 0 {
		return false
	}
	for b = b[4:]; len(b) > 4; { // at most a checksum is left
		kind, section := b[0], b[1:]
		if len(section) < 4 {
			return true
		}
		size := int64(int32(binary.LittleEndian.Uint32(section)))
		if size < 5 || kind > 1 {
			return false
		}
		whole := section[:min(size, int64(len(section)))]
		if kind == 0 {
			m.body = whole
		} else {
			m.sequence(whole[4:])
		}
		b = section[len(whole):]
	}
	return true
}

// sequence notes the name of a sequence, and its first document.
func (m *message) sequence(b []byte) {
	name, documents, ok := bytes.Cut(b, []byte{0})
	if !ok || len(m.sequences) >= maxSequences {
		return
	}
	m.sequences, m.listed = append(m.sequences, string(name)), append(m.listed, documents)
}

// maxSequences is more than any command has.
const maxSequences = 4

// old reads the operations from before OP_MSG.
func (m *message) old(b []byte) bool {
	if len(b) < 4 {
		return true
	}
	name, rest, ok := bytes.Cut(b[4:], []byte{0})
	if !ok {
		return true
	}
	if !isNamespace(name) {
		return false
	}
	m.collection = string(name)
	const counts = 8
	if m.op == opQuery && len(rest) > counts {
		m.body = rest[counts:]
	}
	return true
}

// isNamespace accepts a database and a collection, as they are written together.
func isNamespace(b []byte) bool {
	database, collection, ok := bytes.Cut(b, []byte("."))
	return ok && len(database) > 0 && len(collection) > 0 && len(b) <= 255 && !bytes.ContainsFunc(b, func(r rune) bool { return r < ' ' || r == 0x7f })
}
