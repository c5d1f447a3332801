package mysql

import "github.com/midwatch/midwatch/collector/protocol"

// Packets of a command and its answer are numbered in one row, from 0 and around after 255. A packet that is not the next tells that some were not seen.

// anyNumber is the next one where it is not known how many packets came before.
const anyNumber = -1

// follows tells whether a number is that of the answer's next packet. Within compressed answers the numbers start anew with those of the layer below.
func (o *op) follows(number byte, packed bool) bool {
	return o.next == anyNumber || packed && o.begun || byte(o.next) == number
}

// took notes a packet of the answer.
func (o *op) took(f protocol.Frame) {
	if o.first.IsZero() {
		o.first = f.First
	}
	o.begun = true
	o.ResponseBytes += f.Size
	o.next = int(f.Bytes[3]) + 1
}

// goesOn notes a packet that begins no command: it belongs to the one asked last.
func (p *Parser) goesOn(f protocol.Frame, more bool) {
	n := len(p.pending)
	if n == 0 || !p.answers {
		return
	}
	o := &p.pending[n-1]
	o.RequestBytes += f.Size
	o.next = int(f.Bytes[3]) + 1
	if p.packed != nil {
		o.next = anyNumber
	}
	if o.state == loading && f.Size == packetHead && !more { // nothing ends a file
		o.state = loaded
	}
}

// loadsFile tells whether packets of the client are those of a file, whatever they look like.
func (p *Parser) loadsFile() bool {
	return len(p.pending) > 0 && p.pending[len(p.pending)-1].state == loading
}

// torn is for packets of the client that were not seen: how many they were is not known if they went on with a command.
func (p *Parser) torn() {
	if n := len(p.pending); n > 0 {
		o := &p.pending[n-1]
		switch {
		case o.state == loading:
			o.state, o.next = loaded, anyNumber
		case p.continued || o.state == authenticating:
			o.next = anyNumber
		}
	}
	p.continued = false
}

// loseAnswer is for an answer that is not whole, or none: there is no call. It returns false if the next command's answer could not be told from those to come.
func (p *Parser) loseAnswer() bool {
	if len(p.pending) > 1 {
		return false
	}
	p.pending, p.more = nil, false
	p.server.Lose()
	return true
}
