package amqp

import (
	"strconv"
	"strings"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

// success is the reply code of what is closed because that was wanted.
const success = 200

// failure is why a broker refused something.
type failure struct{ status, name, text string }

// names of the reply codes.
var names = map[uint16]string{
	311: "CONTENT_TOO_LARGE",
	312: "NO_ROUTE",
	313: "NO_CONSUMERS",
	320: "CONNECTION_FORCED",
	402: "INVALID_PATH",
	403: "ACCESS_REFUSED",
	404: "NOT_FOUND",
	405: "RESOURCE_LOCKED",
	406: "PRECONDITION_FAILED",
	501: "FRAME_ERROR",
	502: "SYNTAX_ERROR",
	503: "COMMAND_INVALID",
	504: "CHANNEL_ERROR",
	505: "UNEXPECTED_FRAME",
	506: "RESOURCE_ERROR",
	530: "NOT_ALLOWED",
	540: "NOT_IMPLEMENTED",
	541: "INTERNAL_ERROR",
}

// refused is what a broker says when it does not take a message, without a reason.
var refused = failure{name: "NACK", text: "the broker did not take the message"}

// readFailure reads a reply code and its text, in which RabbitMQ quotes bytes that it did not understand as <<…>>.
func readFailure(code uint16, text []byte) *failure {
	f := failure{status: strconv.Itoa(int(code)), name: names[code]}
	if f.name == "" {
		f.name = f.status
	}
	said, _, quoted := strings.Cut(string(text), "<<")
	if quoted {
		said += "?"
	}
	f.text = template.Message(said, protocol.MaxError)
	return &f
}

// fail notes why a call failed.
func (f *failure) fail(c *protocol.Call) {
	c.Failed, c.Status, c.ErrorType, c.Error = true, f.status, f.name, f.text
}
