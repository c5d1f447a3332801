package cassandra

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

// Codes of errors whose texts are looked at.
const (
	badCredentials = 0x0100
	syntaxError    = 0x2000
	unprepared     = 0x2500
)

// failureName is what Cassandra calls an error.
func failureName(code int32) string {
	switch code {
	case 0x0000:
		return "SERVER_ERROR"
	case 0x000a:
		return "PROTOCOL_ERROR"
	case badCredentials:
		return "BAD_CREDENTIALS"
	case 0x1000:
		return "UNAVAILABLE"
	case 0x1001:
		return "OVERLOADED"
	case 0x1002:
		return "IS_BOOTSTRAPPING"
	case 0x1003:
		return "TRUNCATE_ERROR"
	case 0x1100:
		return "WRITE_TIMEOUT"
	case 0x1200:
		return "READ_TIMEOUT"
	case 0x1300:
		return "READ_FAILURE"
	case 0x1400:
		return "FUNCTION_FAILURE"
	case 0x1500:
		return "WRITE_FAILURE"
	case 0x1600:
		return "CDC_WRITE_FAILURE"
	case 0x1700:
		return "CAS_WRITE_UNKNOWN"
	case syntaxError:
		return "SYNTAX_ERROR"
	case 0x2100:
		return "UNAUTHORIZED"
	case 0x2200:
		return "INVALID"
	case 0x2300:
		return "CONFIG_ERROR"
	case 0x2400:
		return "ALREADY_EXISTS"
	case unprepared:
		return "UNPREPARED"
	}
	return strconv.Itoa(int(code))
}

var (
	inParentheses = regexp.MustCompile(`(?s)\(.*\)|\(.*$`)
	ids           = regexp.MustCompile(`(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|\b(?:0x)?[0-9a-f]{16,}\b`)
)

// failureText is an error's text without values: Cassandra quotes those of an invalid statement, and pieces of one that it cannot read, in
// parentheses. Of one about credentials nothing is kept.
func failureText(code int32, text string) string {
	if code == badCredentials {
		return ""
	}
	if code >= syntaxError && code < unprepared {
		text = inParentheses.ReplaceAllString(text, "(?)")
	}
	return strings.TrimSpace(template.Message(ids.ReplaceAllString(text, "?"), protocol.MaxError))
}
