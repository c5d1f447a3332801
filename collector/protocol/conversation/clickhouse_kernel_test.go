package conversation_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/midwatch/midwatch/deploy/clickhouse/clickhousetest"
	"github.com/midwatch/midwatch/internal/auth/pki"
)

// clickhouseProxy speaks for the server at an address, which wants TLS, to whoever speaks without.
func clickhouseProxy(args []string) error {
	id, err := pki.Load(filepath.Join(args[1], "pki"), pki.CLI)
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			s, err := tls.Dial("tcp", args[0], id.Client(pki.ClickHouse))
			if err != nil {
				fmt.Println(err)
				return
			}
			defer s.Close()
			go func() {
				_, _ = io.Copy(s, c) // either end may go away
				_ = s.Close()
			}()
			_, _ = io.Copy(c, s)
		}()
	}
}

// clickhouseClient inserts n times, and selects n times what is small, n times what is large, and n times from a table that is missing.
func clickhouseClient(args []string) error {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	method, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	ctx := context.Background()
	c, err := clickhouse.Open(&clickhouse.Options{
		Addr: []string{args[0]}, Auth: clickhouse.Auth{Database: "default", Username: "default"},
		Compression: &clickhouse.Compression{Method: clickhouse.CompressionMethod(method)}, MaxOpenConns: 1,
	})
	if err != nil {
		return err
	}
	defer c.Close()
	table := "items_" + strings.Repeat("i", method+1)
	if err := c.Exec(ctx, "CREATE TABLE "+table+" (id UInt32, name String, tags Map(String, String)) ENGINE = Memory"); err != nil {
		return err
	}
	for range n {
		b, err := c.PrepareBatch(ctx, "INSERT INTO "+table)
		if err != nil {
			return err
		}
		for i := range 200 {
			if err := b.Append(uint32(i), strings.Repeat("secret", i), map[string]string{"a": strconv.Itoa(i)}); err != nil {
				return err
			}
		}
		if err := b.Send(); err != nil {
			return err
		}
	}
	for range n {
		for _, query := range []string{"SELECT id FROM " + table + " LIMIT 3", "SELECT tags, name FROM " + table + " LIMIT 2000"} {
			if err := clickhouseRows(ctx, c, query); err != nil {
				return err
			}
		}
		if c.Exec(ctx, "SELECT id FROM missing WHERE id = 7") == nil {
			return errors.New("a table that is missing was found")
		}
	}
	return nil
}

func clickhouseRows(ctx context.Context, c clickhouse.Conn, query string) error {
	rows, err := c.Query(ctx, query)
	if err != nil {
		return err
	}
	for rows.Next() {
	}
	return errors.Join(rows.Err(), rows.Close())
}

func TestKernelClickHouse(t *testing.T) {
	server := clickhousetest.Shared(t)
	for _, method := range []clickhouse.CompressionMethod{clickhouse.CompressionNone, clickhouse.CompressionLZ4, clickhouse.CompressionZSTD} {
		t.Run(method.String(), func(t *testing.T) {
			r := watch(t)
			addr := serve(t, helper("clickhouse-proxy", server.Address, server.Dir))
			const n = 100
			run(t, helper("clickhouse-client", addr.String(), strconv.Itoa(n), strconv.Itoa(int(method))))
			for query, want := range map[string]string{"INSERT INTO": "", "SELECT id FROM items": "", "SELECT tags": "", "SELECT id FROM missing": "UNKNOWN_TABLE"} {
				for end, calls := range r.both(t, addr.Port(), n, func(c seen) bool { return strings.HasPrefix(c.Query, query) }) {
					for _, c := range calls {
						if c.ErrorType != want || c.Namespace != "default" || c.Duration <= 0 || c.Duration > 2*time.Second {
							t.Errorf("%s at the %s: error %q in %q after %v, want %q", query, end, c.ErrorType, c.Namespace, c.Duration, want)
						}
					}
				}
			}
		})
	}
}
