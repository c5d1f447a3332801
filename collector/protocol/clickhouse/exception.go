package clickhouse

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/midwatch/midwatch/collector/protocol"
	"github.com/midwatch/midwatch/collector/protocol/template"
)

// Codes of exceptions whose texts are looked at.
const (
	syntaxError          = 62
	authenticationFailed = 516
)

// failure is what an exception says.
type failure struct {
	code int32
	text string
}

// exception reads one, behind its packet's first byte. What it says is known even if its end, a stack trace, is not there.
func exception(r *reader) (f failure) {
	f.code = int32(r.uint32())
	name := r.string()
	if r.ok() && (f.code <= 0 || f.code > 100000 || !strings.HasPrefix(string(name), "DB::")) {
		r.bad = true
	}
	if !r.ok() {
		return f
	}
	text, whole := r.text()
	f.text = string(text[:min(len(text), 4*protocol.MaxError)])
	r.short = r.short || !whole
	r.string()
	r.flag()
	return f
}

// isException says that b begins with an exception, and nothing else could.
func isException(b []byte) bool {
	r := reader{b: b}
	if r.byte() != serverException {
		return false
	}
	code := r.uint32()
	name := r.string()
	return r.ok() && code > 0 && code < 100000 && strings.HasPrefix(string(name), "DB::")
}

var (
	// statement is where an exception begins to repeat the statement, or what it was working on.
	statement = regexp.MustCompile(`(?i)[:.,]? \(?(?:in scope|while (?:executing|processing|converting|parsing|reading)|in query|query:|stack trace|\(version) ?.*`)
	position  = regexp.MustCompile(`(?s)(position \d+).*`)
)

// name is what ClickHouse calls the error, its code if that is newer than what is known here.
func (f failure) name() string {
	if e := proto.Error(f.code); e.IsAError() {
		return e.String()
	}
	return f.status()
}

func (f failure) status() string { return strconv.Itoa(int(f.code)) }

// message is the text without values.
func (f failure) message() string {
	text := strings.TrimPrefix(strings.ReplaceAll(f.text, "\n", " "), "DB::Exception: ")
	if f.code == authenticationFailed { // it names the user
		return ""
	}
	if f.code == syntaxError {
		text = position.ReplaceAllString(text, "$1")
	}
	return template.Message(statement.ReplaceAllString(text, ""), protocol.MaxError)
}
