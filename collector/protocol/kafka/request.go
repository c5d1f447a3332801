package kafka

import (
	"time"

	"github.com/midwatch/midwatch/collector/protocol"
)

// asked takes a request.
func (p *Parser) asked(f protocol.Frame) bool {
	h, r := readRequest(f)
	x := exchange{correlation: h.correlation, key: h.key, version: h.version, known: h.known, uncertain: h.key == keyProduce}
	x.Call = protocol.Call{Protocol: protocol.Kafka, Start: f.First, Offset: f.Offset, Operation: h.api.name, RequestBytes: f.Size}
	if h.known {
		said := found{tracing: h.key == keyProduce}
		requests[h.key].structure(&r, h.version, &said)
		if r.bad {
			said = found{}
		}
		p.describe(&x, &said)
	}
	if x.Kind == protocol.Sent {
		x.Duration = f.Last.Sub(f.First)
		x.Resource = p.resource(x.topic, x.one)
		p.emit(x.Call)
		return true
	}
	if h.key == keySaslHandshake && h.version == 0 {
		p.client.Lose() // what follows are the mechanism's own messages
	}
	if answer, ok := p.early.take(h.correlation, f.First); ok {
		return p.finish(x, answer)
	}
	p.pending = append(p.pending, x)
	return len(p.pending) <= protocol.MaxPending
}

// describe notes what a request says.
func (p *Parser) describe(x *exchange, said *found) {
	x.topic, x.one = said.only()
	x.wait = time.Duration(said.maxWait) * time.Millisecond
	switch x.key {
	case keyProduce:
		if said.all() {
			x.Messages, x.TraceParent = said.messages, said.traceparent
		}
		x.uncertain = !said.acknowledged
		if said.acknowledged && said.acks == 0 {
			x.Kind = protocol.Sent
		}
	case keyFetch:
		if said.sessionEpoch > 0 {
			x.topic, x.one = p.sessions.more(said)
		}
		x.begins = x.version >= 7 && said.sessionEpoch == 0
	}
}
