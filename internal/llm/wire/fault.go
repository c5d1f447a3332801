package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/midwatch/midwatch/internal/llm"
)

// maxSaid bounds what is repeated of a provider's words.
const maxSaid = 500

// Faults words the errors of one provider, and keeps its credentials out of them.
type Faults struct {
	Provider string
	Secrets  []string
}

// Said is an answer that says no. header may be nil. The SDK's own error is not wrapped: it holds the request, and with
// it the key.
func (f Faults) Said(kind llm.Kind, status int, header http.Header, code, message string) *llm.Error {
	e := &llm.Error{Kind: kind, Provider: f.Provider, Status: status, RetryAfter: RetryAfter(header, time.Now())}
	switch text := f.clean(message); {
	case status == http.StatusUnauthorized || text == "":
		// Vendors repeat parts of a key they do not know.
		e.Err = errors.New(oneOf(f.clean(code), http.StatusText(status), "no reason given"))
	case code == "":
		e.Err = errors.New(text)
	default:
		e.Err = fmt.Errorf("%s: %s", f.clean(code), text)
	}
	return e
}

func oneOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// Broke is a call without an answer, or with half of one.
func (f Faults) Broke(err error) *llm.Error {
	var (
		syntax *json.SyntaxError
		kind   *json.UnmarshalTypeError
		where  *url.Error
	)
	e := &llm.Error{Kind: llm.Unreachable, Provider: f.Provider, Err: err}
	if errors.Is(err, ErrRedirect) || errors.Is(err, ErrTooLarge) || errors.As(err, &syntax) || errors.As(err, &kind) {
		e.Kind = llm.Malformed
	}
	if errors.As(err, &where) {
		e.Err = where.Err // its address may hold a query string
	}
	return e
}

// Odd is an answer that the vendor's reference does not describe.
func (f Faults) Odd(format string, args ...any) *llm.Error {
	return &llm.Error{Kind: llm.Malformed, Provider: f.Provider, Err: errors.New(f.clean(fmt.Sprintf(format, args...)))}
}

// Cut is an answer that ended before its end.
func (f Faults) Cut() *llm.Error {
	return &llm.Error{Kind: llm.Unreachable, Provider: f.Provider, Err: errors.New("the answer was cut off")}
}

func (f Faults) clean(text string) string {
	for _, s := range f.Secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, "[key]")
		}
	}
	if len(text) > maxSaid {
		text = text[:maxSaid] + "…"
	}
	return strings.ToValidUTF8(text, "�")
}

// KindOf sorts an HTTP status. 529 is Anthropic's for overload.
func KindOf(status int) llm.Kind {
	switch {
	case status == http.StatusTooManyRequests:
		return llm.Throttled
	case status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusPaymentRequired:
		return llm.Denied
	case status >= 500 || status == http.StatusRequestTimeout || status == http.StatusConflict:
		return llm.Overloaded
	case status >= 400:
		return llm.Invalid
	default:
		return llm.Malformed
	}
}

// maxWait bounds how long a provider may ask to wait.
const maxWait = 24 * time.Hour

// RetryAfter reads how long to wait: retry-after-ms, else Retry-After in seconds or as a date. 0 when there is neither.
func RetryAfter(header http.Header, now time.Time) time.Duration {
	if ms, ok := number(header.Get("Retry-After-Ms")); ok {
		return clamp(ms * float64(time.Millisecond))
	}
	after := header.Get("Retry-After")
	if s, ok := number(after); ok {
		return clamp(s * float64(time.Second))
	}
	if at, err := http.ParseTime(after); err == nil {
		return clamp(float64(at.Sub(now)))
	}
	return 0
}

func number(text string) (float64, bool) {
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	return v, err == nil && !math.IsNaN(v)
}

func clamp(d float64) time.Duration {
	return time.Duration(min(max(d, 0), float64(maxWait)))
}

// Header is a header of an answer, "" if there is none.
func Header(answer *http.Response, name string) string {
	if answer == nil {
		return ""
	}
	return answer.Header.Get(name)
}

// EventStream refuses an answer that is no stream of server-sent events, such as the page of a proxy.
func (f Faults) EventStream(answer *http.Response) error {
	if answer == nil {
		return f.Odd("no answer")
	}
	kind, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if err != nil || kind != "text/event-stream" {
		return f.Odd("the answer is %q and no event stream: base_url may be wrong", kind)
	}
	return nil
}
