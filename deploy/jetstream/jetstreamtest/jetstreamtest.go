// Package jetstreamtest runs the real JetStream server for tests.
package jetstreamtest

import (
	"context"
	"testing"
	"time"

	"github.com/midwatch/midwatch/deploy/jetstream"
	"github.com/midwatch/midwatch/internal/auth/pki"
)

// Server is a JetStream server with its files and certificates under Dir.
type Server struct {
	URL  string // tls://127.0.0.1:port, the same after Restart
	PKI  string // directory of the certificates of every part
	t    testing.TB
	cfg  jetstream.Config
	stop func()
}

// Start runs a server until the test ends. Its PKI directory serves for the other parts, too.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, PKI: t.TempDir()}
	if err := pki.Ensure(s.PKI); err != nil {
		t.Fatal(err)
	}
	s.cfg = jetstream.Config{
		Listen: "127.0.0.1:0", Dir: t.TempDir(), Key: []byte("0123456789abcdef0123456789abcdef"),
		TLS: s.Identity(pki.JetStream).Server(), MaxBytes: 64 << 20,
	}
	s.Up()
	t.Cleanup(s.Down)
	return s
}

// Identity is a part's certificate under PKI.
func (s *Server) Identity(part string) *pki.Identity {
	s.t.Helper()
	id, err := pki.Load(s.PKI, part)
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

// Up starts the server after Down, on the same address with the same files.
func (s *Server) Up() {
	s.t.Helper()
	ready := make(chan struct{})
	s.cfg.Ready = func() { close(ready) }
	srv, err := jetstream.New(s.cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Run(ctx) }()
	select {
	case <-ready:
	case err := <-done:
		s.t.Fatalf("JetStream ended: %v", err)
	case <-time.After(20 * time.Second):
		s.t.Fatal("JetStream is not ready after 20 s")
	}
	addr, err := srv.Addr(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	s.cfg.Listen, s.URL = addr, "tls://"+addr
	s.stop = func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("JetStream: %v", err)
		}
	}
}

// Down stops the server and keeps its files.
func (s *Server) Down() {
	if s.stop != nil {
		s.stop()
		s.stop = nil
	}
}
