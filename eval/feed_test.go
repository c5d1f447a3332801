package eval_test

import (
	"context"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/midwatch/midwatch/collector/recording"
	"github.com/midwatch/midwatch/deploy/clickhouse/clickhousetest"
	"github.com/midwatch/midwatch/ingest"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/store"
)

// feed sends what play gives through a real ingester into a store.
func feed(t *testing.T, db *store.DB, play func(func(recording.Batch) error) error) {
	t.Helper()
	certificates := filepath.Join(clickhousetest.Shared(t).Dir, "pki")
	id, err := pki.Load(certificates, pki.Ingester)
	if err != nil {
		t.Fatal(err)
	}
	cli, err := pki.Load(certificates, pki.CLI)
	if err != nil {
		t.Fatal(err)
	}
	server, err := ingest.New(ingest.Config{
		GRPCListen: "127.0.0.1:0", HTTPListen: "127.0.0.1:0", TLS: id.Server(pki.CLI), Store: db, Environment: environment,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	addrs, err := server.Addrs(ctx)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: cli.Client(pki.Ingester)}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: time.Minute}
	if err := recording.Upload(ctx, client, "https://"+addrs.HTTP, play); err != nil {
		t.Fatal(err)
	}
}
