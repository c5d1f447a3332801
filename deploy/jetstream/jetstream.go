// Package jetstream is the cluster-local storage between node agents and the exporter: a NATS server with JetStream as a
// library, one encrypted stream on disk, mutual TLS. Any NATS server with the stream of Stream takes its place.
package jetstream

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	startTimeout = 30 * time.Second // recovery reads the whole stream, 1 GiB took 4 s
	stepTimeout  = 10 * time.Second // one request to our own server
)

// Config says where the server listens and what it keeps.
type Config struct {
	Listen   string      // host:port; port 0 takes a free one, see Server.Addr
	Dir      string      // directory of the stream's files; made when missing
	TLS      *tls.Config // must require client certificates
	Key      []byte      // encrypts the files (AES-GCM); changing it makes the files unreadable
	MaxBytes int64       // of the stream, on disk; past it the oldest batches go; 0 is 1 GiB
	Ready    func()      // called once, when clients can publish; may be nil
	Log      *slog.Logger
}

// Server is one NATS server. Make it with New, start it with Run.
type Server struct {
	cfg  Config
	opts *server.Options
	addr chan string // holds the address once it is known
}

// New validates the configuration and starts nothing.
func New(cfg Config) (*Server, error) {
	if cfg.TLS == nil || cfg.TLS.ClientAuth != tls.RequireAndVerifyClientCert {
		return nil, errors.New("jetstream: TLS must require client certificates")
	}
	if len(cfg.Key) < 16 {
		return nil, errors.New("jetstream: the encryption key must have at least 16 bytes")
	}
	if cfg.Dir == "" {
		return nil, errors.New("jetstream: no directory")
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = 1 << 30
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	host, portText, err := net.SplitHostPort(cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("jetstream: listen address %q: %w", cfg.Listen, err)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("jetstream: port %q: %w", portText, err)
	}
	return &Server{cfg: cfg, opts: options(cfg, host, int(port)), addr: make(chan string, 1)}, nil
}

func options(cfg Config, host string, port int) *server.Options {
	if port == 0 {
		port = server.RANDOM_PORT
	}
	return &server.Options{
		ServerName: "midwatch", Host: host, Port: port,
		TLS: true, TLSVerify: true, TLSConfig: cfg.TLS, TLSTimeout: 5,
		JetStream: true, StoreDir: cfg.Dir, SyncAlways: true, // an acknowledged batch survives a power cut
		JetStreamKey: base64.StdEncoding.EncodeToString(cfg.Key), JetStreamCipher: server.AES,
		JetStreamMaxStore: 2 * cfg.MaxBytes, JetStreamMaxMemory: 64 << 20,
		MaxPayload: maxPayload, NoSigs: true, DisableJetStreamBanner: true,
	}
}

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

// Run serves until ctx ends. A clean stop returns nil.
func (s *Server) Run(ctx context.Context) error {
	ns, err := server.NewServer(s.opts)
	if err != nil {
		return fmt.Errorf("configure NATS server: %w", err)
	}
	log := &serverLog{log: s.cfg.Log, fatal: make(chan error, 1)}
	ns.SetLogger(log, false, false)
	started := make(chan struct{})
	go func() { defer close(started); ns.Start() }()
	defer func() { <-started; ns.Shutdown(); ns.WaitForShutdown() }()

	if err := s.waitReady(ctx, ns, log); err != nil {
		return err
	}
	if err := s.ensureStream(ctx, ns); err != nil {
		return err
	}
	if ctx.Err() != nil { // stopped before it listened: there is no address
		return nil
	}
	s.addr <- ns.Addr().String()
	if s.cfg.Ready != nil {
		s.cfg.Ready()
	}
	select {
	case err := <-log.fatal:
		return err
	case <-ctx.Done():
		return nil
	}
}

func (s *Server) waitReady(ctx context.Context, ns *server.Server, log *serverLog) error {
	deadline := time.Now().Add(startTimeout)
	for !ns.ReadyForConnections(100 * time.Millisecond) {
		select {
		case err := <-log.fatal:
			return err
		case <-ctx.Done():
			return nil
		default:
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("start NATS server on %s: not ready after %s", s.cfg.Listen, startTimeout)
		}
	}
	return nil
}

// ensureStream makes the stream, or brings it to the configured limits, over a connection that never leaves the process.
func (s *Server) ensureStream(ctx context.Context, ns *server.Server) error {
	if ctx.Err() != nil {
		return nil
	}
	nc, err := nats.Connect("", nats.InProcessServer(ns))
	if err != nil {
		return fmt.Errorf("connect to own NATS server: %w", err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("open JetStream: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	if _, err := js.CreateOrUpdateStream(ctx, Stream(s.cfg.MaxBytes)); err != nil {
		return fmt.Errorf("make stream (were its files in %s written with another key?): %w", s.cfg.Dir, err)
	}
	return nil
}
