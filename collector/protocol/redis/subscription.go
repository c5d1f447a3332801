package redis

import (
	"strings"
	"time"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

// hasChannel lists the commands whose first argument is a channel, or a pattern of channels.
func hasChannel(name string) bool { return name == "PUBLISH" || name == "SPUBLISH" || subscribes(name) }

// subscribes lists the commands that are confirmed once for each of their channels, after which messages come unasked.
func subscribes(name string) bool {
	switch name {
	case "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE":
		return true
	}
	return false
}

// asked is a command that waits for its answer.
type asked struct {
	protocol.Call
	confirmations int // that are to come, of one that subscribes
}

// confirmations is how many answers a command has. One that ends all subscriptions has as many as those are; the first is enough.
func (c command) confirmations() int { return max(c.argc-1, 1) }

// told handles an answer on a connection with subscriptions that is none to a command; false: it is one.
func (p *Parser) told(a answer, first, last time.Time) bool {
	switch word, channel := a.words[0], a.words[1]; {
	case word == "message" || word == "smessage":
		p.deliver(a, channel, first, last)
	case word == "pmessage":
		p.deliver(a, a.words[2], first, last)
	case subscribes(strings.ToUpper(word)):
		p.subscribed = a.words[2] != "0" || len(p.pending) > 1
		p.confirm(a, strings.ToUpper(word), first, last)
	default:
		return a.push
	}
	return true
}

// confirm notes that a channel was subscribed to, or is no more.
func (p *Parser) confirm(a answer, name string, first, last time.Time) {
	if len(p.pending) == 0 || p.pending[0].Operation != name {
		return // one more of all that ended
	}
	if p.pending[0].confirmations--; p.pending[0].confirmations <= 0 {
		p.finish(a, first, last)
	}
}

// deliver tells of a message. Its channel counts as a key does.
func (p *Parser) deliver(a answer, channel string, first, last time.Time) {
	c := protocol.Call{Protocol: protocol.Redis, Kind: protocol.Delivered, Operation: "MESSAGE", Query: "MESSAGE", Start: first, ResponseBytes: a.size}
	if channel != "" {
		c.Query += " " + template.Key(channel)
	}
	c.Duration = max(last.Sub(first), 0)
	p.emit(c)
}
