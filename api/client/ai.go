package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/llm"
)

// AI says what models may do and see in an environment.
func (c *Client) AI(ctx context.Context, environment string) (wire.AI, error) {
	return get[wire.AI](ctx, c, at("environments/%s/ai", environment), nil)
}

// PutAI changes that. What p leaves out stays as it is.
func (c *Client) PutAI(ctx context.Context, environment string, p wire.PutAI) (wire.AI, error) {
	return put[wire.AI](ctx, c, http.MethodPut, at("environments/%s/ai", environment), p)
}

// Providers lists the configured model providers.
func (c *Client) Providers(ctx context.Context) (wire.ProviderList, error) {
	return get[wire.ProviderList](ctx, c, at("ai/providers"), nil)
}

// Ledger lists calls to models, newest first, without what was sent and received. The names of query are those of the
// route: investigation, provider, environment, state, from, to, cursor, limit.
func (c *Client) Ledger(ctx context.Context, query url.Values) (wire.Ledger, error) {
	return get[wire.Ledger](ctx, c, at("ledger"), query)
}

// LedgerEntry returns one call with all that was sent and received. Reading it is audited.
func (c *Client) LedgerEntry(ctx context.Context, id string) (llm.Entry, error) {
	return get[llm.Entry](ctx, c, at("ledger/%s", id), nil)
}

// Cancel ends an investigation that runs, or returns ErrConflict.
func (c *Client) Cancel(ctx context.Context, id string) (wire.Cancelled, error) {
	return put[wire.Cancelled](ctx, c, http.MethodPost, at("investigations/%s/cancel", id), nil)
}
