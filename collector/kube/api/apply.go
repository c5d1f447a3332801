package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
)

// ApplyStatus makes the status of an object what o says, in the name of a field manager (server-side apply): what o leaves out and others
// wrote stays. With the object's uid in o, another object of the name is a conflict. It is the one thing that this package changes.
func (c *Client) ApplyStatus(ctx context.Context, r Resource, namespace, name, manager string, o any) error {
	path, err := r.path()
	if err != nil {
		return err
	}
	body, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("write a status: %w", err)
	}
	if namespace != "" {
		path += "/namespaces/" + namespace
	}
	ctx, cancel := context.WithTimeout(ctx, oneTimeout)
	defer cancel()
	u := c.base.JoinPath(path, r.Name, name, "status")
	u.RawQuery = url.Values{"fieldManager": {manager}, "force": {"true"}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPatch, u.String(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("ask the Kubernetes API: %w", err)
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Content-Type", "application/apply-patch+yaml") // of which JSON is a part
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("ask the Kubernetes API: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return status(resp.StatusCode, resp.Header, resp.Body)
	}
	return nil
}
