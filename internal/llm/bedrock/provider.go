package bedrock

import (
	"context"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"

	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/wire"
)

// Provider is one AWS account in one region.
type Provider struct {
	cfg     llm.ProviderConfig
	options bedrockruntime.Options
	faults  wire.Faults
}

var _ llm.Provider = (*Provider)(nil)

// New finds the credentials and opens nothing. client is nil but in tests, which bring their own transport.
func New(cfg llm.ProviderConfig, client *http.Client) (*Provider, error) {
	cfg = cfg.OrDefault()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	client = wire.Client(client)
	keys, err := account(cfg, client)
	if err != nil {
		return nil, fmt.Errorf("provider %s: %w", cfg.Name, err)
	}
	options := bedrockruntime.Options{Region: cfg.Region, Credentials: keys, HTTPClient: client, Retryer: aws.NopRetryer{}}
	if cfg.BaseURL != "" {
		options.BaseEndpoint = aws.String(cfg.BaseURL)
	}
	return &Provider{cfg: cfg, options: options, faults: wire.Faults{Provider: cfg.Name}}, nil
}

// signed takes back what the SDK does about AWS_BEARER_TOKEN_BEDROCK: only the configured account signs.
func signed(o *bedrockruntime.Options) {
	o.BearerAuthTokenProvider = nil
	o.AuthSchemePreference = []string{"sigv4"}
	o.APIOptions = nil
}

// Complete implements llm.Provider. The answer's model is the one that was asked: the API does not say.
func (p *Provider) Complete(ctx context.Context, r llm.Request) (llm.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	input, err := request(r)
	if err != nil {
		return llm.Response{}, p.faults.Said(llm.Invalid, 0, nil, "", err.Error())
	}
	// A client for each call: the streams of one client share their decoder, which is not made for it.
	output, err := bedrockruntime.New(p.options, signed).ConverseStream(ctx, input)
	if err != nil {
		return llm.Response{}, p.fault(ctx, err)
	}
	stream := output.GetStream()
	defer func() { _ = stream.Close() }()
	var answer answer
	for event := range stream.Events() {
		answer.add(event)
	}
	id, _ := awsmiddleware.GetRequestIDMetadata(output.ResultMetadata)
	response := answer.response(r.Model, id)
	if err := p.broken(ctx, stream.Err(), &answer); err != nil {
		return wire.Partial(response), err
	}
	return response, nil
}

// broken is what is wrong with an answer; nil: it is whole.
func (p *Provider) broken(ctx context.Context, err error, a *answer) error {
	switch {
	case err != nil:
		return p.fault(ctx, err)
	case ctx.Err() != nil:
		return p.faults.Broke(ctx.Err())
	case a.stop == "" || !a.counted:
		return p.faults.Cut()
	case a.malformed():
		return p.faults.Odd("the model's output was malformed")
	}
	return nil
}
