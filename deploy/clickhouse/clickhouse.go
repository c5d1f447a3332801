// Package clickhouse is the embedded ClickHouse: the engine as a library (libchdb), its data on an encrypted disk,
// behind ClickHouse's own native protocol over mutual TLS. Clients use clickhouse-go and cannot tell it from a server
// elsewhere, except that async_insert is ignored (every insert is a part: batch) and there is no query_log.
package clickhouse

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/midwatch/midwatch/deploy/clickhouse/engine"
	"github.com/midwatch/midwatch/deploy/clickhouse/server"
)

// ErrNoLibrary means that libchdb is missing or unusable; the text says how to get it.
var ErrNoLibrary = engine.ErrNoLibrary

// Server owns a data directory and serves it. A process can run one at a time.
type Server struct {
	cfg Config

	listening struct {
		sync.Mutex
		addr net.Addr // nil until Run listens
	}
}

// New checks the configuration. It starts nothing and touches no file.
func New(cfg Config) (*Server, error) {
	cfg, err := cfg.normal()
	if err != nil {
		return nil, err
	}
	return &Server{cfg: cfg}, nil
}

// Addr is where the server listens, nil before Config.Ready was called. It says which port 0 became.
func (s *Server) Addr() net.Addr {
	s.listening.Lock()
	defer s.listening.Unlock()
	return s.listening.addr
}

// Run serves until ctx ends, then ends the queries and sessions and closes the data directory. A clean stop returns
// nil. It returns ErrNoLibrary, ErrInUse or ErrKey if it may not begin.
func (s *Server) Run(ctx context.Context) (err error) {
	owner, err := lock(s.cfg.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, owner.Close()) }()
	if err := checkKey(s.cfg.Dir, s.cfg.Key); err != nil {
		return err
	}
	lib, err := engine.Load(s.cfg.Library)
	if err != nil {
		return err
	}
	base, err := s.start(lib)
	if err != nil {
		return fmt.Errorf("start ClickHouse in %s: %w", s.cfg.Dir, err)
	}
	defer base.Close()
	defer s.keepBallast(ctx)()
	front, err := server.New(server.Config{
		Open: func() (*engine.Session, error) { return lib.Open("--path=" + s.cfg.Dir) },
		User: s.cfg.User, Password: s.cfg.Password, MaxSessions: s.cfg.MaxSessions, Timeouts: s.cfg.Timeouts, Log: s.cfg.Log,
	})
	if err != nil {
		return fmt.Errorf("start ClickHouse in %s: %w", s.cfg.Dir, err)
	}
	listener := net.ListenConfig{Control: givingUpAfter(s.cfg.Timeouts.Send)}
	l, err := listener.Listen(ctx, "tcp", s.cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen for ClickHouse's clients: %w", err)
	}
	s.listening.Lock()
	s.listening.addr = l.Addr()
	s.listening.Unlock()
	if s.cfg.Ready != nil {
		s.cfg.Ready()
	}
	return front.Serve(ctx, tls.NewListener(l, s.cfg.TLS))
}

// keepBallast keeps the ballast until stop is called.
func (s *Server) keepBallast(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var keeping sync.WaitGroup
	keeping.Go(func() { newBallast(s.cfg.Dir, s.cfg.Log).run(ctx) })
	return func() { cancel(); keeping.Wait() }
}

// start opens the engine's first session, which gives the engine its configuration and keeps it up.
func (s *Server) start(lib *engine.Library) (*engine.Session, error) {
	if err := clearTemporary(s.cfg.Dir); err != nil {
		return nil, err
	}
	f, path, err := configFile(s.cfg.MemoryLimit, s.cfg.Key)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return lib.Open("--path="+s.cfg.Dir, "--config-file="+path)
}
