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
	authenticating              // and the two talk
	anything                    // one packet, whatever it is
)

// answered takes a packet of the server.
func (p *Parser) answered(f protocol.Frame) bool {
	b := f.Bytes[packetHead:]
	if len(p.pending) == 0 || len(b) == 0 || p.more {
		p.more = f.Size == packetHead+maxPacket
		return true
	}
	p.more = f.Size == packetHead+maxPacket
	o := &p.pending[0]
	if o.first.IsZero() {
		if f.Bytes[3] != 1 && o.command != 0 {
			return true // the end of the answer before this one
		}
		o.first = f.First
	}
	o.ResponseBytes += f.Size
	if b[0] == headERR && o.state != anything {
		if isProgress(b) {
			return true
		}
		fail(&o.Call, b, f.Size == int64(len(f.Bytes)))
		return p.finish(f.Last)
	}
	if o.reads(b, f.Size-packetHead) {
		p.learn(o, b)
		return p.finish(f.Last)
	}
	if o.state == prepared && o.command == comPrepare && b[0] == headOK {
		p.prepare(o, b)
	}
	return true
}

// reads takes a packet of the answer, and says whether it is the last.
func (o *op) reads(b []byte, size int64) (last bool) {
	switch o.state {
	case beginning:
		return o.begins(b)
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
	case loading:
		return b[0] == headOK && o.over(b)
	case authenticating:
		return b[0] == headOK
	}
	return true
}

// begins reads the first packet of a result.
func (o *op) begins(b []byte) (last bool) {
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
