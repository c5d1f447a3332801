package clickhouse_test

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/midwatch/midwatch/deploy/clickhouse"
	"github.com/midwatch/midwatch/deploy/clickhouse/clickhousetest"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/seal"
)

func TestStrangersAreRefused(t *testing.T) {
	s := clickhousetest.Shared(t)
	trust, err := pki.Trust(filepath.Join(s.Dir, "pki"), pki.ClickHouse)
	if err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(t.TempDir(), "pki")
	if err := pki.Ensure(foreign); err != nil {
		t.Fatal(err)
	}
	stranger, err := pki.Load(foreign, pki.CLI)
	if err != nil {
		t.Fatal(err)
	}
	otherCA := stranger.Client(pki.ClickHouse)
	otherCA.RootCAs = trust.RootCAs
	for name, config := range map[string]*tls.Config{"in clear": nil, "no certificate": trust, "a certificate of another CA": otherCA} {
		o := options(t)
		o.TLS = config
		if err := connect(t, o).Ping(t.Context()); err == nil {
			t.Errorf("%s: let in", name)
		}
	}
	o := options(t)
	o.Auth.Password = "wrong"
	if err := connect(t, o).Ping(t.Context()); code(err) != 516 {
		t.Errorf("wrong password: got %v, want code 516", err)
	}
}

// TestHostileBytes sends what no client would, and asks whether the server still answers others.
func TestHostileBytes(t *testing.T) {
	s := clickhousetest.Shared(t)
	for name, bytes := range map[string]string{
		"hello of a huge name":   "\x00\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
		"no hello":               "\x04",
		"HTTP":                   "GET / HTTP/1.1\r\n\r\n",
		"hello of an old client": "\x00\x01x\x01\x01\x01\x00\x00\x00",
	} {
		c, err := tls.Dial("tcp", s.Address, s.TLS)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte(bytes)); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: answered %d bytes, %v; want the connection closed", name, n, err)
		}
		c.Close()
	}
	if err := connect(t, options(t)).Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestSessionsAreLimited(t *testing.T) {
	s := clickhousetest.Start(t, t.TempDir(), "-sessions", "2")
	client := func() driver.Conn {
		return connect(t, &ch.Options{Addr: []string{s.Address}, TLS: s.TLS, MaxOpenConns: 1})
	}
	first, second := client(), client()
	run(t, first, "SELECT 1")
	run(t, second, "SELECT 1")
	if err := client().Ping(t.Context()); code(err) != 203 {
		t.Errorf("a third session: got %v, want code 203", err)
	}
	first.Close()
	eventually(t, "there is room again", func() bool { return client().Ping(t.Context()) == nil })
}

// TestStrangersTakeNoPlace has more connections open than there may be, of peers that say nothing, in clear and within TLS.
func TestStrangersTakeNoPlace(t *testing.T) {
	s := clickhousetest.Start(t, t.TempDir(), "-sessions", "1")
	const strangers = 1024 // the server has as many at a time
	var first net.Conn
	for i := range strangers + 10 {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.Address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if i == 0 {
			first = c
		}
	}
	c, err := tls.Dial("tcp", s.Address, s.TLS)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := first.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil { // half of what each may take
		t.Fatal(err)
	}
	if _, err := first.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the oldest stranger is kept: %v", err)
	}
	client := connect(t, &ch.Options{Addr: []string{s.Address}, TLS: s.TLS, MaxOpenConns: 1})
	run(t, client, "SELECT 1")
}

func TestRunRefuses(t *testing.T) {
	s := clickhousetest.Shared(t)
	cfg, err := config(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	missing := cfg
	missing.Dir, missing.Library = t.TempDir(), filepath.Join(t.TempDir(), "libchdb.so")
	for want, cfg := range map[error]clickhouse.Config{clickhouse.ErrInUse: cfg, clickhouse.ErrNoLibrary: missing} {
		srv, err := clickhouse.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := srv.Run(t.Context()); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	_, err := clickhouse.New(clickhouse.Config{MemoryLimit: 1, Key: []byte("short")})
	for _, want := range []string{"library", "dir", "memory_limit", "TLS", "5 bytes instead of 32"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to mention %q", err, want)
		}
	}
}

// config is what the program in clickhousetest/serve makes of a directory.
func config(dir string) (cfg clickhouse.Config, err error) {
	library, err := clickhousetest.Library()
	if err != nil {
		return cfg, err
	}
	id, err := pki.Load(filepath.Join(dir, "pki"), pki.ClickHouse)
	if err != nil {
		return cfg, err
	}
	keys, err := seal.LoadRing(filepath.Join(dir, "key"))
	if err != nil {
		return cfg, err
	}
	return clickhouse.Config{
		Library: library, Dir: filepath.Join(dir, "data"), Listen: "127.0.0.1:0", TLS: id.Server(), Key: keys.Newest(),
	}, nil
}
