// Package health tells whatever runs a part (Kubernetes' kubelet) whether it lives and serves: GET /live and GET /ready, in clear text
// because a kubelet has no certificate, and for the same reason without a word beyond yes and no.
package health

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Server answers probes. Make it with New.
type Server struct {
	listen string
	ready  atomic.Bool
	addr   chan string // holds the address once it is known
}

// New starts nothing. listen is host:port; port 0 takes a free one, see Addr.
func New(listen string) (*Server, error) {
	if _, _, err := net.SplitHostPort(listen); err != nil {
		return nil, fmt.Errorf("health: listen address: %w", err)
	}
	return &Server{listen: listen, addr: make(chan string, 1)}, nil
}

// Ready says that the part serves from now on.
func (s *Server) Ready() { s.ready.Store(true) }

// Addr waits until the server listens and returns host:port.
func (s *Server) Addr(ctx context.Context) (string, error) {
	select {
	case a := <-s.addr:
		s.addr <- a
		return a, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// Run answers until ctx ends. A clean stop returns nil.
func (s *Server) Run(ctx context.Context) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.listen)
	if err != nil {
		return fmt.Errorf("listen for health probes: %w", err)
	}
	s.addr <- l.Addr().String()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /live", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, _ *http.Request) {
		if !s.ready.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	server := &http.Server{Handler: mux, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 4 << 10}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("answer health probes: %w", err)
	}
	return nil
}
