package mongodb

import (
	"strconv"
	"strings"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

// queryFailure is a flag of OP_REPLY.
const queryFailure = 1 << 1

// problem is what an answer says of an error.
type problem struct {
	failed     bool
	code       int
	name, text string
}

// fail notes what an answer says of an error: of the command, or of one of the writes it asked for.
func (m *message) fail(c *protocol.Call) {
	p := problem{failed: m.op == opReply && m.flags&queryFailure != 0}
	document(m.body, func(e element) bool {
		switch string(e.name) {
		case "ok":
			if n, known := e.number(); known && n == 0 {
				p.failed = true
			}
		case "writeErrors":
			document(e.value, func(e element) bool { // the first
				p.failed = true
				p.read(e.value)
				return false
			})
		case "writeConcernError":
			p.failed = true
			p.read(e.value)
		default:
			p.take(e)
		}
		return true
	})
	if !p.failed {
		return
	}
	c.Failed, c.ErrorType, c.Error = true, p.kind(), saying(p.text)
	if p.code != 0 {
		c.Status = strconv.Itoa(p.code)
	}
}

func (p *problem) read(b []byte) {
	document(b, func(e element) bool { p.take(e); return true })
}

// take takes a field that says something of an error. The first that does counts.
func (p *problem) take(e element) {
	switch name := string(e.name); {
	case name == "code" && p.code == 0:
		if n, ok := e.number(); ok {
			p.code = int(n)
		}
	case name == "codeName" && p.name == "":
		p.name = e.text()
	case (name == "errmsg" || name == "$err") && p.text == "":
		p.text = e.text()
	}
}

// names are those of errors that come without one: of single writes, and of servers before 3.4.
var names = map[int]string{
	11000: "DuplicateKey", 11001: "DuplicateKey", 121: "DocumentValidationFailure", 112: "WriteConflict", 66: "ImmutableField", 2: "BadValue", 9: "FailedToParse", 13: "Unauthorized",
	26: "NamespaceNotFound", 10334: "BSONObjectTooLarge", 10107: "NotWritablePrimary", 13435: "NotPrimaryNoSecondaryOk", 50: "MaxTimeMSExpired", 91: "ShutdownInProgress",
}

func (p *problem) kind() string {
	const longest = 64
	switch {
	case isCommand([]byte(p.name)):
		return template.Cut(p.name, longest)
	case names[p.code] != "":
		return names[p.code]
	case p.code != 0:
		return strconv.Itoa(p.code)
	}
	return "UnknownError"
}

// saying is an error's text without values. What a key was that is there already is one, and so is what a document had that is not valid.
func saying(text string) string {
	for _, before := range []string{" dup key: ", " value: ", " document: "} {
		text, _, _ = strings.Cut(text, before)
	}
	return template.Message(text, protocol.MaxError)
}
