package mysql

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

// Commands.
const (
	comQuit        = 0x01
	comInitDB      = 0x02
	comQuery       = 0x03
	comFieldList   = 0x04
	comStatistics  = 0x09
	comPing        = 0x0e
	comChangeUser  = 0x11
	comBinlog      = 0x12
	comTableDump   = 0x13
	comReplica     = 0x15
	comPrepare     = 0x16
	comExecute     = 0x17
	comLongData    = 0x18
	comClose       = 0x19
	comFetch       = 0x1c
	comBinlogGTID  = 0x1e
	comReset       = 0x1f
	comBulkExecute = 0xfa // MariaDB's
)

// op is a command that waits for its answer.
type op struct {
	protocol.Call
	command   byte // 0: logging in
	quiet     bool // a call only if it fails
	statement *template.Statement
	database  string // the connection's if it succeeds
	first     time.Time
	begun     bool // a packet of the answer was read
	next      int  // the number of the answer's next packet, or anyNumber
	state     state
	left      int // definitions of columns that are still to come
}

// asked takes a packet of the client. It returns false where answers do not follow commands any more.
func (p *Parser) asked(f protocol.Frame) bool {
	b := f.Bytes[packetHead:]
	first := !p.met
	p.met = true
	if first && (f.Bytes[3] == 1 || f.Bytes[3] == 2) { // the first asked for TLS
		return p.login(f, b)
	}
	more := p.continued
	p.continued = f.Size == packetHead+maxPacket
	if more || f.Bytes[3] != 0 || len(b) == 0 || p.loadsFile() { // more of what was asked, a file, what proves who somebody is
		p.goesOn(f, more)
		return true
	}
	if p.server.Lost() && !p.finishUnread() { // a client that asks again has its answer
		return false
	}
	o := op{command: b[0], next: 1, Call: protocol.Call{Protocol: protocol.MySQL, Start: f.First, Offset: f.Offset, Namespace: p.database, RequestBytes: f.Size}}
	p.answers = true
	return p.command(o, b[1:])
}

// command queues a command that is answered.
func (p *Parser) command(o op, b []byte) bool {
	switch o.command {
	case comQuit, comLongData:
		p.answers = false
		return true
	case comClose:
		p.answers = false
		if id, ok := statementID(b); ok {
			p.statements.Remove(id)
		}
		return true
	case comBinlog, comBinlogGTID, comTableDump, comReplica:
		return false
	case comQuery:
		text, trace := p.text(b)
		o.statement, o.TraceParent = p.template(text), trace
	case comPrepare:
		o.quiet, o.statement = true, p.template(b)
		p.preparing = o.statement
	case comExecute, comBulkExecute, comFetch:
		o.Operation = "EXECUTE"
		if o.command == comFetch {
			o.Operation, o.state = "FETCH", rows
		}
		o.statement, o.TraceParent = p.executed(b), executeTrace(b)
	case comInitDB:
		o.Operation, o.database = "USE", template.Cut(string(b), maxDatabase)
	case comFieldList:
		o.Operation, o.quiet, o.state = "FIELD LIST", true, rows
	case comChangeUser:
		o.Operation, o.quiet, o.state = "CHANGE USER", true, authenticating
		p.database = ""
	case comStatistics:
		o.Operation, o.quiet, o.state = "STATISTICS", true, anything
	case comPing:
		o.Operation, o.quiet = "PING", true
	case comReset:
		o.Operation, o.quiet = "RESET CONNECTION", true
		p.statements.Purge()
	default:
		if o.command > comReset {
			return false
		}
		o.Operation, o.quiet = "COMMAND", true
	}
	return p.push(o)
}

// text is the SQL of a query, and the trace that the attributes say which may stand before it.
func (p *Parser) text(b []byte) (text []byte, trace string) {
	if p.capabilities&withAttributes == 0 && !haveAttributes(b) {
		return b, ""
	}
	return cutAttributes(b)
}

// template is the statement of a text. While it is not known what a backslash means, what begins with one is left out.
func (p *Parser) template(text []byte) *template.Statement {
	if !p.escapes {
		text, _, _ = bytes.Cut(text, []byte{'\\'})
	}
	return p.sql.Template(string(text))
}

// executed is the statement that an EXECUTE or FETCH is about, nil if it is not known.
func (p *Parser) executed(b []byte) *template.Statement {
	const prepared = 1<<32 - 1 // the one that was prepared last, of MariaDB
	id, ok := statementID(b)
	if ok && id == prepared {
		return p.preparing
	}
	st, _ := p.statements.Get(id)
	return st
}

func statementID(b []byte) (uint32, bool) {
	if len(b) < 4 {
		return 0, false
	}
	return binary.LittleEndian.Uint32(b), true
}

// login takes the packets of a client that begins a connection. It returns false if they go on encrypted.
func (p *Parser) login(f protocol.Frame, b []byte) bool {
	capabilities, database, ok := readResponse(b)
	if !ok || capabilities&withTLS != 0 && len(b) == tlsRequest {
		return false
	}
	p.capabilities, p.answers = capabilities, true
	return p.push(op{
		quiet: true, state: authenticating, next: int(f.Bytes[3]) + 1, database: database,
		Call: protocol.Call{Protocol: protocol.MySQL, Operation: "CONNECT", Start: f.First, Offset: f.Offset, Namespace: database, RequestBytes: f.Size},
	})
}

func (p *Parser) push(o op) bool {
	if len(p.pending) >= protocol.MaxPending {
		return false
	}
	if len(p.pending) == 0 {
		p.arrived = 0
	}
	p.pending = append(p.pending, o)
	return true
}
