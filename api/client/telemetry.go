package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/midwatch/midwatch/api/wire"
)

// Range says when: From inclusive, To exclusive; zero means the last 15 minutes.
type Range struct {
	From, To time.Time
}

func (r Range) query() url.Values {
	q := url.Values{}
	if !r.From.IsZero() {
		q.Set("from", r.From.UTC().Format(time.RFC3339Nano))
	}
	if !r.To.IsZero() {
		q.Set("to", r.To.UTC().Format(time.RFC3339Nano))
	}
	return q
}

// Services lists the services seen.
func (c *Client) Services(ctx context.Context, r Range) (wire.ServiceList, error) {
	return get[wire.ServiceList](ctx, c, at("services"), r.query())
}

// Service returns one service.
func (c *Client) Service(ctx context.Context, name string, r Range) (wire.ServiceDetail, error) {
	return get[wire.ServiceDetail](ctx, c, at("services/%s", name), r.query())
}

// Edges returns who calls whom.
func (c *Client) Edges(ctx context.Context, r Range) (wire.EdgeList, error) {
	return get[wire.EdgeList](ctx, c, at("edges"), r.query())
}

// Changes returns what changed, of one service or, with "", of all.
func (c *Client) Changes(ctx context.Context, service string, r Range) (wire.ChangeList, error) {
	q := r.query()
	if service != "" {
		q.Set("service", service)
	}
	return get[wire.ChangeList](ctx, c, at("changes"), q)
}

// Tools lists the tools.
func (c *Client) Tools(ctx context.Context) (wire.ToolList, error) {
	return get[wire.ToolList](ctx, c, at("tools"), nil)
}

// RunTool runs a tool. The answer's Data is what encoding/json makes of the tool's own shape.
func (c *Client) RunTool(ctx context.Context, name string, arguments json.RawMessage) (wire.ToolResult, error) {
	return put[wire.ToolResult](ctx, c, http.MethodPost, at("tools/%s", name), arguments)
}
