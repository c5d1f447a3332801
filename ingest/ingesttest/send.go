// Package ingesttest puts telemetry into a store as it comes in the world: through a running ingester.
package ingesttest

import (
	"context"
	"testing"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/midwatch/midwatch/ingest"
	"github.com/midwatch/midwatch/internal/auth/pki"
)

// Client returns a connection to an ingester that writes to a store and is configured as is said; both end with the test.
func Client(t testing.TB, db ingest.Store, configure ...func(*ingest.Config)) *grpc.ClientConn {
	t.Helper()
	certs := t.TempDir()
	if err := pki.Ensure(certs); err != nil {
		t.Fatal(err)
	}
	cfg := ingest.Config{GRPCListen: "127.0.0.1:0", HTTPListen: "127.0.0.1:0", Store: db, TLS: identity(t, certs, pki.Ingester).Server(pki.CLI)}
	for _, set := range configure {
		set(&cfg)
	}
	srv, err := ingest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	addrs, err := srv.Addrs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient(addrs.GRPC, grpc.WithTransportCredentials(credentials.NewTLS(identity(t, certs, pki.CLI).Client(pki.Ingester))))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func identity(t testing.TB, dir, part string) *pki.Identity {
	t.Helper()
	id, err := pki.Load(dir, part)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// Logs sends records; one that is not stored fails the test.
func Logs(t testing.TB, conn *grpc.ClientConn, ld plog.Logs) {
	t.Helper()
	if ld.LogRecordCount() == 0 {
		return
	}
	res, err := plogotlp.NewGRPCClient(conn).Export(t.Context(), plogotlp.NewExportRequestFromLogs(ld))
	if err != nil {
		t.Fatal(err)
	}
	if n := res.PartialSuccess().RejectedLogRecords(); n > 0 {
		t.Fatalf("%d records were rejected: %s", n, res.PartialSuccess().ErrorMessage())
	}
}
