package clickhouse_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/midwatch/midwatch/deploy/clickhouse"
	"github.com/midwatch/midwatch/deploy/clickhouse/clickhousetest"
	"github.com/midwatch/midwatch/internal/auth/pki"
)

// serveVariable names the directory that a child of these tests serves instead of testing.
const serveVariable = "CLICKHOUSE_TEST_SERVE"

var testKey = bytes.Repeat([]byte{0x5a}, 32)

func TestMain(m *testing.M) {
	if dir := os.Getenv(serveVariable); dir != "" {
		if err := serve(dir); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// serve serves until SIGTERM and prints its address when ready.
func serve(dir string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	cfg, err := config(dir)
	if err != nil {
		return err
	}
	var s *clickhouse.Server
	cfg.Ready = func() { fmt.Println(s.Addr()) }
	if s, err = clickhouse.New(cfg); err != nil {
		return err
	}
	return s.Run(ctx)
}

// config is of a server of dir/data with the certificates of dir/pki.
func config(dir string) (cfg clickhouse.Config, err error) {
	library, err := clickhousetest.Library()
	if err != nil {
		return cfg, err
	}
	id, err := pki.Load(filepath.Join(dir, "pki"), pki.ClickHouse)
	if err != nil {
		return cfg, err
	}
	return clickhouse.Config{
		Library: library, Dir: filepath.Join(dir, "data"), Listen: "127.0.0.1:0", TLS: id.Server(), Key: testKey,
	}, nil
}

// child is a server in a process of its own, that can be killed.
type child struct {
	*exec.Cmd
	driver.Conn
}

func startChild(t *testing.T, dir string) child {
	t.Helper()
	if _, err := clickhousetest.Library(); err != nil {
		t.Skip(err)
	}
	if err := pki.Ensure(filepath.Join(dir, "pki")); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), serveVariable+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || strings.HasPrefix(line, "error:") {
		t.Fatalf("the child did not start: %s%v", line, err)
	}
	id, err := pki.Load(filepath.Join(dir, "pki"), pki.CLI)
	if err != nil {
		t.Fatal(err)
	}
	return child{cmd, connect(t, &ch.Options{Addr: []string{strings.TrimSpace(line)}, TLS: id.Client(pki.ClickHouse)})}
}

// shared connects to this binary's server, with the compression named.
func shared(t *testing.T, method ch.CompressionMethod) driver.Conn {
	t.Helper()
	s := clickhousetest.Shared(t)
	o := &ch.Options{Addr: []string{s.Address}, TLS: s.TLS, MaxOpenConns: 40, MaxIdleConns: 16}
	if method != ch.CompressionNone {
		o.Compression = &ch.Compression{Method: method}
	}
	return connect(t, o)
}

func connect(t *testing.T, o *ch.Options) driver.Conn {
	t.Helper()
	c, err := ch.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// scalar asks for one value.
func scalar[T any](t *testing.T, c driver.Conn, query string, args ...any) (v T) {
	t.Helper()
	if err := c.QueryRow(t.Context(), query, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

func exec1(t *testing.T, c driver.Conn, query string, args ...any) {
	t.Helper()
	if err := c.Exec(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// code is ClickHouse's code of an error, 0 of none, -1 of another error.
func code(err error) int {
	var e *ch.Exception
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		return int(e.Code)
	}
	return -1
}

// eventually waits for what a deadline is set to.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still not: %s", what)
		}
	}
}
