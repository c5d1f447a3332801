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
	state     state
	left      int // definitions of columns that are still to come
}

// asked takes a packet of the client. It returns false where answers do not follow commands any more.
func (p *Parser) asked(f protocol.Frame) bool {
	b := f.Bytes[packetHead:]
	first := !p.met
	p.met = true
	if first && f.Bytes[3] == 1 {
		return p.login(f, b)
	}
	if f.Bytes[3] != 0 || len(b) == 0 || p.continued { // more of what was asked, a file, what proves who somebody is
		p.continued = f.Size == packetHead+maxPacket
		return true
	}
	p.continued = f.Size == packetHead+maxPacket
	if p.server.Lost() { // a client that asks again has its answers
		p.finishAll()
	}
	o := op{command: b[0], Call: protocol.Call{Protocol: protocol.MySQL, Start: f.First, Namespace: p.database, RequestBytes: f.Size}}
	return p.command(o, b[1:])
}

// command queues a command that is answered.
func (p *Parser) command(o op, b []byte) bool {
	switch o.command {
	case comQuit, comLongData:
		return true
	case comClose:
		if id, ok := statementID(b); ok {
			p.statements.Remove(id)
		}
		return true
	case comBinlog, comBinlogGTID, comTableDump, comReplica:
		return false
	case comQuery:
		o.statement = p.sql.Template(string(p.text(b)))
	case comPrepare:
		o.quiet, o.statement = true, p.sql.Template(string(b))
	case comExecute, comBulkExecute, comFetch:
		o.Operation = "EXECUTE"
		if o.command == comFetch {
			o.Operation, o.state = "FETCH", rows
		}
		if id, ok := statementID(b); ok {
			o.statement, _ = p.statements.Get(id)
		}
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

// text is the SQL of a query. Attributes may stand before it, which are passed over only where there are none.
func (p *Parser) text(b []byte) []byte {
	if none := []byte{0, 1}; bytes.HasPrefix(b, none) {
		return b[len(none):]
	}
	if p.capabilities&withAttributes != 0 {
		return nil
	}
	return b
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
	p.capabilities = capabilities
	return p.push(op{
		quiet: true, state: authenticating, database: database,
		Call: protocol.Call{Protocol: protocol.MySQL, Operation: "CONNECT", Start: f.First, Namespace: database, RequestBytes: f.Size},
	})
}

func (p *Parser) push(o op) bool {
	if len(p.pending) >= protocol.MaxPending {
		return false
	}
	p.pending = append(p.pending, o)
	return true
}
