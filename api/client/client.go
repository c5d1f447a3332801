// Package client is the Go client of Midwatch's HTTP API, for the CLI and for tests.
package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 64 << 20

// Error is an answer that is not a success.
type Error struct {
	Status int    `json:"status"` // HTTP status
	Title  string `json:"title"`
	Detail string `json:"detail"`
	// Problems say what is wrong with which part of the request.
	Problems []struct {
		Message  string `json:"message"`
		Location string `json:"location"`
	} `json:"errors"`
}

func (e *Error) Error() string {
	text := e.Title
	if e.Detail != "" {
		text = e.Detail
	}
	for _, p := range e.Problems {
		text += "; " + strings.TrimPrefix(p.Location+": ", ": ") + p.Message
	}
	return fmt.Sprintf("%s (%d)", text, e.Status)
}

// Is makes errors.Is work with the sentinels below.
func (e *Error) Is(target error) bool {
	switch e.Status {
	case http.StatusUnauthorized:
		return target == ErrUnauthenticated
	case http.StatusForbidden:
		return target == ErrForbidden
	case http.StatusNotFound:
		return target == ErrNotFound
	case http.StatusConflict:
		return target == ErrConflict
	}
	return false
}

// What callers branch on.
var (
	ErrUnauthenticated = errors.New("the token is missing, wrong or expired")
	ErrForbidden       = errors.New("the token's role is too small")
	ErrNotFound        = errors.New("not found")
	ErrConflict        = errors.New("conflict")
)

// Client talks to one api. Safe for concurrent use.
type Client struct {
	base  string
	token string
	http  *http.Client
}

// New returns a client of the api at base ("https://127.0.0.1:18420"), which is trusted as conf says; see pki.Trust.
func New(base string, conf *tls.Config, token string) *Client {
	return &Client{
		base: strings.TrimSuffix(base, "/"), token: token,
		http: &http.Client{Transport: &http.Transport{
			TLSClientConfig: conf, ForceAttemptHTTP2: true, ResponseHeaderTimeout: time.Minute, IdleConnTimeout: time.Minute,
		}},
	}
}

// Do sends a request with a JSON body, if any, and decodes the answer into out, if any. It returns an *Error for any
// answer that is not a success.
func (c *Client) Do(ctx context.Context, method, path string, in, out any) error {
	res, err := c.send(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(out); err != nil {
		return fmt.Errorf("read answer of %s %s: %w", method, path, err)
	}
	return nil
}

// send returns a successful answer, whose body the caller closes.
func (c *Client) send(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("reach the api (is `midwatch up` running?): %w", err)
	}
	if res.StatusCode/100 == 2 {
		return res, nil
	}
	defer res.Body.Close()
	problem := &Error{Status: res.StatusCode, Title: http.StatusText(res.StatusCode)}
	_ = json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(problem) // without a body the status says enough
	problem.Status = res.StatusCode
	if problem.Detail == "" {
		problem.Detail = advice(res.StatusCode, path)
	}
	return nil, problem
}

// advice is what to do about an answer that only has a status.
func advice(status int, path string) string {
	switch status {
	case http.StatusNotFound:
		return missing(path)
	case http.StatusUnauthorized:
		return "the token is unknown, revoked or expired: `midwatch token create` makes one"
	}
	return ""
}

// kinds are what paths name: the word before an id, what it is called, and how one learns the ids.
var kinds = map[string]struct{ name, list string }{
	"investigations": {"investigation", "`midwatch investigations list` shows them"},
	"incidents":      {"incident", "the web UI lists them, and `midwatch investigations list` their investigations"},
	"fixes":          {"fix", "`midwatch investigations show ID` shows those of an investigation"},
	"evidence":       {"evidence", "`midwatch investigations show ID` shows that of an investigation"},
	"questions":      {"question", "`midwatch investigations show ID` shows those about an investigation"},
	"services":       {"service", "the web UI lists those that were seen"},
	"tokens":         {"token", "`midwatch token list` shows them"},
	"ledger":         {"entry of the ledger", "`midwatch ai ledger` shows them"},
	"environments":   {"environment", "`environment` in the configuration names the one that there is"},
	"tools":          {"tool", "docs/analyst.md lists them"},
}

// missing says what there is not at a path, in words.
func missing(path string) string {
	path, _, _ = strings.Cut(strings.TrimPrefix(path, "/api/v1/"), "?")
	parts := strings.Split(path, "/")
	for i := len(parts) - 2; i >= 0; i-- {
		kind, known := kinds[parts[i]]
		if id, err := url.PathUnescape(parts[i+1]); known && err == nil {
			return fmt.Sprintf("there is no %s %q; %s", kind.name, id, kind.list)
		}
	}
	return "this api does not know what was asked for; is it of the same version as this program?"
}

// get decodes the answer to a GET.
func get[T any](ctx context.Context, c *Client, path string, query url.Values) (out T, err error) {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return out, c.Do(ctx, http.MethodGet, path, nil, &out)
}

// put sends in by another method and decodes the answer.
func put[T any](ctx context.Context, c *Client, method, path string, in any) (out T, err error) {
	return out, c.Do(ctx, method, path, in, &out)
}

// at builds a path of fixed words and one escaped name at each "%s".
func at(format string, names ...string) string {
	escaped := make([]any, len(names))
	for i, n := range names {
		escaped[i] = url.PathEscape(n)
	}
	return fmt.Sprintf("/api/v1/"+format, escaped...)
}
