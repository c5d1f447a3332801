package receive

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/midwatch/midwatch/internal/auth/strangers"
)

// TestStrangersDoNotCollect opens connections that say nothing: the oldest of them go, and nobody who has sent something.
func TestStrangersDoNotCollect(t *testing.T) {
	s := serving(t)
	dial := func(address string) net.Conn {
		c, err := net.Dial("tcp", address) //nolint:noctx // closed with the test
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	web := http.Client{Transport: &http.Transport{TLSClientConfig: s.tls, DialContext: s.dial}}
	overHTTP := func() {
		t.Helper()
		answer, err := web.Post("https://"+s.http+"/v1/logs", typeProto, bytes.NewReader(nil)) //nolint:noctx // ends with the server
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Fatal(answer.Status)
		}
	}
	overGRPC := func() {
		t.Helper()
		var answer []byte
		if err := s.conn.Invoke(t.Context(), "/opentelemetry.proto.collector.logs.v1.LogsService/Export", []byte{}, &answer, grpc.ForceCodec(anything{})); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		address string
		send    func()
	}{"gRPC": {s.over, overGRPC}, "HTTP": {s.http, overHTTP}} {
		before := dial(c.address)
		c.send()
		for range strangers.Max {
			dial(c.address)
		}
		_ = before.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := before.Read(make([]byte, 1)); err == nil || isTimeout(err) {
			t.Errorf("%s: the oldest of %d strangers is still there: %v", name, strangers.Max+1, err)
		}
		was := s.dials.Load()
		c.send()
		if s.dials.Load() != was {
			t.Errorf("%s: who is known had to connect again", name)
		}
	}
}

func isTimeout(err error) bool {
	e, ok := err.(net.Error) //nolint:errorlint // of the connection itself
	return ok && e.Timeout()
}
