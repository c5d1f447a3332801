// Package clickhousetest gives tests a real embedded ClickHouse: one per test binary, because a process has one engine.
package clickhousetest

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/midwatch/midwatch/deploy/clickhouse"
	"github.com/midwatch/midwatch/internal/auth/pki"
)

// Server is a running server and what a client needs to reach it.
type Server struct {
	Address string
	TLS     *tls.Config // of the part pki.CLI
	PKI     string      // directory with an identity for every part
	Data    string      // data directory

	remover io.Closer // removes it all when closed, by the kernel at the latest; the reference keeps it open
}

// shared is this process's server. It cannot be anything but global: so is the engine.
var shared = sync.OnceValues(start)

// Shared returns the server of this test binary, started by the first call and gone with the process. It skips the
// test if libchdb is not installed.
func Shared(t testing.TB) Server {
	t.Helper()
	if _, err := Library(); err != nil {
		t.Skip(err)
	}
	s, err := shared()
	if err != nil {
		t.Fatalf("start ClickHouse: %v", err)
	}
	return s
}

// Library finds libchdb.so: MIDWATCH_LIBCHDB, else the cache of the repository that the working directory is in.
func Library() (string, error) {
	if path := os.Getenv("MIDWATCH_LIBCHDB"); path != "" {
		return path, nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
			continue
		}
		found, err := filepath.Glob(filepath.Join(dir, ".cache/chdb/node_modules/@chdb/lib-*/libchdb.so"))
		if err == nil && len(found) > 0 {
			return found[0], nil
		}
	}
	return "", errors.New("libchdb is not installed: `make deps` fetches it, or MIDWATCH_LIBCHDB names it")
}

func start() (s Server, err error) {
	library, err := Library()
	if err != nil {
		return s, err
	}
	dir, err := os.MkdirTemp("", "clickhousetest-")
	if err != nil {
		return s, err
	}
	if s.remover, err = removeAtExit(dir); err != nil {
		return s, err
	}
	s.PKI, s.Data = filepath.Join(dir, "pki"), filepath.Join(dir, "data")
	if err := pki.Ensure(s.PKI); err != nil {
		return s, err
	}
	server, err := pki.Load(s.PKI, pki.ClickHouse)
	if err != nil {
		return s, err
	}
	client, err := pki.Load(s.PKI, pki.CLI)
	if err != nil {
		return s, err
	}
	s.TLS = client.Client(pki.ClickHouse)
	key := make([]byte, 32)
	rand.Read(key)
	s.Address, err = run(clickhouse.Config{
		Library: library, Dir: s.Data, Listen: "127.0.0.1:0", TLS: server.Server(), Key: key,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	return s, err
}

// run starts a server that lives as long as the process and returns its address.
func run(cfg clickhouse.Config) (string, error) {
	ready := make(chan struct{})
	cfg.Ready = func() { close(ready) }
	srv, err := clickhouse.New(cfg)
	if err != nil {
		return "", err
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Run(context.Background()) }()
	select {
	case <-ready:
		return srv.Addr().String(), nil
	case err := <-ended:
		return "", err
	}
}

// removeAtExit has a shell wait for this process's end, however it ends, and remove the directory: a package of
// helpers has no TestMain to do it in.
func removeAtExit(dir string) (io.Closer, error) {
	shell := exec.Command("sh", "-c", `cat >/dev/null; rm -rf "$1"`, "sh", dir)
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // out of reach of Ctrl-C
	pipe, err := shell.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := shell.Start(); err != nil {
		return nil, fmt.Errorf("start the remover of %s: %w", dir, err)
	}
	return pipe, nil
}
