package mysql

import (
	"encoding/binary"
	"time"

	"github.com/midwatch/midwatch/collector/protocol"
)

// state is where an answer is.
type state uint8

const (
	beginning      state = iota // its first packet comes, or that of its next result
	definitions                 // of columns, or what ends them
	rows                        // or what ends them
	prepared                    // definitions of a prepared statement's parameters and columns
	loading                     // a file comes from the client
	loaded                      // it did, or it cannot be told where it ends
	authenticating              // and the two talk
	anything                    // one packet, whatever it is
)

// answered takes a packet of the server.
func (p *Parser) answered(f protocol.Frame) bool {
	b, goesOn := f.Bytes[packetHead:], p.more
	p.more = f.Size == packetHead+maxPacket
	if len(p.pending) == 0 {
		return true
	}
	o := &p.pending[0]
	if !o.follows(f.Bytes[3], p.packed != nil) {
		if !o.begun {
			return true // the end of the answer before this one
		}
		return p.loseAnswer()
	}
	o.took(f)
	if len(b) == 0 || goesOn {
		return true
	}
	return p.answer(o, b, f)
}

// answer takes a packet that is the next of an answer.
func (p *Parser) answer(o *op, b []byte, f protocol.Frame) bool {
	size := f.Size - packetHead
	switch {
	case b[0] == headERR && o.state != anything && isProgress(b):
		o.next = anyNumber
	case b[0] == headERR && o.state != anything:
		fail(&o.Call, b, f.Size == int64(len(f.Bytes)))
		return p.finish(f.Last)
	case o.state == beginning && o.command != comPrepare && !beginsResult(b):
		return p.loseAnswer()
	case o.reads(b, size):
		p.learn(o, b)
		return p.finish(f.Last)
	case o.state == prepared && o.command == comPrepare && b[0] == headOK:
		p.prepare(o, b)
	}
	return true
}

// reads takes a packet of the answer, and says whether it is the last.
func (o *op) reads(b []byte, size int64) (last bool) {
	switch o.state {
	case beginning:
		return o.result(b)
	case definitions:
		if isColumn(b) {
			return false
		}
		if !isEnd(b, size) {
			o.state = rows
			return false
		}
		if isEOF(b) && status(b)&cursorExists == 0 {
			o.state = rows
			return false
		}
		return o.over(b)
	case rows:
		return isEnd(b, size) && o.over(b)
	case prepared:
		if isColumn(b) {
			o.left--
		}
		return o.left <= 0
	case loading, loaded:
		return b[0] == headOK && o.over(b)
	case authenticating:
		return b[0] == headOK
	}
	return true
}

// result reads the first packet of a result.
func (o *op) result(b []byte) (last bool) {
	switch {
	case o.command == comPrepare:
		o.state = prepared
		if len(b) < 12 || b[0] != headOK {
			return true
		}
		o.left = int(binary.LittleEndian.Uint16(b[5:])) + int(binary.LittleEndian.Uint16(b[7:]))
		return o.left == 0
	case b[0] == headOK && len(b) >= 7, b[0] == headEOF:
		return o.over(b)
	case b[0] == headLocal:
		o.state = loading
	default:
		o.state = definitions
	}
	return false
}

// over says that a result was the last.
func (o *op) over(b []byte) bool {
	if status(b)&moreResults == 0 {
		return true
	}
	o.state = beginning
	return false
}

// learn keeps what a command's success changed.
func (p *Parser) learn(o *op, b []byte) {
	if o.state != prepared && o.state != anything {
		p.escapes = status(b)&noBackslash == 0
	}
	switch o.command {
	case comPrepare:
		p.prepare(o, b)
	case comInitDB, 0:
		p.database = o.database
	}
}

// prepare remembers a statement by the id that the first packet of its answer says.
func (p *Parser) prepare(o *op, b []byte) {
	if id, ok := statementID(b[1:]); ok && b[0] == headOK && o.statement != nil {
		p.statements.Add(id, o.statement)
	}
}

// finish ends the oldest command.
func (p *Parser) finish(at time.Time) bool {
	o := p.pending[0]
	p.pending = p.pending[1:]
	p.arrived = 0
	if st := o.statement; st != nil {
		if o.command != comPrepare && o.command != comFetch {
			o.Operation, o.Summary = st.Operation, st.Summary
		} else if o.Operation == "" {
			o.Operation = "PREPARE"
		}
		o.Query, o.Resource = st.Text, st.Table
		if o.command == comQuery && st.Operation == "USE" && !o.Failed {
			p.database = used(st.Text)
		}
	}
	o.Answered(o.first, at)
	if o.Failed || !o.quiet {
		p.emit(o.Call)
	}
	if o.command == 0 {
		return p.loggedIn(o)
	}
	return true
}
