package github

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/midwatch/midwatch/internal/code"
)

const (
	maxAnswer    = 32 << 20 // bytes, unpacked; the largest tree that GitHub lists is about 20 MB
	maxHeaders   = 64 << 10
	maxRedirects = 3 // a repository that was renamed
	callTimeout  = 30 * time.Second
)

// httpClient signs in with a credential, at one host only.
func httpClient(api *url.URL, c credential) *http.Client {
	return &http.Client{
		Timeout: callTimeout,
		Transport: &transport{api: api, credential: c, next: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2:      true,
			ResponseHeaderTimeout:  callTimeout,
			MaxResponseHeaderBytes: maxHeaders,
			MaxConnsPerHost:        8,
			IdleConnTimeout:        time.Minute,
		}},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return fmt.Errorf("%w: more than %d redirects", code.ErrUnsafe, maxRedirects)
			}
			if via[0].Method != http.MethodGet || r.Method != http.MethodGet { // some redirects turn POST into GET
				return fmt.Errorf("%w: a redirect of something that is to be written", code.ErrUnsafe)
			}
			return sameHost(api, r.URL)
		},
	}
}

func sameHost(api, u *url.URL) error {
	if u.Scheme != api.Scheme || u.Host != api.Host {
		return fmt.Errorf("%w: a redirect from %s to another host", code.ErrUnsafe, api.Host)
	}
	return nil
}

// transport adds the token, at our host only, and bounds the answer.
type transport struct {
	api        *url.URL
	credential credential
	next       http.RoundTripper
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := sameHost(t.api, r.URL); err != nil {
		return nil, err
	}
	token, err := t.credential.token(r.Context())
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusUnauthorized {
		t.credential.forget()
	}
	resp.Body = &bounded{ReadCloser: resp.Body, left: maxAnswer}
	return resp, nil
}

// bounded ends an answer that is too long with an error, not with an end that looks like one.
type bounded struct {
	io.ReadCloser
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		var one [1]byte
		n, err := b.ReadCloser.Read(one[:])
		if n == 0 && errors.Is(err, io.EOF) {
			return 0, io.EOF
		}
		return 0, fmt.Errorf("%w: an answer of more than %d bytes", code.ErrTooLarge, maxAnswer)
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
