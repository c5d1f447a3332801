package receive

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"github.com/midwatch/midwatch/ingest/compress"
	"github.com/midwatch/midwatch/ingest/otlp"
	"github.com/midwatch/midwatch/internal/auth/strangers"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// Config says whose requests are received and what becomes of them.
type Config struct {
	TLS     *tls.Config // must require client certificates or, with Senders, verify those that are given
	Senders Senders     // whose requests are taken without a certificate; nil: nobody's
	Memory  *Budget     // that requests take from when they come
	// Export stores a request, or says why not: an error that wraps otlp.ErrMalformed, ErrOverload, ErrStore, ErrLeft or is ctx's; of any other its
	// sender is to come back. It releases what the request holds, and counts it.
	Export func(context.Context, Request) (*otlp.Rows, error)
	// Refused is told why a request was answered before it came to Export.
	Refused func(telemetry.Signal, otlp.Reason)
	// RuleStates is what became of the alert rules, rules.States as JSON, for whoever asks; nil: nobody is answered.
	RuleStates func(context.Context) ([]byte, error)
	Log        *slog.Logger // nil: nothing is logged
}

// stopTimeout is how long requests that are under way may take once Run is asked to stop.
const stopTimeout = 10 * time.Second

// Server takes requests. Make it with New, start it with Run.
type Server struct {
	cfg            Config
	senders        senders
	receiving      places
	unpacking      chan struct{} // a place for each that is
	placeTimeout   time.Duration
	receiveTimeout time.Duration
	readers        compress.Readers
}

// New validates the configuration and starts nothing.
func New(cfg Config) (*Server, error) {
	if cfg.TLS == nil || cfg.TLS.ClientAuth != tls.RequireAndVerifyClientCert && (cfg.Senders == nil || cfg.TLS.ClientAuth != tls.VerifyClientCertIfGiven) {
		return nil, errors.New("TLS must require client certificates or, where there are senders with tokens, verify them")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Server{
		cfg: cfg, senders: senders{tokens: cfg.Senders, paces: map[string]*pace{}},
		receiving: newPlaces(), unpacking: make(chan struct{}, maxUnpacking), placeTimeout: placeTimeout, receiveTimeout: receiveTimeout,
	}, nil
}

// Run serves until ctx ends, then lets requests under way finish. A clean stop returns nil.
func (s *Server) Run(ctx context.Context, overGRPC, overHTTP net.Listener) error {
	g, ctx := errgroup.WithContext(ctx)
	s.serveGRPC(ctx, g, strangers.Listen(overGRPC))
	s.serveHTTP(ctx, g, strangers.Listen(overHTTP))
	return g.Wait()
}

func (s *Server) serveGRPC(ctx context.Context, g *errgroup.Group, l *strangers.Listener) {
	srv := s.newGRPC(l)
	g.Go(func() error {
		if err := srv.Serve(l); !errors.Is(err, grpc.ErrServerStopped) { // which it says when it is stopped before it began
			return err
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		force := time.AfterFunc(stopTimeout, srv.Stop)
		defer force.Stop()
		srv.GracefulStop()
		return nil
	})
}

func (s *Server) serveHTTP(ctx context.Context, g *errgroup.Group, l *strangers.Listener) {
	srv := s.newHTTP(l)
	srv.ErrorLog = slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug)
	g.Go(func() error {
		if err := srv.ServeTLS(l, "", ""); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			return srv.Close()
		}
		return nil
	})
}
