package dns

import (
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/midwatch/midwatch/collector/protocol"
)

// question is one that a client asks.
type question struct {
	id         uint16
	name, kind string
}

// asked reads a message with one question, an answer to it too; ok is false if it is none that a client asks.
func asked(message []byte) (q question, h dnsmessage.Header, ok bool) {
	var p dnsmessage.Parser
	h, err := p.Start(message)
	if err != nil || h.OpCode != 0 {
		return q, h, false
	}
	first, err := p.Question()
	if err != nil || first.Class != dnsmessage.ClassINET {
		return q, h, false
	}
	if _, err := p.Question(); err != dnsmessage.ErrSectionDone { //nolint:errorlint // it is returned as it is
		return q, h, false
	}
	name, ok := hostname(first.Name)
	return question{h.ID, name, kindOf(first.Type)}, h, ok
}

// kindOf is the name of a type, of those that programs ask for.
func kindOf(t dnsmessage.Type) string {
	const https, svcb = 65, 64
	switch t {
	case https:
		return "HTTPS"
	case svcb:
		return "SVCB"
	}
	if name, ok := strings.CutPrefix(t.String(), "Type"); ok {
		return name
	}
	return "other"
}

// call is what a question is told as until it is answered.
func (q question) call(size int64, first time.Time) protocol.Call {
	return protocol.Call{Protocol: protocol.DNS, Operation: q.kind, Summary: "DNS " + q.kind, Resource: q.name, Start: first, RequestBytes: size}
}

// answer notes what was answered. That there is no such name is an answer and no failure: resolvers go through the names of a search list until one is.
func answered(c *protocol.Call, h dnsmessage.Header, size int64) {
	c.ResponseBytes = size
	if c.Status = failureOf(h.RCode); c.Status != "" && h.RCode != dnsmessage.RCodeNameError {
		c.Failed, c.ErrorType = true, c.Status
		c.Error = "the name server answered " + c.Status
	}
}
