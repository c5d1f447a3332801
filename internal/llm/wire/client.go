package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// maxAnswer bounds an answer on the wire. 128k tokens of output are about 1 MB of text and 10 MB of stream events.
const maxAnswer = 32 << 20

var (
	// ErrRedirect means that the provider wanted the call repeated elsewhere.
	ErrRedirect = errors.New("the provider redirects to another address; set base_url to the final one")
	// ErrTooLarge means that an answer did not end within 32 MB.
	ErrTooLarge = errors.New("the answer is larger than 32 MB")
)

// Client returns the client of one provider. base is for tests that need their own transport; nil is the real one.
func Client(base *http.Client) *http.Client {
	transport := http.RoundTripper(transport())
	if base != nil && base.Transport != nil {
		transport = base.Transport
	}
	return &http.Client{
		Transport:     bounded{transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return ErrRedirect },
	}
}

func transport() *http.Transport {
	plain := new(http.Protocols)
	plain.SetHTTP1(true)
	return &http.Transport{
		Proxy:             nil, // see the package comment
		DialContext:       dial,
		DialTLSContext:    dialTLS,
		Protocols:         plain, // cancelling a call closes its connection, not only a stream on it
		DisableKeepAlives: true,
	}
}

// bounded bounds the bodies of answers, as they are after decompression, owns the bodies of requests, and leaves out what
// the SDKs tell about this machine.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	// The AWS SDK closes a request's body when headers come. Should the transport not have looked for its end by then,
	// it takes that for a failure and closes the connection. It gets a body of its own, which nobody closes.
	body, err := read(r)
	if err != nil {
		return nil, err
	}
	own := r.Clone(context.WithValue(r.Context(), call{}, r.Context()))
	own.Body = body
	own.Header.Set("User-Agent", "midwatch") // not part of AWS's signature
	for name := range own.Header {
		if strings.HasPrefix(name, "X-Stainless-") {
			own.Header.Del(name)
		}
	}
	answer, err := b.next.RoundTrip(own)
	if err != nil {
		return nil, err
	}
	answer.Body = &limitedBody{ReadCloser: answer.Body, left: maxAnswer}
	return answer, nil
}

func read(r *http.Request) (io.ReadCloser, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return r.Body, nil
	}
	defer r.Body.Close()
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	return io.NopCloser(bytes.NewReader(raw)), nil
}

type limitedBody struct {
	io.ReadCloser
	left int
}

func (b *limitedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, ErrTooLarge
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
