package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

const (
	pageSize    = 500
	maxPageTime = 2 * time.Minute
	oneTimeout  = 20 * time.Second
	userAgent   = "midwatch-exporter"
)

// Client asks one API server. Safe for concurrent use.
type Client struct {
	http *http.Client
	base *url.URL
	skew atomic.Int64 // nanoseconds the server's clock is ahead of ours
}

// New returns a client for a cluster; it does not connect yet.
func New(conf *rest.Config) (*Client, error) {
	conf = rest.CopyConfig(conf)
	conf.UserAgent = userAgent
	conf.Timeout = 0 // watches last; what is short has a deadline of its own
	hc, err := rest.HTTPClientFor(conf)
	if err != nil {
		return nil, fmt.Errorf("use the Kubernetes credentials: %w", err)
	}
	if conf.GroupVersion == nil { // DefaultServerUrlFor insists on one
		conf.GroupVersion = &schema.GroupVersion{}
	}
	base, _, err := rest.DefaultServerUrlFor(conf)
	if err != nil {
		return nil, fmt.Errorf("address of the Kubernetes API: %w", err)
	}
	return &Client{http: hc, base: base}, nil
}

// Skew is how far the API server's clock is ahead of ours, as its last answer said; times it wrote into objects are off by as much.
func (c *Client) Skew() time.Duration { return time.Duration(c.skew.Load()) }

// get asks for path; the caller closes the body of a good answer.
func (c *Client) get(ctx context.Context, path string, params url.Values, metadata bool) (*http.Response, error) {
	u := c.base.JoinPath(path)
	u.RawQuery = params.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("ask the Kubernetes API: %w", err)
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Accept", "application/json")
	if metadata {
		req.Header.Set("Accept", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1")
		if params.Has("watch") {
			req.Header.Set("Accept", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1")
		}
	}
	sent := time.Now()
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the Kubernetes API: %w", err)
	}
	c.noteClock(resp.Header.Get("Date"), sent)
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		return nil, status(resp.StatusCode, resp.Header, resp.Body)
	}
	return resp, nil
}

// noteClock compares the server's clock, which it tells in whole seconds, with ours. Less than two seconds may be the way.
func (c *Client) noteClock(date string, sent time.Time) {
	at, err := http.ParseTime(date)
	if err != nil {
		return
	}
	middle := sent.Add(time.Since(sent) / 2)
	skew := at.Add(500 * time.Millisecond).Sub(middle)
	if skew.Abs() < 2*time.Second {
		skew = 0
	}
	c.skew.Store(int64(skew))
}

// one decodes a small answer.
func (c *Client) one(ctx context.Context, path string, params url.Values, into any) error {
	ctx, cancel := context.WithTimeout(ctx, oneTimeout)
	defer cancel()
	resp, err := c.get(ctx, path, params, false)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		return fmt.Errorf("read the Kubernetes API's answer to %s: %w", path, err)
	}
	return nil
}

// ClusterUID is the uid of the namespace kube-system, by which clusters of one name are told apart.
func (c *Client) ClusterUID(ctx context.Context) (string, error) {
	var ns struct {
		Metadata struct {
			UID string `json:"uid"`
		} `json:"metadata"`
	}
	err := c.one(ctx, "/api/v1/namespaces/kube-system", nil, &ns)
	return ns.Metadata.UID, err
}

// Served says whether a resource can be listed and watched. The error is ErrNotServed if not.
func (c *Client) Served(ctx context.Context, r Resource) error {
	path, err := r.path()
	if err != nil {
		return err
	}
	var list struct {
		Resources []struct {
			Name  string   `json:"name"`
			Verbs []string `json:"verbs"`
		} `json:"resources"`
	}
	if err := c.one(ctx, path, nil, &list); err != nil {
		return err
	}
	for _, x := range list.Resources {
		if x.Name == r.Name {
			return nil
		}
	}
	return fmt.Errorf("%s in %s: %w", r.Name, r.APIVersion(), ErrNotServed)
}
