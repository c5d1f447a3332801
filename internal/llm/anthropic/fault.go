package anthropic

import (
	"encoding/json"
	"errors"
	"net/http"

	sdk "github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/shared"

	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/wire"
)

// fault sorts what the SDK returned. The vendor's error types count more than the status: an error in the middle of a
// stream has status 200.
func (p *Provider) fault(err error) error {
	var said *sdk.Error
	if !errors.As(err, &said) {
		return p.faults.Broke(err)
	}
	var body struct {
		Error struct{ Type, Message string }
	}
	if json.Unmarshal([]byte(said.RawJSON()), &body) != nil {
		body.Error.Message = "" // a proxy's page: the status says enough
	}
	var header http.Header
	if said.Response != nil {
		header = said.Response.Header
	}
	return p.faults.Said(kind(said.Type(), said.StatusCode), said.StatusCode, header, body.Error.Type, body.Error.Message)
}

func kind(t shared.ErrorType, status int) llm.Kind {
	switch t {
	case sdk.ErrorTypeRateLimitError:
		return llm.Throttled
	case sdk.ErrorTypeOverloadedError, sdk.ErrorTypeAPIError, sdk.ErrorTypeTimeoutError:
		return llm.Overloaded
	case sdk.ErrorTypeAuthenticationError, sdk.ErrorTypePermissionError, sdk.ErrorTypeBillingError:
		return llm.Denied
	case sdk.ErrorTypeInvalidRequestError, sdk.ErrorTypeNotFoundError:
		return llm.Invalid
	default:
		return wire.KindOf(status)
	}
}
