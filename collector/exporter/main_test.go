package exporter_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/midwatch/midwatch/deploy/clickhouse"
	"github.com/midwatch/midwatch/deploy/clickhouse/clickhousetest"
	"github.com/midwatch/midwatch/deploy/jetstream/jetstreamtest"
	"github.com/midwatch/midwatch/ingest"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/store"
)

// These tests kill the store and the ingester, so both run as children: the test binary itself, told so by the environment.
const (
	partVar     = "EXPORTER_TEST_PART" // store or ingester
	pkiVar      = "EXPORTER_TEST_PKI"
	dirVar      = "EXPORTER_TEST_DIR"
	storeVar    = "EXPORTER_TEST_STORE" // address
	ingesterVar = "EXPORTER_TEST_INGESTER"
)

func TestMain(m *testing.M) {
	serve := map[string]func(context.Context) error{"store": serveStore, "ingester": serveIngester}[os.Getenv(partVar)]
	if serve == nil {
		os.Exit(m.Run())
	}
	if err := serve(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, os.Getenv(partVar), err)
		os.Exit(1)
	}
}

func serveStore(ctx context.Context) error {
	library, err := clickhousetest.Library()
	if err != nil {
		return err
	}
	id, err := pki.Load(os.Getenv(pkiVar), pki.ClickHouse)
	if err != nil {
		return err
	}
	s, err := clickhouse.New(clickhouse.Config{
		Library: library, Dir: os.Getenv(dirVar), Listen: os.Getenv(storeVar), TLS: id.Server(), Key: make([]byte, 32),
	})
	if err != nil {
		return err
	}
	return s.Run(ctx)
}

// serveIngester starts an ingester again that ends because the store does, as whoever runs it would.
func serveIngester(ctx context.Context) error {
	for {
		err := runIngester(ctx)
		if err == nil {
			return nil
		}
		fmt.Fprintln(os.Stderr, "ingester:", err)
		<-time.After(100 * time.Millisecond)
	}
}

func runIngester(ctx context.Context) error {
	id, err := pki.Load(os.Getenv(pkiVar), pki.Ingester)
	if err != nil {
		return err
	}
	db, err := openStore(ctx, os.Getenv(storeVar), id)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := store.Migrate(ctx, db); err != nil {
		return err
	}
	s, err := ingest.New(ingest.Config{
		GRPCListen: os.Getenv(ingesterVar), HTTPListen: "127.0.0.1:0", TLS: id.Server(), Store: db,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		return err
	}
	return s.Run(ctx)
}

// openStore waits until the store answers.
func openStore(ctx context.Context, address string, id *pki.Identity) (*store.DB, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		db, err := store.Open(ctx, store.Config{Addresses: []string{address}, TLS: id.Client(pki.ClickHouse)})
		if err == nil {
			return db, nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return nil, err
		}
	}
}

// parts is a store and an ingester in processes of their own, and JetStream in this one.
type parts struct {
	t                   *testing.T
	js                  *jetstreamtest.Server
	env                 []string
	storeAt, ingesterAt string
	running             map[string]*exec.Cmd
	db                  *store.DB
}

func startParts(t *testing.T) *parts {
	t.Helper()
	if _, err := clickhousetest.Library(); err != nil {
		t.Skip(err)
	}
	p := &parts{t: t, js: jetstreamtest.Start(t), running: map[string]*exec.Cmd{}, storeAt: freeAddress(t), ingesterAt: freeAddress(t)}
	p.env = append(os.Environ(), pkiVar+"="+p.js.PKI, dirVar+"="+filepath.Join(t.TempDir(), "data"), storeVar+"="+p.storeAt, ingesterVar+"="+p.ingesterAt)
	p.start("store")
	p.start("ingester")
	t.Cleanup(func() {
		p.kill("ingester")
		p.kill("store")
	})
	var err error
	if p.db, err = openStore(t.Context(), p.storeAt, p.js.Identity(pki.CLI)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.db.Close() })
	if err := store.Migrate(t.Context(), p.db); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *parts) start(part string) {
	p.t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(p.env, partVar+"="+part)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.running[part] = cmd
}

// kill is kill -9.
func (p *parts) kill(part string) {
	p.t.Helper()
	if err := p.running[part].Process.Kill(); err != nil {
		p.t.Error(err)
	}
	_ = p.running[part].Wait() // "signal: killed"
}

// freeAddress is one that nobody listens on, so that a killed part comes back where it was.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
