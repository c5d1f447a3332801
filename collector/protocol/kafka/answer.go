package kafka

import "github.com/midwatch/midwatch/collector/protocol"

// answered takes an answer.
func (p *Parser) answered(f protocol.Frame) bool {
	x, ok := p.pending.take(correlation(f.Bytes), p.unseen)
	if !ok {
		if !p.client.Lost() && !p.early.add(f) {
			p.server.Lose()
		}
		return true
	}
	p.unseen = false
	return p.finish(x, f)
}

// finish completes a request.
func (p *Parser) finish(x exchange, f protocol.Frame) bool {
	x.Answered(f.First, f.Last)
	x.ResponseBytes = f.Size
	if x.known {
		p.conclude(&x, readAnswer(x.key, x.version, f))
	}
	x.Resource = p.resource(x.topic, x.one)
	if x.told() {
		p.emit(x.Call)
	}
	if x.key == keySaslHandshake && x.version == 0 {
		p.server.Lose()
	}
	return true
}

// conclude notes what an answer says.
func (p *Parser) conclude(x *exchange, r body) {
	said := found{learn: p.topics.learn}
	answers[x.key].structure(&r, x.version, &said)
	if r.bad {
		return
	}
	fail(&x.Call, x.key, said.code)
	if x.key != keyFetch {
		return
	}
	if said.all() {
		x.Messages = said.messages
	}
	if x.begins && said.sessionID != 0 {
		p.sessions.begin(said.sessionID, x.topic, x.one)
	}
	if said.topics > 0 {
		x.topic, x.one = said.only()
	}
}
