package nats

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

// statuses are the codes that a server gives instead of a message.
var statuses = map[string]string{
	"400": "BAD_REQUEST", "404": "NO_MESSAGES", "408": "REQUEST_TIMEOUT", "409": "CONFLICT", "423": "PIN_ID_MISMATCH", "503": "NO_RESPONDERS",
}

// fail notes what a reply says of an error: the server's status, the error of a service, or that of JetStream.
func fail(c *protocol.Call, reply *message) {
	h := readHeader(reply.headers())
	switch {
	case h.code != "":
		if name := statuses[h.code]; name != "" {
			set(c, h.code, name, h.reason)
		}
	case h.errorCode != "" || h.errorText != "":
		code := template.Cut(template.Key(h.errorCode), maxCode)
		set(c, code, "SERVICE_ERROR", h.errorText)
		if strings.Trim(h.errorCode, "0123456789") == "" && len(h.errorCode) <= maxCode { // a number says more than that there is one
			c.Status = h.errorCode
		}
	default:
		failJetStream(c, reply.text())
	}
}

// maxCode bounds the code of a service's error, in bytes.
const maxCode = 16

// failJetStream reads the error of an answer of JetStream's API, of which the beginning is enough: an object with the type of the answer, or of an acknowledgement with the error first.
func failJetStream(c *protocol.Call, text []byte) {
	d := json.NewDecoder(strings.NewReader(string(text)))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return
		}
		if key == "error" {
			var e struct {
				Code        int    `json:"code"`
				ErrCode     int    `json:"err_code"`
				Description string `json:"description"`
			}
			if d.Decode(&e) == nil && e.Code >= 300 && e.ErrCode > 0 {
				set(c, strconv.Itoa(e.Code), strconv.Itoa(e.ErrCode), e.Description)
			}
			return
		}
		var skipped json.RawMessage
		if key != "type" && key != "stream" && key != "seq" || d.Decode(&skipped) != nil {
			return // no answer of JetStream's
		}
	}
}

func set(c *protocol.Call, status, kind, text string) {
	c.Failed, c.Status, c.ErrorType = true, status, kind
	c.Error = template.Message(text, protocol.MaxError)
}

// refused is what -ERR says: 'Permissions Violation for Publish to "orders.17"'. What stands in double quotes is a subject.
func refused(text string) (kind, says string) {
	text = strings.Trim(strings.TrimSpace(text), "'")
	words, _, _ := strings.Cut(text, `"`)
	words = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(words), " to"))
	return strings.ToUpper(strings.ReplaceAll(template.Message(words, 64), " ", "_")), template.Message(text, protocol.MaxError)
}
