package memcached

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

// text reads a connection that speaks the text protocol.
type text struct {
	emit    func(protocol.Call)
	pending []protocol.Call // oldest first

	requests   protocol.Stream
	begun      time.Time      // first byte of the command being read
	offset     int64          // of that byte
	unsent     *protocol.Call // a command whose data is still to come
	clientLost bool           // until a transfer is whole commands

	answers    protocol.Stream
	answered   time.Time // first byte of the answer being read
	last       time.Time
	size       int64 // of the answer being read
	ending     bool  // what is skipped is the end of the answer
	serverLost bool  // until the next command
}

// Data implements protocol.Parser.
func (p *text) Data(d protocol.Direction, at time.Time, b []byte) bool {
	if d == protocol.Request {
		return p.sent(at, b)
	}
	p.last = at
	if p.serverLost {
		return true
	}
	if !p.answers.Write(b) {
		p.loseServer()
		return true
	}
	return p.server(at)
}

func (p *text) sent(at time.Time, b []byte) bool {
	if p.clientLost {
		if !Resumes(b) {
			return true
		}
		p.clientLost = false
	}
	if p.serverLost { // a client that asks again has its answers
		p.finishAll()
	}
	if !p.requests.Write(b) {
		p.loseClient()
		return true
	}
	return p.client(at)
}

// Hole implements protocol.Parser.
func (p *text) Hole(d protocol.Direction, at time.Time, n int64) bool {
	if d == protocol.Request {
		if !p.clientLost && !p.requests.Hole(n) {
			p.loseClient()
			return true
		}
		return p.clientLost || p.client(at)
	}
	p.last = at
	if p.serverLost {
		return true
	}
	if !p.answers.Hole(n) {
		p.loseServer()
		return true
	}
	return p.server(at)
}

// Idle implements protocol.Parser.
func (p *text) Idle() bool { return len(p.pending) == 0 }

// client reads commands. It returns false if they are none, or of a kind whose answers cannot be told apart.
func (p *text) client(at time.Time) bool {
	for !p.requests.Skipping() {
		if p.unsent != nil {
			if !p.ask(*p.unsent) {
				return false
			}
			p.unsent = nil
		}
		b := p.requests.Bytes()
		if len(b) == 0 {
			return true
		}
		if p.begun.IsZero() {
			p.begun, p.offset = at, p.requests.Offset()
		}
		line, _, whole := bytes.Cut(b[:min(len(b), maxLine)], []byte("\n"))
		if !whole {
			return len(b) < maxLine
		}
		c, ok := readCommand(line)
		if !ok || c.ends {
			return false
		}
		c.size += int64(len(line)) + 1
		call := c.call()
		call.Start, call.Offset = p.begun, p.offset
		p.begun, p.unsent = time.Time{}, &call
		p.requests.Next(c.size)
	}
	return true
}

// ask has a command wait for its answer, if it gets one.
func (p *text) ask(c protocol.Call) bool {
	switch {
	case c.Operation == "quit":
		return true
	case c.Kind == protocol.Sent:
		p.emit(c)
		return true
	case len(p.pending) >= protocol.MaxPending:
		return false
	}
	if p.Idle() && p.last.Before(c.Start) {
		p.forgetAnswer()
	}
	p.pending = append(p.pending, c)
	return true
}

// server reads answers. It returns false if they are none.
func (p *text) server(at time.Time) bool {
	for !p.answers.Skipping() && !p.Idle() {
		if p.ending {
			if !p.finish("", at) {
				return false
			}
			continue
		}
		b := p.answers.Bytes()
		if len(b) == 0 {
			return true
		}
		if p.answered.IsZero() {
			p.answered = at
		}
		line, _, whole := bytes.Cut(b[:min(len(b), maxLine)], []byte("\r\n"))
		if !whole {
			return len(b) < maxLine
		}
		if !p.line(string(line), at) {
			return false
		}
	}
	return true
}

// line reads a line of an answer.
func (p *text) line(line string, at time.Time) bool {
	words := strings.Fields(line)
	if len(words) == 0 {
		return false
	}
	data, ok := int64(0), true
	switch words[0] {
	case "VALUE": // and its key, flags, length
		data, ok = length(words, 3)
	case "VA":
		data, ok = length(words, 1)
		p.ending = true
	case "STAT", "ITEM":
	default:
		p.size += int64(len(line)) + 2
		p.answers.Next(int64(len(line)) + 2)
		return p.finish(line, at)
	}
	p.size += int64(len(line)) + 2 + data
	p.answers.Next(int64(len(line)) + 2 + data)
	return ok
}

// length is how long the data is, with its line's end, that the n-th word says.
func length(words []string, n int) (int64, bool) {
	if len(words) <= n {
		return 0, false
	}
	size, err := strconv.Atoi(words[n])
	return int64(size) + 2, err == nil && size >= 0 && size <= maxData
}

// finish completes the oldest command with the last line of its answer. It returns false where the server may take what follows for something else than the client does.
func (p *text) finish(line string, at time.Time) bool {
	c := p.pending[0]
	p.pending = p.pending[1:]
	c.Answered(p.answered, at)
	c.ResponseBytes = p.size
	word, said, _ := strings.Cut(line, " ")
	switch word {
	case "ERROR", "CLIENT_ERROR", "SERVER_ERROR":
		c.Failed, c.Status, c.ErrorType = true, word, word
		c.Error = template.Message(strings.TrimSpace(word+" "+said), protocol.MaxError)
	}
	p.forgetRead()
	p.emit(c)
	return word != "CLIENT_ERROR" || known[c.Operation] != storing && known[c.Operation] != metaSet
}

// finishAll completes what was answered out of sight.
func (p *text) finishAll() {
	for _, c := range p.pending {
		c.Answered(p.last, p.last)
		p.emit(c)
	}
	p.pending, p.serverLost = nil, false
	p.forgetAnswer()
}

// forgetRead is for the next answer, whose first bytes may be there.
func (p *text) forgetRead() { p.answered, p.size, p.ending = time.Time{}, 0, false }

func (p *text) forgetAnswer() {
	p.answers.Reset()
	p.forgetRead()
}

func (p *text) loseServer() {
	p.forgetAnswer()
	p.serverLost = true
}

func (p *text) loseClient() {
	p.requests.Reset()
	p.begun, p.unsent, p.clientLost = time.Time{}, nil, true
}

// Close implements protocol.Parser.
func (p *text) Close(at time.Time) {
	if p.serverLost {
		p.finishAll()
	}
	for _, c := range p.pending {
		c.Unanswered(at)
		p.emit(c)
	}
	p.pending = nil
}
