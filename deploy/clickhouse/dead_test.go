package clickhouse_test

import (
	"context"
	"crypto/tls"
	"net"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sys/unix"

	"github.com/midwatch/midwatch/deploy/clickhouse/clickhousetest"
)

// mortal is a client with one connection, and what makes its host be gone: the connection says nothing any more, not even to the kernel of
// the other end, so there is no FIN and no RST.
func mortal(t *testing.T, s *clickhousetest.Server) (c driver.Conn, die func()) {
	t.Helper()
	var raw *net.TCPConn
	c = connect(t, &ch.Options{
		Addr: []string{s.Address}, MaxOpenConns: 1,
		DialContext: func(ctx context.Context, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
			if err != nil {
				return nil, err
			}
			raw = conn.(*net.TCPConn)
			host, _, err := net.SplitHostPort(address)
			config := s.TLS.Clone()
			if config.ServerName == "" {
				config.ServerName = host
			}
			return tls.Client(conn, config), err
		},
	})
	return c, func() {
		fd, err := raw.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		nothing := unix.SockFprog{Len: 1, Filter: &unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K}} // lets in no packet
		err = fd.Control(func(fd uintptr) {
			if err := unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &nothing); err != nil {
				t.Error(err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestADeadClientFreesItsSession lets clients vanish in the middle of things. What they asked for ends, and there is room again.
func TestADeadClientFreesItsSession(t *testing.T) {
	s := clickhousetest.Start(t, t.TempDir(), "-sessions", "2", "-patience", "2s")
	alive := connect(t, &ch.Options{Addr: []string{s.Address}, TLS: s.TLS, MaxOpenConns: 1})
	run(t, alive, "CREATE TABLE half (n UInt64) ENGINE = MergeTree ORDER BY n")
	for name, begin := range map[string]func(driver.Conn){
		"inserting": func(c driver.Conn) {
			b, err := c.PrepareBatch(t.Context(), "INSERT INTO half")
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Column(0).Append([]uint64{1, 2}); err != nil {
				t.Fatal(err)
			}
			if err := b.Flush(); err != nil {
				t.Fatal(err)
			}
		},
		"waiting": func(c driver.Conn) {
			go func() {
				_ = c.Exec(t.Context(), "SELECT count() AS half FROM numbers(1000000000000) WHERE cityHash64(number) = 1")
			}()
		},
		"reading": func(c driver.Conn) {
			rows, err := c.Query(t.Context(), "SELECT number AS half FROM numbers(100000000000)")
			if err != nil || !rows.Next() {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, die := mortal(t, s)
			begin(c)
			eventually(t, "it has begun", func() bool { return running(t, alive, "half") == 1 })
			die()
			eventually(t, "what it asked for is gone", func() bool { return running(t, alive, "half") == 0 })
			eventually(t, "there is room", func() bool {
				next := connect(t, &ch.Options{Addr: []string{s.Address}, TLS: s.TLS, DialTimeout: time.Second})
				defer next.Close()
				return next.Ping(t.Context()) == nil
			})
			if got := scalar[uint64](t, alive, "SELECT count() FROM half"); got != 0 {
				t.Errorf("stored %d rows of half an insert", got)
			}
		})
	}
}
