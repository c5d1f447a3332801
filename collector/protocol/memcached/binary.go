package memcached

import (
	"encoding/binary"
	"strconv"
	"time"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

const (
	requestMagic  = 0x80
	responseMagic = 0x81
	binaryHead    = 24
	maxExtras     = 32
)

// operation is one of the binary protocol. One that is quiet is answered only if there is something to say.
type operation struct {
	name  string
	quiet bool
}

func operations() map[byte]operation {
	return map[byte]operation{
		0x00: {"get", false}, 0x01: {"set", false}, 0x02: {"add", false}, 0x03: {"replace", false}, 0x04: {"delete", false}, 0x05: {"incr", false}, 0x06: {"decr", false},
		0x07: {"quit", true}, 0x08: {"flush_all", false}, 0x09: {"get", true}, 0x0a: {"noop", false}, 0x0b: {"version", false}, 0x0c: {"get", false}, 0x0d: {"get", true},
		0x0e: {"append", false}, 0x0f: {"prepend", false}, 0x10: {"stats", false}, 0x11: {"set", true}, 0x12: {"add", true}, 0x13: {"replace", true}, 0x14: {"delete", true},
		0x15: {"incr", true}, 0x16: {"decr", true}, 0x17: {"quit", true}, 0x18: {"flush_all", true}, 0x19: {"append", true}, 0x1a: {"prepend", true}, 0x1b: {"verbosity", false},
		0x1c: {"touch", false}, 0x1d: {"gat", false}, 0x1e: {"gat", true}, 0x20: {"sasl_list", false}, 0x21: {"sasl_auth", false}, 0x22: {"sasl_step", false},
		0x23: {"gat", false}, 0x24: {"gat", true},
	}
}

var opcodes = operations()

const stats = 0x10

// status is the name of one that is a failure, "" for one that is an answer: found or not, stored or not.
func status(code uint16) string {
	switch code {
	case 0x00, 0x01, 0x02, 0x05, 0x21: // no error, not found, exists, not stored, authentication goes on
		return ""
	case 0x03:
		return "VALUE_TOO_LARGE"
	case 0x04:
		return "INVALID_ARGUMENTS"
	case 0x06:
		return "NON_NUMERIC_VALUE"
	case 0x20:
		return "AUTHENTICATION_ERROR"
	case 0x81:
		return "UNKNOWN_COMMAND"
	case 0x82:
		return "OUT_OF_MEMORY"
	}
	return "0x" + strconv.FormatUint(uint64(code), 16)
}

// message is the head of one, and its key.
type message struct {
	opcode byte
	status uint16
	opaque uint32
	body   int64
	key    []byte
}

// readMessage reads a head, and of the key what there is. ok is false if it is none of the direction.
func readMessage(b []byte, magic byte) (m message, ok bool) {
	if len(b) < binaryHead || b[0] != magic || b[5] != 0 {
		return m, false
	}
	key, extras := int(binary.BigEndian.Uint16(b[2:])), int(b[4])
	m = message{opcode: b[1], status: binary.BigEndian.Uint16(b[6:]), body: int64(binary.BigEndian.Uint32(b[8:])), opaque: binary.BigEndian.Uint32(b[12:])}
	if _, known := opcodes[m.opcode]; !known || key > maxKey || extras > maxExtras || m.body < int64(key+extras) || m.body > maxData {
		return m, false
	}
	m.key = b[min(binaryHead+extras, len(b)):min(binaryHead+extras+key, len(b))]
	return m, true
}

// asked is a command of the binary protocol that may be answered.
type asked struct {
	protocol.Call
	opcode byte
	opaque uint32
	quiet  bool
}

// binaryProtocol reads a connection that speaks the binary protocol.
type binaryProtocol struct {
	emit              func(protocol.Call)
	pending           []asked // oldest first
	requests, answers protocol.Frames
}

func newBinary(emit func(protocol.Call)) *binaryProtocol {
	frames := func(magic byte) protocol.Frames {
		return protocol.Frames{Head: binaryHead, Keep: binaryHead + maxExtras + maxKey, Size: func(head []byte) int64 {
			if m, ok := readMessage(head, magic); ok {
				return binaryHead + m.body
			}
			return 0
		}}
	}
	p := &binaryProtocol{emit: emit, requests: frames(requestMagic), answers: frames(responseMagic)}
	p.requests.Begins = Resumes
	p.answers.Begins = func(b []byte) bool {
		m, ok := readMessage(b, responseMagic)
		return ok && p.waits(m) >= 0
	}
	return p
}

// Data implements protocol.Parser.
func (p *binaryProtocol) Data(d protocol.Direction, at time.Time, b []byte) bool {
	if d == protocol.Request {
		return p.requests.Data(at, b, p.ask)
	}
	return p.answers.Data(at, b, p.answer)
}

// Hole implements protocol.Parser.
func (p *binaryProtocol) Hole(d protocol.Direction, at time.Time, n int64) bool {
	if d == protocol.Request {
		return p.requests.Hole(at, n, p.ask)
	}
	return p.answers.Hole(at, n, p.answer)
}

// Idle implements protocol.Parser.
func (p *binaryProtocol) Idle() bool { return len(p.pending) == 0 }

func (p *binaryProtocol) ask(f protocol.Frame) bool {
	m, _ := readMessage(f.Bytes, requestMagic)
	of := opcodes[m.opcode]
	if of.name == "quit" {
		return true
	}
	c := command{name: of.name, key: string(m.key), size: f.Size}
	if len(p.pending) >= protocol.MaxPending || !isKey(m.key) {
		return false
	}
	a := asked{Call: c.call(), opcode: m.opcode, opaque: m.opaque, quiet: of.quiet}
	a.Start, a.Offset = f.First, f.Offset
	p.pending = append(p.pending, a)
	return true
}

// waits is which command a message answers, -1: none.
func (p *binaryProtocol) waits(m message) int {
	for i, a := range p.pending {
		if a.opcode == m.opcode && a.opaque == m.opaque {
			return i
		}
	}
	return -1
}

// answer completes a command, and the quiet ones before it, which had nothing to say. Of statistics there are many answers, the last without a key.
func (p *binaryProtocol) answer(f protocol.Frame) bool {
	m, _ := readMessage(f.Bytes, responseMagic)
	i := p.waits(m)
	if i < 0 || m.opcode == stats && len(m.key) > 0 && m.status == 0 {
		return true
	}
	for _, a := range p.pending[:i] {
		if a.quiet {
			a.Answered(f.First, f.First)
			p.emit(a.Call)
		} // else its answer was not seen
	}
	c := p.pending[i].Call
	p.pending = p.pending[i+1:]
	c.Answered(f.First, f.Last)
	c.ResponseBytes = f.Size
	if name := status(m.status); name != "" {
		c.Failed, c.Status, c.ErrorType = true, name, name
		c.Error = template.Message("the server answered "+name, protocol.MaxError)
	}
	p.emit(c)
	return true
}

// Close implements protocol.Parser. Who is quiet does not wait.
func (p *binaryProtocol) Close(at time.Time) {
	for _, a := range p.pending {
		if a.quiet {
			a.Answered(at, at)
		} else {
			a.Unanswered(at)
		}
		p.emit(a.Call)
	}
	p.pending = nil
}
