package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"

	"github.com/midwatch/midwatch/deploy/clickhouse/engine"
	"github.com/midwatch/midwatch/deploy/clickhouse/server"
)

// serveAs serves an engine with a configuration of the test's own, such as one that knows a cluster.
func serveAs(ctx context.Context, library, dir, config, first string, security *tls.Config) error {
	lib, err := engine.Load(library)
	if err != nil {
		return err
	}
	path := "--path=" + filepath.Join(dir, "data")
	base, err := lib.Open(path, "--config-file="+config)
	if err != nil {
		return err
	}
	defer base.Close()
	s, err := server.New(server.Config{
		Open: func() (*engine.Session, error) {
			session, err := lib.Open(path)
			if err == nil {
				err = session.Exec(first)
			}
			return session, err
		},
		User: "default", MaxSessions: 200, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	var listener net.ListenConfig
	l, err := listener.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return s.Serve(ctx, tls.NewListener(l, security))
}
