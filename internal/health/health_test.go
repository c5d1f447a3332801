package health_test

import (
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/midwatch/midwatch/internal/health"
)

func TestProbes(t *testing.T) {
	s, err := health.New("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	addr, err := s.Addr(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ask := func(path string, want int) {
		t.Helper()
		resp, err := http.Get("http://" + addr + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != want || want != http.StatusNotFound && len(body) > 0 {
			t.Errorf("%s: %s %q, %v, want %d", path, resp.Status, body, err, want)
		}
	}
	ask("/live", http.StatusOK)
	ask("/ready", http.StatusServiceUnavailable)
	s.Ready()
	ask("/ready", http.StatusOK)
	ask("/metrics", http.StatusNotFound)
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestNewRefusesWhatIsNoAddress(t *testing.T) {
	if _, err := health.New("8081"); err == nil {
		t.Error("want an error")
	}
}
