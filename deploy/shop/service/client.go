package service

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/midwatch/midwatch/deploy/shop/plan"
)

// maxBody bounds what one service reads from another.
const maxBody = 1 << 20

// client calls the other services, over connections that stay open.
type client struct {
	http      *http.Client
	upstreams map[plan.Role]string
}

func newClient(cfg Config, roles ...plan.Role) (*client, error) {
	for _, role := range roles {
		if cfg.Upstreams[role] == "" {
			return nil, fmt.Errorf("configuration has no upstream %q", role)
		}
	}
	t := &http.Transport{MaxIdleConnsPerHost: 32, MaxConnsPerHost: 64}
	return &client{http: &http.Client{Transport: t, Timeout: cfg.Timeout}, upstreams: cfg.Upstreams}, nil
}

func (c *client) close() { c.http.CloseIdleConnections() }

// call sends one request and decodes the answer into out, which may be nil. An upstream that cannot be reached, or
// that answers 5xx, becomes 502; other statuses from 400 are passed on.
func (c *client) call(ctx context.Context, role plan.Role, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.upstreams[role]+path, body)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fail(http.StatusBadGateway, err)
	}
	defer resp.Body.Close() //nolint:errcheck // read only
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	switch {
	case err != nil:
		return fail(http.StatusBadGateway, fmt.Errorf("%s %s: %w", method, req.URL, err))
	case resp.StatusCode >= 500:
		return fail(http.StatusBadGateway, fmt.Errorf("%s %s: upstream answered %d", method, req.URL, resp.StatusCode))
	case resp.StatusCode >= 400:
		return fail(resp.StatusCode, fmt.Errorf("%s %s: upstream answered %d", method, req.URL, resp.StatusCode))
	case out == nil:
		return nil
	}
	return json.Unmarshal(answer, out)
}
