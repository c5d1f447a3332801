package nats

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/midwatch/midwatch/collector/protocol"
)

const (
	maxLine    = 8 << 10  // of INFO and CONNECT with their tokens; all others have 4 KiB at most
	maxPayload = 64 << 20 // what servers can be told to accept
)

// The verbs that lines begin with.
const (
	connect = "CONNECT"
	pub     = "PUB"
	hpub    = "HPUB"
	sub     = "SUB"
	unsub   = "UNSUB"
	ping    = "PING"
	pong    = "PONG"
	info    = "INFO"
	msg     = "MSG"
	hmsg    = "HMSG"
	okay    = "+OK"
	failure = "-ERR"
)

// line is one line of the protocol, in which a message may be announced.
type line struct {
	verb           string
	subject, reply string
	sid            string // of a subscription
	max            int    // UNSUB: after how many messages, 0: at once
	text           string // -ERR: what is wrong
	message        bool   // payload bytes follow, of which the first header bytes are headers
	header         int64
	payload        int64
}

// verbs of a direction.
func verbs(d protocol.Direction) []string {
	if d == protocol.Request {
		return []string{pub, hpub, sub, unsub, ping, pong, connect}
	}
	return []string{msg, hmsg, ping, pong, okay, failure, info}
}

// betweenServers are the verbs of routes, gateways and leaf nodes.
func betweenServers(b []byte) bool {
	word, _, _ := bytes.Cut(b[:min(len(b), 8)], []byte(" "))
	switch strings.ToUpper(string(word)) {
	case "A+", "A-", "RS+", "RS-", "RMSG", "LS+", "LS-", "LMSG":
		return true
	}
	return false
}

// readLine reads a line without its end. It returns false if the direction has no such line.
func readLine(d protocol.Direction, b []byte) (l line, ok bool) {
	b = bytes.TrimSuffix(b, []byte("\r"))
	for _, verb := range verbs(d) {
		if len(b) >= len(verb) && strings.EqualFold(string(b[:len(verb)]), verb) && (len(b) == len(verb) || b[len(verb)] == ' ' || b[len(verb)] == '\t') {
			l.verb = verb
			return l, l.read(b[len(verb):])
		}
	}
	return l, false
}

func (l *line) read(b []byte) bool {
	switch l.verb {
	case connect, info:
		b = bytes.TrimSpace(b)
		return len(b) >= 2 && b[0] == '{' && b[len(b)-1] == '}'
	case failure:
		l.text = string(b[:min(len(b), protocol.MaxError)])
		return true
	case ping, pong, okay:
		return len(bytes.TrimSpace(b)) == 0
	}
	words := strings.FieldsFunc(string(b), func(r rune) bool { return r == ' ' || r == '\t' })
	for _, w := range words {
		if strings.ContainsFunc(w, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return false
		}
	}
	switch l.verb {
	case unsub:
		return l.unsubscribes(words)
	case sub:
		if len(words) != 2 && len(words) != 3 {
			return false
		}
		l.subject, l.sid = words[0], words[len(words)-1]
		return true
	default:
		return l.announces(words)
	}
}

func (l *line) unsubscribes(words []string) bool {
	if len(words) != 1 && len(words) != 2 {
		return false
	}
	l.sid = words[0]
	if len(words) == 1 {
		return true
	}
	n, err := strconv.Atoi(words[1])
	l.max = n
	return err == nil && n >= 0
}

// announces reads subject, subscription (MSG, HMSG), reply subject (perhaps), size of the headers (HPUB, HMSG) and size of all.
func (l *line) announces(words []string) bool {
	l.message = true
	names, sizes := 1, 1
	if l.verb == msg || l.verb == hmsg {
		names = 2
	}
	if l.verb == hpub || l.verb == hmsg {
		sizes = 2
	}
	optional := len(words) - names - sizes
	if optional != 0 && optional != 1 {
		return false
	}
	l.subject = words[0]
	if names == 2 {
		l.sid = words[1]
	}
	if optional == 1 {
		l.reply = words[names]
	}
	words = words[names+optional:]
	n, err := strconv.ParseUint(words[len(words)-1], 10, 32)
	if err != nil || n > maxPayload {
		return false
	}
	l.payload = int64(n)
	if sizes == 1 {
		return true
	}
	h, err := strconv.ParseUint(words[0], 10, 32)
	l.header = int64(h)
	return err == nil && h <= n
}
