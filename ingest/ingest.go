package ingest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/midwatch/midwatch/ingest/compress"
)

// Config says where requests come in and where their rows go.
type Config struct {
	GRPCListen  string      // host:port of OTLP/gRPC; port 0 takes a free one, see Server.Addrs
	HTTPListen  string      // host:port of OTLP/HTTP
	TLS         *tls.Config // must require client certificates or, with Senders, verify those that are given
	Senders     Senders     // whose requests are taken without a certificate; nil: nobody's
	Store       Store
	Environment string // of telemetry that names none; empty is "default"
	MaxWaiting  int64  // bytes of requests being decoded or read, decoded or waiting for the store, and of their rows; past it senders are told to wait; 0 is 256 MiB
	// RuleStates is what became of the alert rules, rules.States as JSON, for whoever asks; nil: nobody is answered.
	RuleStates func(ctx context.Context) ([]byte, error)
	// MaxSeries is how many series of metrics an environment may have a day; 0 is 1,048,576. Past it new ones are rejected.
	MaxSeries   int64
	MemoryLimit int64  // bytes of memory that the runtime tries to stay within, collecting garbage more often near it; 0: what GOMEMLIMIT says
	Ready       func() // called once, when both listen; may be nil
	Log         *slog.Logger
}

// stopTimeout is how long requests that are under way may take once Run is asked to stop.
const stopTimeout = 10 * time.Second

// Server is an ingester. Make it with New, start it with Run.
type Server struct {
	cfg                  Config
	fates                *fates
	batcher              *batcher
	counters             *counters
	inserts              *inserts
	memory               budget
	trees                *semaphore.Weighted
	senders              senders
	receiving, unpacking chan struct{} // a place for each that does
	receiveTimeout       time.Duration
	limit                *seriesLimits
	readers              compress.Readers
	dirty                dirty
	repairs              int // of what is dirty now
	series               *knownSeries
	stacks               *knownSeries
	// stretches is what has to be downsampled.
	stretches stretches
	// inserting is held for writing while what is derived from the rows is repaired.
	inserting sync.RWMutex
	addrs     chan Addrs
}

// Addrs is where a server listens, as host:port.
type Addrs struct{ GRPC, HTTP string }

// New validates the configuration and starts nothing.
func New(cfg Config) (*Server, error) {
	if cfg.TLS == nil || cfg.TLS.ClientAuth != tls.RequireAndVerifyClientCert && (cfg.Senders == nil || cfg.TLS.ClientAuth != tls.VerifyClientCertIfGiven) {
		return nil, errors.New("ingest: TLS must require client certificates or, where there are senders with tokens, verify them")
	}
	if cfg.Store == nil {
		return nil, errors.New("ingest: no store")
	}
	if cfg.GRPCListen == "" || cfg.HTTPListen == "" {
		return nil, errors.New("ingest: GRPCListen and HTTPListen are needed")
	}
	if cfg.Environment == "" {
		cfg.Environment = "default"
	}
	if cfg.MaxWaiting == 0 {
		cfg.MaxWaiting = defaultMaxWaiting
	}
	if cfg.MaxSeries == 0 {
		cfg.MaxSeries = defaultMaxSeries
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		cfg: cfg, fates: newFates(time.Now()), counters: newCounters(), inserts: newInserts(),
		memory: budget{limit: cfg.MaxWaiting}, limit: newSeriesLimits(cfg.MaxSeries), senders: senders{tokens: cfg.Senders, paces: map[string]*pace{}}, addrs: make(chan Addrs, 1),
		trees: semaphore.NewWeighted(maxTrees), receiving: make(chan struct{}, maxReceiving), unpacking: make(chan struct{}, maxUnpacking), receiveTimeout: receiveTimeout,
		series: newKnownSeries(), stacks: newKnownSeries(),
	}
	s.dirty.mark(time.Now().Add(-reconcileStart), time.Now())
	s.batcher = newBatcher(s.insert)
	return s, nil
}

// Addrs waits until the server listens.
func (s *Server) Addrs(ctx context.Context) (Addrs, error) {
	select {
	case a := <-s.addrs:
		s.addrs <- a
		return a, nil
	case <-ctx.Done():
		return Addrs{}, ctx.Err()
	}
}

// Run serves until ctx ends, then lets requests under way finish. A clean stop returns nil.
func (s *Server) Run(ctx context.Context) error {
	var lc net.ListenConfig
	grpcL, err := lc.Listen(ctx, "tcp", s.cfg.GRPCListen)
	if err != nil {
		return fmt.Errorf("listen for OTLP/gRPC: %w", err)
	}
	defer grpcL.Close()
	httpL, err := lc.Listen(ctx, "tcp", s.cfg.HTTPListen)
	if err != nil {
		return fmt.Errorf("listen for OTLP/HTTP: %w", err)
	}
	defer httpL.Close()

	if err := s.limit.remember(ctx, s.cfg.Store, time.Now()); err != nil && ctx.Err() == nil {
		s.cfg.Log.Warn("series that are there may count as new", "error", err)
	}
	if s.cfg.MemoryLimit > 0 {
		defer debug.SetMemoryLimit(debug.SetMemoryLimit(s.cfg.MemoryLimit))
	}
	stopBatcher := s.startBatcher(ctx)
	defer stopBatcher() // after the servers: nobody adds any more
	g, ctx := errgroup.WithContext(ctx)
	s.serveGRPC(ctx, g, grpcL)
	s.serveHTTP(ctx, g, httpL)
	g.Go(func() error { s.reportSelf(ctx); return nil })
	g.Go(func() error { s.reconcile(ctx); return nil })
	g.Go(func() error { s.downsample(ctx); return nil })

	s.addrs <- Addrs{GRPC: grpcL.Addr().String(), HTTP: httpL.Addr().String()}
	if s.cfg.Ready != nil {
		s.cfg.Ready()
	}
	return g.Wait()
}

func (s *Server) startBatcher(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() { defer close(done); s.batcher.run(ctx) }()
	return func() { cancel(); <-done }
}

func (s *Server) serveGRPC(ctx context.Context, g *errgroup.Group, l net.Listener) {
	srv := s.newGRPC()
	g.Go(func() error { return srv.Serve(l) })
	g.Go(func() error {
		<-ctx.Done()
		force := time.AfterFunc(stopTimeout, srv.Stop)
		defer force.Stop()
		srv.GracefulStop()
		return nil
	})
}

func (s *Server) serveHTTP(ctx context.Context, g *errgroup.Group, l net.Listener) {
	srv := s.newHTTP()
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
