// Command midwatch-postgres runs a PostgreSQL for Midwatch's metadata, in a cluster that has none.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/midwatch/midwatch/deploy/postgres"
	"github.com/midwatch/midwatch/internal/health"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run() error {
	cfg := postgres.Config{Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	flag.StringVar(&cfg.Bin, "bin", "/usr/lib/postgresql/15/bin", "`directory` of PostgreSQL's programs")
	flag.StringVar(&cfg.Dir, "dir", "/var/lib/midwatch/postgres/data", "`directory` of the data, made when missing")
	flag.StringVar(&cfg.Listen, "listen", "127.0.0.1:5432", "`address` to listen on")
	flag.StringVar(&cfg.PKI, "pki", "/var/lib/midwatch/pki", "`directory` with ca.pem, postgres.pem and postgres-key.pem")
	listen := flag.String("health", "", "`address` that answers GET /live and /ready, in clear text, for a kubelet's probes (default: none)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	g, ctx := errgroup.WithContext(ctx)
	if *listen != "" {
		probes, err := health.New(*listen)
		if err != nil {
			return err
		}
		cfg.Ready = probes.Ready
		g.Go(func() error { return probes.Run(ctx) })
	}
	server, err := postgres.New(cfg)
	if err != nil {
		return err
	}
	g.Go(func() error { return server.Run(ctx) })
	return g.Wait()
}
