package client

import (
	"context"
	"net/http"

	"github.com/midwatch/midwatch/api/wire"
)

// Whoami says whose token this is.
func (c *Client) Whoami(ctx context.Context) (wire.Whoami, error) {
	return get[wire.Whoami](ctx, c, at("whoami"), nil)
}

// Tokens lists the tokens.
func (c *Client) Tokens(ctx context.Context) (wire.TokenList, error) {
	return get[wire.TokenList](ctx, c, at("tokens"), nil)
}

// CreateToken makes a token; its text is in the answer and nowhere else.
func (c *Client) CreateToken(ctx context.Context, t wire.NewToken) (wire.CreatedToken, error) {
	return put[wire.CreatedToken](ctx, c, http.MethodPost, at("tokens"), t)
}

// RevokeToken revokes a token by id.
func (c *Client) RevokeToken(ctx context.Context, id string) error {
	return c.Do(ctx, http.MethodDelete, at("tokens/%s", id), nil, nil)
}

// Rules returns the alert rules that people wrote, as they were evaluated last.
func (c *Client) Rules(ctx context.Context) (wire.AlertRules, error) {
	return get[wire.AlertRules](ctx, c, at("rules"), nil)
}

// Settings returns the settings.
func (c *Client) Settings(ctx context.Context) (wire.Settings, error) {
	return get[wire.Settings](ctx, c, at("settings"), nil)
}

// PutSettings changes the settings that are not 0, and returns what all are then.
func (c *Client) PutSettings(ctx context.Context, s wire.PutSettings) (wire.Settings, error) {
	return put[wire.Settings](ctx, c, http.MethodPut, at("settings"), s)
}

// Audit returns the newest entries of the audit log.
func (c *Client) Audit(ctx context.Context) (wire.AuditLog, error) {
	return get[wire.AuditLog](ctx, c, at("audit"), nil)
}
