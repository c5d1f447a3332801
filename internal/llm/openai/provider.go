package openai

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	sdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/wire"
)

// Provider is one account at OpenAI, or at an endpoint that speaks its API.
type Provider struct {
	cfg         llm.ProviderConfig
	completions sdk.ChatCompletionService
	faults      wire.Faults
	own         bool // the vendor's own API, not a compatible one
}

var _ llm.Provider = (*Provider)(nil)

// New reads the key and opens nothing. client is nil but in tests, which bring their own transport.
func New(cfg llm.ProviderConfig, client *http.Client) (*Provider, error) {
	cfg, key, err := wire.Account(cfg)
	if err != nil {
		return nil, err
	}
	options := []option.RequestOption{
		option.WithEnvironmentProduction(),
		option.WithAPIKey(key),
		option.WithMaxRetries(0),
		option.WithHTTPClient(wire.Client(client)),
	}
	if cfg.BaseURL != "" {
		options = append(options, option.WithBaseURL(cfg.BaseURL))
	}
	// The service alone, without the SDK's client: only the client looks at the environment.
	return &Provider{
		cfg:         cfg,
		completions: sdk.NewChatCompletionService(options...),
		faults:      wire.Faults{Provider: cfg.Name, Secrets: []string{key}},
		own:         vendors(cfg.BaseURL),
	}, nil
}

// vendors tells whether an address is OpenAI's own, or Azure's for it.
func vendors(base string) bool {
	if base == "" {
		return true
	}
	u, err := url.Parse(base)
	if err != nil {
		return false
	}
	host := strings.ToLower(u.Hostname())
	return strings.HasSuffix(host, ".openai.com") || strings.HasSuffix(host, ".openai.azure.com")
}

// Complete implements llm.Provider.
func (p *Provider) Complete(ctx context.Context, r llm.Request) (llm.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	var head *http.Response
	stream := p.completions.NewStreaming(ctx, request(r, p.own), option.WithResponseInto(&head))
	defer func() { _ = stream.Close() }()
	var answer answer
	for stream.Next() {
		answer.add(stream.Current())
	}
	response := answer.response(wire.Header(head, "X-Request-Id"))
	if err := p.broken(ctx, stream.Err(), head, &answer); err != nil {
		return wire.Partial(response), err
	}
	return response, nil
}

// broken is what is wrong with an answer; nil: it is whole.
func (p *Provider) broken(ctx context.Context, err error, head *http.Response, a *answer) error {
	if err != nil {
		return p.fault(ctx, err, head)
	}
	if err := p.faults.EventStream(head); err != nil {
		return err
	}
	if a.stop == "" {
		return p.faults.Cut()
	}
	if !a.counted {
		return p.faults.Odd("the endpoint reported no usage, without which a budget cannot be kept: it must support stream_options.include_usage")
	}
	return nil
}
