// Package server speaks ClickHouse's native TCP protocol for an engine in the same process. Every client connection
// is one session of the engine, so that USE, SET and temporary tables mean what they mean on a real server.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/midwatch/midwatch/deploy/clickhouse/engine"
	"github.com/midwatch/midwatch/internal/auth/strangers"
)

// revision is the newest that clickhouse-go knows: server-side parameters (54459), a flag per column (54454).
const revision = 54460

// acceptPause is how long the server waits when it has no descriptor for a connection, instead of asking without end.
const acceptPause = 50 * time.Millisecond

// Config says what a Server serves and to whom.
type Config struct {
	Open           func() (*engine.Session, error) // a new session of the engine
	User, Password string                          // what a client must present
	MaxSessions    int                             // clients at a time; further ones get an exception
	Timeouts       Timeouts
	Log            *slog.Logger
}

// Server answers clients of one engine.
type Server struct {
	cfg       Config
	hello     proto.ServerHello
	killer    killer
	asker     asker
	strangers strangers.Conns
	sessions  struct{ opened, open atomic.Int64 }
}

// New asks the engine for its version and returns a server that is ready to serve.
func New(cfg Config) (*Server, error) {
	cfg.Timeouts = cfg.Timeouts.Usual()
	k, err := cfg.Open()
	if err != nil {
		return nil, err
	}
	defer k.Close()
	answer, err := k.Text("SELECT version(), timezone()", "TSVRaw")
	if err != nil {
		return nil, fmt.Errorf("ask the engine for its version: %w", err)
	}
	version, zone, _ := strings.Cut(strings.TrimSpace(answer), "\t")
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("ask for this host's name: %w", err)
	}
	s := &Server{cfg: cfg, killer: killer{wake: make(chan struct{}, 1), log: cfg.Log}, asker: asker{wake: make(chan struct{}, 1), log: cfg.Log}}
	s.hello = proto.ServerHello{Name: "ClickHouse", Revision: revision, Timezone: zone, DisplayName: host}
	if _, err := fmt.Sscanf(version, "%d.%d.%d", &s.hello.Major, &s.hello.Minor, &s.hello.Patch); err != nil {
		return nil, fmt.Errorf("read the engine's version %q: %w", version, err)
	}
	return s, nil
}

// Serve accepts connections until ctx ends or the listener fails, closes both, and returns when every session has ended.
// The end of ctx is a clean stop: nil. To be called once.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	k, err := s.cfg.Open()
	if err != nil {
		return err
	}
	a, err := s.cfg.Open()
	if err != nil {
		k.Close()
		return err
	}
	var helping, running sync.WaitGroup
	helping.Go(func() { s.killer.run(k) })
	helping.Go(func() { s.asker.run(a) })
	defer helping.Wait()
	defer close(s.asker.wake)
	defer close(s.killer.wake) // after the last session, whose query it may have to end
	defer running.Wait()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { l.Close() })()
	for {
		c, err := l.Accept()
		if ctx.Err() != nil {
			if c != nil {
				c.Close()
			}
			return nil
		}
		if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ECONNABORTED) {
			s.cfg.Log.Warn("accept a connection", "error", err)
			time.Sleep(acceptPause)
			continue
		}
		if err != nil {
			return fmt.Errorf("accept a connection: %w", err)
		}
		s.strangers.Add(c) // here, so that they are in the order in which they came
		running.Go(func() {
			defer c.Close()
			defer context.AfterFunc(ctx, func() { c.Close() })()
			s.serve(ctx, c)
		})
	}
}

func (s *Server) serve(ctx context.Context, c net.Conn) {
	defer s.strangers.Remove(c)
	x := s.newSession(c, fmt.Sprintf("session-%d", s.sessions.opened.Add(1)))
	defer x.close()
	err := x.run()
	switch {
	case ctx.Err() != nil, errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		s.cfg.Log.Debug("session ended", "peer", c.RemoteAddr(), "error", err)
	default:
		s.cfg.Log.Warn("session ended", "peer", c.RemoteAddr(), "error", err)
	}
}
