package receive

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/midwatch/midwatch/ingest/otlp"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// FuzzFront feeds any headers and bytes to what is done before a body is decoded: whose it is, which message, and what it is compressed with.
func FuzzFront(f *testing.F) {
	f.Add("Bearer mw_a_b", "application/json", "gzip", "", []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 1, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add("bearer  x", "application/x-protobuf;proto=io.prometheus.write.v2.Request", "snappy", "id", []byte{3, 8, 'a', 'b', 'c'})
	f.Add("", "application/x-protobuf", "zstd", strings.Repeat("x", 200), []byte{0x28, 0xb5, 0x2f, 0xfd, 0x20, 3, 0x19, 0, 0, 'a', 'b', 'c'})
	s := notServing(f, 1)
	f.Fuzz(func(t *testing.T, authorization, kind, encoding, id string, body []byte) {
		if from, err := s.senders.who(nil, authorization); err == nil {
			t.Fatalf("%q was let in as %+v", authorization, from)
		}
		r := &http.Request{Header: http.Header{"Content-Type": {kind}, "Content-Encoding": {encoding}}, Body: io.NopCloser(bytes.NewReader(body))}
		_, _ = remoteVersion(r)
		for _, read := range []func(*http.Request, *Sender, *Hold) ([]byte, error){s.readBody, s.readBlock} {
			r.Body = io.NopCloser(bytes.NewReader(body))
			plain, err := read(r, &Sender{}, nil)
			switch {
			case err != nil && !errors.Is(err, otlp.ErrMalformed):
				t.Fatal(err)
			case len(plain) > maxMessage:
				t.Fatalf("%d bytes were read", len(plain))
			}
		}
		q := Request{Request: otlp.Request{Signal: telemetry.Logs, Body: body}, From: &Sender{Token: "t"}, ID: id}
		if err := q.Identify(); err == nil && !strings.HasPrefix(q.ID, "t-") {
			t.Fatalf("request %q is not its sender's", q.ID)
		}
	})
}

// nobody knows no token.
type nobody struct{}

func (nobody) Authenticate(string) (metadata.Token, error) {
	return metadata.Token{}, auth.ErrUnauthenticated
}
