package ingest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/midwatch/midwatch/ingest/otlp"
	"github.com/midwatch/midwatch/ingest/receive"
)

// Config says where requests come in and where their rows go.
type Config struct {
	GRPCListen  string          // host:port of OTLP/gRPC; port 0 takes a free one, see Server.Addrs
	HTTPListen  string          // host:port of OTLP/HTTP
	TLS         *tls.Config     // must require client certificates or, with Senders, verify those that are given
	Senders     receive.Senders // whose requests are taken without a certificate; nil: nobody's
	Store       Store
	Environment string // of telemetry that names none; empty is "default"
	MaxWaiting  int64  // bytes of requests being decoded or read, decoded or waiting for the store, and of their rows; past it senders are told to wait; 0 is 144 MiB
	// RuleStates is what became of the alert rules, rules.States as JSON, for whoever asks; nil: nobody is answered.
	RuleStates func(ctx context.Context) ([]byte, error)
	// Kept is for how long rows of a signal are, as store.Ages says, asked before what is missing is made again; nil: for ever.
	Kept func(ctx context.Context, signal string) (time.Duration, error)
	// MaxSeries is how many series of metrics an environment may have a day; 0 is 1,048,576. Past it new ones are rejected.
	MaxSeries   int64
	MemoryLimit int64  // bytes of memory that the runtime tries to stay within, collecting garbage more often near it; 0: what GOMEMLIMIT says
	Ready       func() // called once, when both listen; may be nil
	Log         *slog.Logger
}

const defaultMaxWaiting = 144 << 20

// Server is an ingester. Make it with New, start it with Run.
type Server struct {
	cfg            Config
	receiver       *receive.Server
	fates          *fates
	batcher        *batcher
	counters       *counters
	inserts        *inserts
	suspects       suspects
	memory         *receive.Budget
	trees          *semaphore.Weighted
	limit          *seriesLimits
	dirty          dirty
	repairs        int      // of what is dirty now
	secret         [16]byte // of the ids of series and stacks, from Run on
	series, stacks *otlp.Known
	// stretches is what has to be downsampled.
	stretches stretches
	// inserting is held by each insert, and as a whole while what is derived from the rows is repaired. Who asks first gets it first.
	inserting *semaphore.Weighted
	addrs     chan Addrs
}

// Addrs is where a server listens, as host:port.
type Addrs struct{ GRPC, HTTP string }

// New validates the configuration and starts nothing.
func New(cfg Config) (*Server, error) {
	if cfg.Store == nil {
		return nil, errors.New("ingest: no store")
	}
	if cfg.GRPCListen == "" || cfg.HTTPListen == "" {
		return nil, errors.New("ingest: GRPCListen and HTTPListen are needed")
	}
	if cfg.MaxWaiting < 0 || cfg.MaxSeries < 0 {
		return nil, fmt.Errorf("ingest: MaxWaiting %d, MaxSeries %d: want none, or more than 0", cfg.MaxWaiting, cfg.MaxSeries)
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
		cfg: cfg, fates: newFates(time.Now()), counters: newCounters(), inserts: newInserts(), memory: receive.NewBudget(cfg.MaxWaiting),
		trees: semaphore.NewWeighted(maxTrees), inserting: semaphore.NewWeighted(allInserts), limit: newSeriesLimits(cfg.MaxSeries), series: otlp.NewKnown(maxKnownSeries), stacks: otlp.NewKnown(maxKnownStacks), addrs: make(chan Addrs, 1),
	}
	var err error
	s.receiver, err = receive.New(receive.Config{
		TLS: cfg.TLS, Senders: cfg.Senders, Memory: s.memory, Export: s.export, Refused: s.counters.request, RuleStates: cfg.RuleStates, Log: cfg.Log,
	})
	if err != nil {
		return nil, fmt.Errorf("ingest: %w", err)
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

	key, err := s.cfg.Store.SeriesKey(ctx)
	if err != nil {
		return err
	}
	s.secret = key.Secret
	if err := s.limit.remember(ctx, s.cfg.Store, time.Now(), key.Since); err != nil && ctx.Err() == nil {
		s.cfg.Log.Warn("series that are there may count as new", "error", err)
	}
	if s.cfg.MemoryLimit > 0 {
		defer debug.SetMemoryLimit(debug.SetMemoryLimit(s.cfg.MemoryLimit))
	}
	s.fates.serve(time.Now())
	stopBatcher := s.startBatcher(ctx)
	defer stopBatcher() // after the servers: nobody adds any more
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.receiver.Run(ctx, grpcL, httpL) })
	g.Go(func() error { s.reportSelf(ctx); return nil })
	g.Go(func() error { s.reconcile(ctx); return nil })
	g.Go(func() error { s.downsample(ctx); return nil })
	g.Go(func() error { s.forgetPast(ctx); return nil })

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
