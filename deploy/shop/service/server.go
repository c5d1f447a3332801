// Package service is the shop's five services. They are ordinary small programs: JSON over HTTP/1.1, log lines to
// standard error, and no telemetry library.
package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/midwatch/midwatch/deploy/shop/plan"
	"github.com/midwatch/midwatch/deploy/shop/release"
)

// drain is how long open requests may take after a stop was asked for.
const drain = 5 * time.Second

// app is what differs between the services.
type app interface {
	routes(mux *http.ServeMux)
	close()
}

// server is what they share.
type server struct {
	cfg      Config
	stamp    release.Stamp
	log      *slog.Logger
	switches *switchboard
	app      app
}

// Run serves until ctx ends, then lets open requests finish. ready is called once the port is open.
func Run(ctx context.Context, stamp release.Stamp, cfg Config, log *slog.Logger, ready func()) error {
	s := &server{cfg: cfg, stamp: stamp, log: log, switches: &switchboard{file: cfg.Switches}}
	if err := s.build(ctx); err != nil {
		return err
	}
	defer s.app.close()
	listener, err := listen(ctx, cfg.Listen)
	if err != nil {
		return err
	}
	go s.switches.follow(ctx)
	mux := http.NewServeMux()
	s.app.routes(mux)
	h := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute}
	done := make(chan error, 1)
	go func() { done <- h.Serve(listener) }()
	log.Info("serving", "service", stamp.Name, "version", stamp.Version, "address", cfg.Listen)
	ready()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	if err := h.Shutdown(end); err != nil {
		return fmt.Errorf("stop %s: %w", stamp.Name, err)
	}
	log.Info("stopped", "service", stamp.Name, "version", stamp.Version)
	return nil
}

func (s *server) build(ctx context.Context) (err error) {
	switch s.stamp.Role {
	case plan.Gateway:
		s.app, err = newGateway(s)
	case plan.Catalog:
		s.app, err = newCatalog(ctx, s)
	case plan.Cart:
		s.app, err = newCart(s)
	case plan.Checkout:
		s.app, err = newCheckout(ctx, s)
	case plan.Payment:
		s.app, err = newPayment(ctx, s)
	default:
		err = fmt.Errorf("%q is no service of the shop", s.stamp.Role)
	}
	return err
}

// listen shares the port, so that a new version can serve before the old one stops.
func listen(ctx context.Context, address string) (net.Listener, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if e := c.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		}); e != nil {
			return e
		}
		return err
	}}
	return lc.Listen(ctx, "tcp4", address)
}

// failure is an error with the status a client gets for it.
type failure struct {
	status int
	err    error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func fail(status int, err error) error { return &failure{status, err} }

// handle answers with the JSON of what fn returns, or logs its error and answers with its status.
func (s *server) handle(fn func(r *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		on := s.switches.on()
		if on.Pause > 0 {
			pause(r.Context(), on.Pause)
		}
		for i := range on.Remarks {
			s.log.Warn("price list is older than usual, using the stored one", "path", r.URL.Path, "list", i+1)
		}
		out, err := fn(r)
		status := http.StatusOK
		if err != nil {
			status = http.StatusInternalServerError
			var f *failure
			if errors.As(err, &f) {
				status = f.status
			}
			level := slog.LevelInfo
			if status >= 500 {
				level = slog.LevelError
			}
			s.log.Log(r.Context(), level, err.Error(), "method", r.Method, "path", r.URL.Path, "status", status,
				"duration_ms", time.Since(begin).Milliseconds())
			out = map[string]string{"error": err.Error()}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(out) // the client may be gone
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
