package bedrock

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/eventstream"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/wire"
)

// fault sorts what the SDK returned.
func (p *Provider) fault(ctx context.Context, err error) error {
	var (
		said   smithy.APIError
		answer *smithyhttp.ResponseError
		keys   *noCredentials
		status int
		header http.Header
	)
	if ctx.Err() != nil {
		return p.faults.Broke(ctx.Err())
	}
	if errors.As(err, &answer) && answer.Response != nil {
		status, header = answer.HTTPStatusCode(), answer.Response.Header
	}
	switch {
	case errors.As(err, &said):
		return p.faults.Said(kind(said.ErrorCode(), status), status, header, said.ErrorCode(), speakable(said))
	case errors.As(err, &keys) && !keys.passing:
		return p.faults.Said(llm.Denied, status, nil, "", keys.Error())
	case status >= 400: // the page of a gateway: the status says enough
		return p.faults.Said(wire.KindOf(status), status, header, "", "")
	case unreadable(err):
		return p.faults.Odd("%v", err)
	default:
		return p.faults.Broke(err)
	}
}

// speakable is what AWS says, but for signatures: there it repeats the request with its session token.
func speakable(said smithy.APIError) string {
	for _, part := range []string{"Signature", "Token", "Client"} {
		if strings.Contains(said.ErrorCode(), part) {
			return ""
		}
	}
	return said.ErrorMessage()
}

func unreadable(err error) bool {
	var (
		checksum eventstream.ChecksumError
		length   eventstream.LengthError
		unknown  *eventstream.UnknownMessageError
		value    *smithy.DeserializationError
	)
	return errors.As(err, &checksum) || errors.As(err, &length) || errors.As(err, &unknown) || errors.As(err, &value)
}

// kind sorts an exception. Inside of a stream its status is that of the stream, so the name counts first.
func kind(code string, status int) llm.Kind {
	switch code {
	case "ThrottlingException", "Throttling", "TooManyRequestsException", "throttlingException":
		return llm.Throttled
	case "ServiceUnavailableException", "InternalServerException", "ModelNotReadyException", "ModelTimeoutException",
		"ModelErrorException", "ModelStreamErrorException":
		return llm.Overloaded
	case "AccessDeniedException", "AccessDenied", "ServiceQuotaExceededException", "UnrecognizedClientException",
		"ExpiredTokenException", "ExpiredToken", "InvalidSignatureException", "SignatureDoesNotMatch", "InvalidClientTokenId":
		return llm.Denied
	case "ValidationException", "ResourceNotFoundException":
		return llm.Invalid
	default:
		return wire.KindOf(status)
	}
}
