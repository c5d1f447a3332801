package postgres

import (
	"time"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

// opKind is what a client asked for, as far as the server answers it on its own.
type opKind uint8

const (
	opParse   opKind = iota // answered by ParseComplete; a call only if it fails
	opExecute               // answered by CommandComplete
	opSync                  // answered by ReadyForQuery
	opQuery                 // a simple query: answered by ReadyForQuery
	opEncrypt               // asks for encryption: answered by one letter
	opStart                 // the startup message: answered by ReadyForQuery; a call only if it fails
)

// op is one thing asked for. The server answers in order.
type op struct {
	kind      opKind
	statement *template.Statement // nil when it was prepared before we looked
	start     time.Time
	offset    int64
	first     time.Time // first byte of the answer
	size      int64
	tag       string // of CommandComplete
	err       serverError
}

// call is the operation as a call that ended at end.
func (o *op) call(namespace string, end time.Time) protocol.Call {
	c := protocol.Call{
		Protocol:     protocol.PostgreSQL,
		Start:        o.start,
		Offset:       o.offset,
		Duration:     max(end.Sub(o.start), 0),
		Namespace:    namespace,
		RequestBytes: o.size,
	}
	if !o.first.IsZero() {
		c.FirstByte = max(o.first.Sub(o.start), 0)
	}
	switch {
	case o.kind == opStart:
		c.Operation, c.Summary = "CONNECT", "CONNECT"
	case o.statement != nil:
		c.Operation, c.Resource, c.Query, c.Summary = o.statement.Operation, o.statement.Table, o.statement.Text, o.statement.Summary
	default:
		c.Operation = template.Operation(o.tag)
		c.Summary = c.Operation
	}
	if o.err.code != "" {
		c.Failed, c.Status, c.ErrorType = true, o.err.code, o.err.code
		c.Error = template.Message(o.err.text, protocol.MaxError)
	}
	return c
}
