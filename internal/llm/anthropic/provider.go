package anthropic

import (
	"context"
	"net/http"

	sdk "github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"

	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/wire"
)

// Provider is one account at Anthropic.
type Provider struct {
	cfg      llm.ProviderConfig
	messages sdk.MessageService
	faults   wire.Faults
}

var _ llm.Provider = (*Provider)(nil)

// New reads the key and opens nothing. client is nil but in tests, which bring their own transport.
func New(cfg llm.ProviderConfig, client *http.Client) (*Provider, error) {
	cfg, key, err := wire.Account(cfg)
	if err != nil {
		return nil, err
	}
	options := []option.RequestOption{
		option.WithoutEnvironmentDefaults(),
		option.WithEnvironmentProduction(),
		option.WithoutOpenTelemetry(),
		option.WithAPIKey(key),
		option.WithMaxRetries(0),
		option.WithHTTPClient(wire.Client(client)),
	}
	if cfg.BaseURL != "" {
		options = append(options, option.WithBaseURL(cfg.BaseURL))
	}
	// The service alone, without the SDK's client: only the client looks at the environment.
	return &Provider{
		cfg:      cfg,
		messages: sdk.NewMessageService(options...),
		faults:   wire.Faults{Provider: cfg.Name, Secrets: []string{key}},
	}, nil
}

// Complete implements llm.Provider.
func (p *Provider) Complete(ctx context.Context, r llm.Request) (llm.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	var head *http.Response
	stream := p.messages.NewStreaming(ctx, request(r), option.WithResponseInto(&head))
	defer func() { _ = stream.Close() }()
	var answer answer
	for stream.Next() {
		answer.add(stream.Current())
	}
	response := answer.response(wire.Header(head, "Request-Id"))
	if err := p.broken(stream.Err(), head, &answer); err != nil {
		return wire.Partial(response), err
	}
	return response, nil
}

// broken is what is wrong with an answer; nil: it is whole.
func (p *Provider) broken(err error, head *http.Response, a *answer) error {
	if err != nil {
		return p.fault(err)
	}
	if err := p.faults.EventStream(head); err != nil {
		return err
	}
	if !a.ended {
		return p.faults.Cut()
	}
	return nil
}
