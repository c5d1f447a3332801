package openai

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	sdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/ssestream"

	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/wire"
)

// said is the vendor's error object. Its code is a string, or a number at some compatible endpoints.
type said struct {
	Type    string `json:"type"`
	Code    any    `json:"code"`
	Message string `json:"message"`
}

// fault sorts what the SDK returned. answer is what came over HTTP, nil if nothing did.
func (p *Provider) fault(ctx context.Context, err error, answer *http.Response) error {
	var (
		refused *sdk.Error
		stream  *ssestream.StreamError
		body    struct{ Error said }
	)
	switch {
	case ctx.Err() != nil:
		return p.faults.Broke(ctx.Err())
	case errors.As(err, &refused):
		body.Error = said{Type: refused.Type, Code: refused.Code, Message: refused.Message}
	case errors.As(err, &stream):
		if json.Unmarshal(stream.Event.Data, &body) != nil {
			body.Error = said{Message: "an error in the stream"}
		}
	case answer == nil || answer.StatusCode < 400:
		return p.faults.Broke(err)
	} // else an error page the SDK could not read: the status says enough
	status, header := 0, http.Header(nil)
	if answer != nil {
		status, header = answer.StatusCode, answer.Header
	}
	code := body.Error.Type
	if body.Error.Code != nil && body.Error.Code != "" {
		code = fmt.Sprint(body.Error.Code)
	}
	return p.faults.Said(kind(code, body.Error.Type, status), status, header, code, body.Error.Message)
}

func kind(code, typ string, status int) llm.Kind {
	switch {
	case code == "insufficient_quota" || typ == "insufficient_quota": // status 429, but waiting does not help
		return llm.Denied
	case code == "rate_limit_exceeded":
		return llm.Throttled
	case typ == "invalid_request_error" && status < 400:
		return llm.Invalid
	case typ == "server_error" || typ == "overloaded_error" || status < 400: // in the middle of a stream
		return llm.Overloaded
	default:
		return wire.KindOf(status)
	}
}
