package clickhouse_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/midwatch/midwatch/deploy/clickhouse/clickhousetest"
)

// child is a server of the test's own, that it can stop and kill.
type child struct {
	*clickhousetest.Server
	driver.Conn
}

func startChild(t *testing.T, dir string) child {
	t.Helper()
	s := clickhousetest.Start(t, dir)
	return child{s, connect(t, &ch.Options{Addr: []string{s.Address}, TLS: s.TLS})}
}

// shared connects to this binary's server, with the compression named.
func shared(t *testing.T, method ch.CompressionMethod) driver.Conn {
	t.Helper()
	o := options(t)
	o.MaxOpenConns, o.MaxIdleConns = 40, 16
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

// options reach this binary's server.
func options(t *testing.T) *ch.Options {
	t.Helper()
	s := clickhousetest.Shared(t)
	return &ch.Options{Addr: []string{s.Address}, TLS: s.TLS}
}

// scalar asks for one value.
func scalar[T any](t *testing.T, c driver.Conn, query string, args ...any) (v T) {
	t.Helper()
	if err := c.QueryRow(t.Context(), query, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

func run(t *testing.T, c driver.Conn, query string, args ...any) {
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

// plainProxy leads a client that speaks no TLS of ours to a server, and returns its address.
func plainProxy(t *testing.T, s *clickhousetest.Server) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := tls.Dial("tcp", s.Address, s.TLS)
			if err != nil {
				in.Close()
				continue
			}
			go func() { _, _ = io.Copy(out, in); out.Close() }()
			go func() { _, _ = io.Copy(in, out); in.Close() }()
		}
	}()
	return l.Addr().String()
}
