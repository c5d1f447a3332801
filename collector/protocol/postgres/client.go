package postgres

import "time"

// client reads what the client sends and queues what it asks for.
func (p *Parser) client(at time.Time, cut bool) bool {
	for {
		if len(p.requests.Bytes()) > 0 && p.unit.IsZero() {
			p.unit, p.unitOffset = at, p.requests.Offset()
		}
		if p.starting {
			done, ok := p.startup()
			if !ok || !done {
				return ok
			}
			continue
		}
		m, wait, bad := p.requests.next(cut)
		if bad {
			return p.loseClient()
		}
		if wait {
			return true
		}
		p.unitSize += m.size
		if !p.ask(m) {
			return false
		}
	}
}

// startup reads the untyped messages a connection begins with. done is false while one is incomplete.
func (p *Parser) startup() (done, ok bool) {
	code, database, n, ok := startup(p.requests.Bytes())
	if !ok || n == 0 {
		return false, ok
	}
	p.requests.Next(int64(n))
	begun := p.unit
	p.unit = time.Time{}
	switch code {
	case codeCancel:
		return false, false // one message, never answered
	case codeTLS, codeGSS:
		return true, p.push(op{kind: opEncrypt, start: begun})
	}
	p.starting = false
	p.database = database
	return true, p.push(op{kind: opStart, start: begun})
}

func (p *Parser) ask(m message) bool {
	switch m.kind {
	case 'Q':
		text, _ := field(m.body)
		return p.finishUnit(op{kind: opQuery, statement: p.sql.Template(text)})
	case 'P':
		name, rest := field(m.body)
		text, _ := field(rest)
		statement := p.sql.Template(text)
		p.statements.Add(name, statement)
		return p.push(op{kind: opParse, statement: statement, start: p.unit})
	case 'B':
		portal, rest := field(m.body)
		name, _ := field(rest)
		statement, _ := p.statements.Get(name)
		p.portals.Add(portal, statement)
	case 'E':
		portal, _ := field(m.body)
		statement, _ := p.portals.Get(portal)
		return p.finishUnit(op{kind: opExecute, statement: statement})
	case 'C':
		if len(m.body) > 1 && m.body[0] == 'S' {
			name, _ := field(m.body[1:])
			p.statements.Remove(name)
		}
	case 'S':
		ok := p.push(op{kind: opSync, start: p.unit})
		p.unit, p.unitSize = time.Time{}, 0
		return ok
	case 'p', 'd', 'c', 'f', 'X': // passwords, copied data, goodbye: no operation begins with them
		p.unit, p.unitSize = time.Time{}, 0
	}
	return true
}

// finishUnit queues an operation that began with the unit's first message.
func (p *Parser) finishUnit(o op) bool {
	o.start, o.offset, o.size = p.unit, p.unitOffset, p.unitSize
	p.unit, p.unitSize = time.Time{}, 0
	return p.push(o)
}

// loseClient is for bytes that are no messages, or that nobody copied: the way back is the next query.
func (p *Parser) loseClient() bool {
	p.requests.Reset()
	p.clientLost = true
	p.unit, p.unitSize = time.Time{}, 0
	p.strikes++
	return p.strikes < maxStrikes
}
