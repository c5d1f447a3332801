package engine

import (
	"regexp"
	"strconv"
)

// Codes of ClickHouse's exceptions that the server itself raises.
const (
	CodeNotImplemented      = 48
	CodeSyntaxError         = 62
	CodeUnexpectedPacket    = 99
	CodeUnknownSetting      = 115
	CodeTooManySessions     = 203 // NO_FREE_CONNECTION
	CodeQueryWasCancelled   = 394
	CodeSettingConstraint   = 452
	CodeAuthenticationError = 516
	codeUnknown             = 1001 // STD_EXCEPTION
)

// Exception is an error of the engine with ClickHouse's code.
type Exception struct {
	Code    int
	Message string
}

// Error returns ClickHouse's message, without the code.
func (e *Exception) Error() string { return e.Message }

var codePattern = regexp.MustCompile(`^Code: (\d+)\. `)

// exception makes an error of the engine's text, nil of none.
func exception(text string) error {
	if text == "" {
		return nil
	}
	e := &Exception{Code: codeUnknown, Message: text}
	if m := codePattern.FindStringSubmatch(text); m != nil {
		e.Code, _ = strconv.Atoi(m[1])
		e.Message = text[len(m[0]):]
	}
	return e
}
