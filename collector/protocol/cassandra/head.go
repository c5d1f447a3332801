package cassandra

import "encoding/binary"

// The head of an envelope: version and direction, flags, stream (2 bytes), opcode, length of the body (4 bytes).
const (
	headSize = 9
	maxBody  = 256 << 20 // what Cassandra accepts
)

// Flags of an envelope.
const (
	flagCompressed = 1 << iota
	flagTracing
	flagPayload
	flagWarnings
	flagBeta
	flagsKnown = 1<<iota - 1
)

// Opcodes.
const (
	opError         = 0x00
	opStartup       = 0x01
	opReady         = 0x02
	opAuthenticate  = 0x03
	opOptions       = 0x05
	opSupported     = 0x06
	opQuery         = 0x07
	opResult        = 0x08
	opPrepare       = 0x09
	opExecute       = 0x0a
	opRegister      = 0x0b
	opEvent         = 0x0c
	opBatch         = 0x0d
	opAuthChallenge = 0x0e
	opAuthResponse  = 0x0f
	opAuthSuccess   = 0x10
)

type head struct {
	version byte
	answer  bool
	flags   byte
	stream  int16
	opcode  byte
	length  uint32
}

// readHead reads the head b begins with. It returns false if that is none.
func readHead(b []byte) (head, bool) {
	if len(b) < headSize {
		return head{}, false
	}
	h := head{
		version: b[0] & 0x7f,
		answer:  b[0]&0x80 != 0,
		flags:   b[1],
		stream:  int16(binary.BigEndian.Uint16(b[2:])),
		opcode:  b[4],
		length:  binary.BigEndian.Uint32(b[5:]),
	}
	if h.version < 3 || h.version > 5 || h.flags > flagsKnown || h.length > maxBody {
		return head{}, false
	}
	if h.answer {
		return h, h.answers()
	}
	return h, h.asks()
}

func (h head) asks() bool {
	if h.stream < 0 || h.flags&flagWarnings != 0 {
		return false
	}
	switch h.opcode {
	case opOptions:
		return h.length == 0
	case opStartup, opQuery, opPrepare, opExecute, opRegister, opBatch, opAuthResponse:
		return h.length > 0
	}
	return false
}

func (h head) answers() bool {
	switch h.opcode {
	case opEvent:
		return h.stream == -1
	case opReady:
		return h.length == 0 || h.flags != 0
	case opError: // one about bytes that made no sense has no stream of a request
		return h.stream >= -1 && h.length > 0
	case opAuthenticate, opSupported, opResult, opAuthChallenge, opAuthSuccess:
		return h.stream >= 0 && h.length > 0
	}
	return false
}

// size is of an envelope of one direction, 0 if none begins so.
func size(b []byte, answer bool) int64 {
	h, ok := readHead(b)
	if !ok || h.answer != answer {
		return 0
	}
	return headSize + int64(h.length)
}

// name is what a request is called that has no statement.
func (h head) name() string {
	switch h.opcode {
	case opStartup:
		return "STARTUP"
	case opOptions:
		return "OPTIONS"
	case opQuery:
		return "QUERY"
	case opPrepare:
		return "PREPARE"
	case opExecute:
		return "EXECUTE"
	case opRegister:
		return "REGISTER"
	case opBatch:
		return "BATCH"
	}
	return "AUTH_RESPONSE"
}
