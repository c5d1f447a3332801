package postgres_test

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/midwatch/midwatch/deploy/postgres"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/seal"
)

// The parts that keep something are let in by their certificates, nobody else is, and what they kept is there after a restart.
func TestPartsAreLetInByCertificate(t *testing.T) {
	s := start(t)
	kept := open(t, s, s.identity(t, pki.API).Client(pki.Postgres))
	if err := kept.PutToken(t.Context(), metadata.Token{ID: "t1", Subject: "s", Role: "viewer", Hash: "h", CreatedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if err := kept.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	s.run(t)
	for _, part := range []string{pki.Worker, pki.Sandbox, pki.Ingester, pki.CLI} {
		db := open(t, s, s.identity(t, part).Client(pki.Postgres))
		if tokens, err := db.ListTokens(t.Context()); err != nil || len(tokens) != 1 {
			t.Errorf("%s reads %v, %v", part, tokens, err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	nobody := s.identity(t, pki.API).Client(pki.Postgres)
	nobody.GetClientCertificate = nil
	foreign := filepath.Join(t.TempDir(), "pki")
	if err := pki.Ensure(foreign); err != nil {
		t.Fatal(err)
	}
	stranger, err := pki.Load(foreign, pki.API)
	if err != nil {
		t.Fatal(err)
	}
	other := stranger.Client(pki.Postgres)
	other.RootCAs = nobody.RootCAs
	for name, conf := range map[string]*tls.Config{
		"without a certificate":         nobody,
		"with one of another authority": other,
		"as a part that keeps nothing":  s.identity(t, pki.Exporter).Client(pki.Postgres),
		"in clear text":                 nil,
	} {
		if db, err := metadata.Open(t.Context(), metadata.Config{DSN: s.dsn + "?sslmode=disable", TLS: conf, Ring: s.ring}); err == nil {
			_ = db.Close()
			t.Errorf("%s: let in", name)
		}
	}
}

// server is a PostgreSQL of the test.
type server struct {
	cfg  postgres.Config
	dsn  string
	ring *seal.Ring
	stop func() error
}

func start(t *testing.T) *server {
	t.Helper()
	bin, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(bin) == 0 {
		t.Skip("PostgreSQL is not installed (apt-get install postgresql)")
	}
	dir, err := os.MkdirTemp("", "midwatch-postgres-") // not t.TempDir: another user must be able to enter it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	port := freePort(t)
	s := &server{cfg: postgres.Config{
		Bin: bin[len(bin)-1], Dir: filepath.Join(dir, "data"), Listen: net.JoinHostPort("127.0.0.1", port), PKI: filepath.Join(dir, "pki"), Socket: dir,
	}}
	s.dsn = "postgres://midwatch@" + s.cfg.Listen + "/midwatch"
	if err := pki.Ensure(s.cfg.PKI); err != nil {
		t.Fatal(err)
	}
	if s.ring, err = seal.LoadRing(filepath.Join(dir, "key")); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		s.cfg.Credential = another(t)
		if out, err := exec.CommandContext(t.Context(), "chown", "-R", "postgres", dir).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	s.run(t)
	return s
}

// another is the user postgres.
func another(t *testing.T) *syscall.Credential {
	t.Helper()
	u, err := user.Lookup("postgres")
	if err != nil {
		t.Skip("running as root and there is no user postgres to start PostgreSQL as")
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}
}

// run starts the server and waits for it.
func (s *server) run(t *testing.T) {
	t.Helper()
	ready, ended := make(chan struct{}), make(chan error, 1)
	s.cfg.Ready = func() { close(ready) }
	p, err := postgres.New(s.cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { ended <- p.Run(ctx) }()
	stopped := false
	s.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-ended
	}
	t.Cleanup(func() { _ = s.stop() })
	select {
	case <-ready:
	case err := <-ended:
		stopped = true
		t.Fatal(err)
	case <-time.After(2 * time.Minute):
		t.Fatal("PostgreSQL does not answer")
	}
}

func (s *server) identity(t *testing.T, part string) *pki.Identity {
	t.Helper()
	id, err := pki.Load(s.cfg.PKI, part)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func open(t *testing.T, s *server, conf *tls.Config) *metadata.DB {
	t.Helper()
	db, err := metadata.Open(t.Context(), metadata.Config{DSN: s.dsn, TLS: conf, Ring: s.ring})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
