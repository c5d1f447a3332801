package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/midwatch/midwatch/collector/exporter"
	"github.com/midwatch/midwatch/collector/exporter/filter"
	"github.com/midwatch/midwatch/collector/node"
	"github.com/midwatch/midwatch/collector/publish"
	"github.com/midwatch/midwatch/deploy/clickhouse"
	"github.com/midwatch/midwatch/deploy/jetstream"
	"github.com/midwatch/midwatch/ingest"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/store"
)

// runner is a part.
type runner interface {
	Run(ctx context.Context) error
}

// partCommands are the parts that `up` supervises, each a command of its own.
func partCommands(in *installation) []*cobra.Command {
	return []*cobra.Command{
		partCommand(in, "clickhouse", "The store: ClickHouse's engine behind its native protocol", in.clickhouse),
		partCommand(in, "jetstream", "Cluster-local storage: NATS JetStream, encrypted on disk", in.jetstream),
		partCommand(in, "ingester", "OTLP in, columns out", in.ingester),
		partCommand(in, "node-agent", "Watches this machine from the kernel", in.nodeAgent),
		partCommand(in, "exporter", "JetStream to ingester, adding who is who", in.exporter),
		partCommand(in, "api", "HTTP API and web UI", in.apiPart),
		in.workerCommand(),
	}
}

func (in *installation) clickhouse(context.Context) (runner, error) {
	id, err := in.identity(pki.ClickHouse)
	if err != nil {
		return nil, err
	}
	ring, err := in.ring("clickhouse")
	if err != nil {
		return nil, err
	}
	cfg := in.settings.ClickHouse
	if cfg.Dir == "" {
		cfg.Dir = in.path("clickhouse")
	}
	cfg.TLS, cfg.Key, cfg.Log = id.Server(pki.Ingester, pki.Worker, pki.API, pki.CLI), ring.Newest(), in.log
	cfg.Ready = func() { in.serves("") }
	return clickhouse.New(cfg)
}

func (in *installation) jetstream(context.Context) (runner, error) {
	id, err := in.identity(pki.JetStream)
	if err != nil {
		return nil, err
	}
	ring, err := in.ring("jetstream")
	if err != nil {
		return nil, err
	}
	return jetstream.New(jetstream.Config{
		Listen: in.settings.JetStream.Listen, Dir: in.path("jetstream"), TLS: id.Server(pki.Agent, pki.Exporter, pki.CLI), Key: ring.Newest(),
		MaxBytes: in.settings.JetStream.MaxBytes, Ready: func() { in.serves("") }, Log: in.log,
	})
}

// together runs parts that live and die in one process.
type together []runner

func (t together) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, r := range t {
		g.Go(func() error { return r.Run(ctx) })
	}
	return g.Wait()
}

// before runs both until ctx ends, and stops the second when the first has ended: it still takes what that says last.
type before struct{ first, second runner }

func (b before) Run(ctx context.Context) error {
	rest, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { defer stop(); return b.first.Run(ctx) })
	g.Go(func() error { return b.second.Run(rest) })
	return g.Wait()
}

// ingesterMemory is what an ingester's memory is aimed at, in bytes, besides the program itself, which takes 115 MB: together they stay under the 512 MB that
// it may take while more comes than it can store.
const ingesterMemory = 272 << 20

// ingester also owns the schema: it migrates the store before it serves, and deletes what is too old.
func (in *installation) ingester(ctx context.Context) (runner, error) {
	id, err := in.identity(pki.Ingester)
	if err != nil {
		return nil, err
	}
	db, err := in.store(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := store.Migrate(ctx, db); err != nil {
		return nil, err
	}
	meta, err := in.metadata(ctx)
	if err != nil {
		return nil, err
	}
	senders := auth.NewSenders(meta, in.log)
	age := func(days func(metadata.Settings) int) func(context.Context) (time.Duration, error) {
		return func(ctx context.Context) (time.Duration, error) {
			s, err := meta.Settings(ctx)
			return time.Duration(days(s)) * 24 * time.Hour, err
		}
	}
	telemetryAge := age(func(s metadata.Settings) int { return s.RetentionDays })
	server, err := ingest.New(ingest.Config{
		GRPCListen: in.settings.Ingester.GRPC, HTTPListen: in.settings.Ingester.HTTP, Store: db,
		TLS: id.ServerOrToken(pki.Exporter, pki.CLI), Senders: senders, MaxSeries: in.settings.Ingester.MaxSeries,
		Environment: in.settings.Environment, Ready: func() { in.serves("") }, MemoryLimit: ingesterMemory, Log: in.log,
		Kept: func(ctx context.Context, signal string) (time.Duration, error) {
			others, err := telemetryAge(ctx)
			return in.settings.Store.Retention.Ages(others)(signal), err
		},
		RuleStates: func(ctx context.Context) ([]byte, error) {
			states, err := meta.RuleStates(ctx, in.settings.Environment)
			if err != nil {
				return nil, err
			}
			return json.Marshal(states)
		},
	})
	if err != nil {
		return nil, err
	}
	ledgerAge := age(func(s metadata.Settings) int { return s.LedgerDays })
	investigationAge := age(func(s metadata.Settings) int { return s.InvestigationDays })
	return together{
		server, senders,
		ingest.Retention{What: "telemetry", Age: telemetryAge, Store: telling{db, server.TellDropped}, Log: in.log},
		ingest.Relief{Store: db, Tell: server.TellDropped, Log: in.log},
		ingest.Retention{What: "model calls", Age: ledgerAge, Store: older(meta.DropLedger), Log: in.log},
		ingest.Retention{What: "investigations", Age: investigationAge, Store: older(meta.DropInvestigations), Log: in.log},
	}, nil
}

// telling deletes telemetry and says what it deleted.
type telling struct {
	db   *store.DB
	tell func(context.Context, []store.Dropped)
}

// Retain implements what Retention asks for.
func (t telling) Retain(ctx context.Context, age time.Duration) (int, error) {
	dropped, err := t.db.Retain(ctx, age)
	t.tell(ctx, dropped)
	return len(dropped), err
}

// older deletes what is from before a time, as Retention wants it.
type older func(ctx context.Context, before time.Time) (int64, error)

// Retain implements what Retention asks for.
func (drop older) Retain(ctx context.Context, age time.Duration) (int, error) {
	n, err := drop(ctx, time.Now().Add(-age))
	return int(n), err
}

func (in *installation) nodeAgent(context.Context) (runner, error) {
	publisher, cfg, err := in.publisher(pki.Agent)
	if err != nil {
		return nil, err
	}
	cfg.Publisher, cfg.Log = publisher, in.log
	cfg.Ready = func() { in.serves("") }
	n, err := node.New(cfg)
	return before{n, publisher}, err
}

// publisher publishes as the given part; the node agent's configuration names the node.
func (in *installation) publisher(part string) (*publish.Publisher, node.Config, error) {
	cfg := in.settings.NodeAgent
	if cfg.Environment == "" {
		cfg.Environment = in.settings.Environment
	}
	cfg.Node = cmp.Or(cfg.Node, os.Getenv("MIDWATCH_NODE"), hostName()) // one file for all nodes cannot name each
	cfg.DataDir = in.path("node-agent")
	id, err := in.identity(part)
	if err != nil {
		return nil, cfg, err
	}
	conf, err := in.jetStreamTLS(id)
	if err != nil {
		return nil, cfg, err
	}
	p, err := publish.New(publish.Config{URL: in.jetStreamURL(), TLS: conf, Node: cfg.Node, Log: in.log})
	return p, cfg, err
}

func (in *installation) exporter(context.Context) (runner, error) {
	id, err := in.identity(pki.Exporter)
	if err != nil {
		return nil, err
	}
	conf, err := in.jetStreamTLS(id)
	if err != nil {
		return nil, err
	}
	filters, err := filter.NewLive(in.settings.Exporter.Drop, in.settings.Exporter.Redact)
	if err != nil {
		return nil, err
	}
	cfg := exporter.Config{
		JetStreamURL: in.jetStreamURL(), JetStreamTLS: conf,
		IngesterAddress: cmp.Or(in.settings.Ingester.Address, in.settings.Ingester.GRPC), IngesterTLS: id.Client(pki.Ingester),
		Filters: filters, Ready: func() { in.serves("") }, Log: in.log,
	}
	if !in.settings.watchesCluster() {
		return exporter.New(cfg)
	}
	w, err := in.watcher(id, &cfg)
	if err != nil {
		return nil, err
	}
	parts := together{w}
	if in.settings.Exporter.Kubernetes.Rules {
		rules, err := in.rules(w, filters, cfg.IngesterAddress, cfg.IngesterTLS)
		if err != nil {
			return nil, err
		}
		parts = append(parts, rules)
	}
	e, err := exporter.New(cfg)
	return append(parts, e), err
}

func (in *installation) jetStreamURL() string {
	if in.settings.JetStream.URL != "" {
		return in.settings.JetStream.URL
	}
	return "tls://" + in.settings.JetStream.Listen
}

// store opens the store as the given part.
func (in *installation) store(ctx context.Context, id *pki.Identity) (*store.DB, error) {
	cfg := in.settings.Store.Config
	if len(cfg.Addresses) == 0 {
		cfg.Addresses = []string{in.settings.ClickHouse.Listen}
	}
	var err error
	if cfg.TLS, err = in.settings.Store.TLS.client(id, pki.ClickHouse); err != nil {
		return nil, fmt.Errorf("store.tls: %w", err)
	}
	if cfg.Password, err = readSecret(in.settings.Store.PasswordFile); err != nil {
		return nil, fmt.Errorf("store.password_file: %w", err)
	}
	return store.Open(ctx, cfg)
}

// metadata opens the metadata store.
func (in *installation) metadata(ctx context.Context) (*metadata.DB, error) {
	ring, err := in.ring("metadata")
	if err != nil {
		return nil, err
	}
	cfg := metadata.Config{DSN: in.settings.Metadata.DSN, Ring: ring}
	if file := in.settings.Metadata.DSNFile; file != "" {
		if cfg.DSN, err = readSecret(file); err != nil {
			return nil, fmt.Errorf("metadata.dsn_file: %w", err)
		}
	}
	if cfg.DSN == "" {
		cfg.DSN = "sqlite:" + in.path("metadata.db")
	}
	if in.settings.Metadata.Identity {
		id, err := in.whoever()
		if err != nil {
			return nil, err
		}
		cfg.TLS = id.Client(pki.Postgres)
	}
	return metadata.Open(ctx, cfg)
}

// jetStreamTLS is how JetStream is reached as the given part.
func (in *installation) jetStreamTLS(id *pki.Identity) (*tls.Config, error) {
	conf, err := in.settings.JetStream.TLS.client(id, pki.JetStream)
	if err != nil {
		return nil, fmt.Errorf("jetstream.tls: %w", err)
	}
	return conf, nil
}
