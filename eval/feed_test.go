package eval_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/midwatch/midwatch/collector/recording"
	"github.com/midwatch/midwatch/deploy/clickhouse/clickhousetest"
	"github.com/midwatch/midwatch/ingest"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/telemetry"
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
	err = play(func(b recording.Batch) error {
		body, err := encoded(b)
		if err != nil {
			return err
		}
		post(t, client, "https://"+addrs.HTTP+"/v1/"+string(b.Signal), body)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func encoded(b recording.Batch) ([]byte, error) {
	switch b.Signal {
	case telemetry.Traces:
		return new(ptrace.ProtoMarshaler).MarshalTraces(b.Traces)
	case telemetry.Metrics:
		return new(pmetric.ProtoMarshaler).MarshalMetrics(b.Metrics)
	default:
		return new(plog.ProtoMarshaler).MarshalLogs(b.Logs)
	}
}

func post(t *testing.T, client *http.Client, url string, body []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || len(answer) > 0 {
		t.Fatalf("%s: %s %q %v", url, res.Status, answer, err)
	}
}
