package clickhouse_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	chgo "github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	ch "github.com/ClickHouse/clickhouse-go/v2"

	"github.com/midwatch/midwatch/deploy/clickhouse/clickhousetest"
)

func TestDatabaseSQL(t *testing.T) {
	db := ch.OpenDB(options(t))
	t.Cleanup(func() { _ = db.Close() })
	ctx := t.Context()
	if _, err := db.ExecContext(ctx, "CREATE TABLE by_sql (a UInt32, b Nullable(String)) ENGINE = MergeTree ORDER BY a"); err != nil {
		t.Fatal(err)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	insert, err := tx.PrepareContext(ctx, "INSERT INTO by_sql")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		text := sql.NullString{String: fmt.Sprint(i), Valid: i%2 == 0}
		if _, err := insert.ExecContext(ctx, uint32(i), text); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	var n int
	var b sql.NullString
	err = db.QueryRowContext(ctx, "SELECT count(), anyIf(b, a = {a:UInt32}) FROM by_sql WHERE b IS NULL OR a = {a:UInt32}", ch.Named("a", 4)).Scan(&n, &b)
	if err != nil || n != 501 || b.String != "4" {
		t.Errorf("%d rows, %v, %v; want 501 and 4", n, b, err)
	}
}

// TestChGo uses the other client of Go's, which sends and reads columns, with each of its compressions.
func TestChGo(t *testing.T) {
	s := clickhousetest.Shared(t)
	ctx := t.Context()
	for name, method := range map[string]chgo.Compression{
		"none": chgo.CompressionDisabled, "frames of none": chgo.CompressionNone,
		"lz4": chgo.CompressionLZ4, "lz4hc": chgo.CompressionLZ4HC, "zstd": chgo.CompressionZSTD,
	} {
		t.Run(name, func(t *testing.T) {
			c, err := chgo.Dial(ctx, chgo.Options{Address: s.Address, TLS: s.TLS, Compression: method})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
			do := func(q chgo.Query) {
				t.Helper()
				if err := c.Do(ctx, q); err != nil {
					t.Fatal(err)
				}
			}
			do(chgo.Query{Body: "CREATE OR REPLACE TABLE by_chgo (n UInt64, s LowCardinality(String)) ENGINE = MergeTree ORDER BY n"})
			var n proto.ColUInt64
			text := new(proto.ColStr).LowCardinality()
			input, blocks := proto.Input{{Name: "n", Data: &n}, {Name: "s", Data: text}}, 0
			do(chgo.Query{
				Body: input.Into("by_chgo"), Input: input,
				OnInput: func(context.Context) error { // called for each block
					input.Reset()
					if blocks++; blocks > 3 {
						return io.EOF
					}
					for i := range 1000 {
						n.Append(uint64(blocks*1000 + i))
						text.Append(fmt.Sprint("t", i%10))
					}
					return nil
				},
			})
			var got proto.ColUInt64
			var progress, profile uint64
			do(chgo.Query{
				Body: "SELECT sum(n) AS sum FROM by_chgo WHERE s = {s:String}", Result: proto.Results{{Name: "sum", Data: &got}},
				Parameters: chgo.Parameters(map[string]any{"s": "t7"}),
				OnProgress: func(_ context.Context, p proto.Progress) error { progress += p.Rows; return nil },
				OnProfile:  func(_ context.Context, p proto.Profile) error { profile += p.Rows; return nil },
			})
			if len(got) != 1 || got[0] != 750_600 || progress == 0 || profile != 1 {
				t.Errorf("got %v, %d rows of progress, %d of profile", got, progress, profile)
			}
			if err := c.Do(ctx, chgo.Query{Body: "SELECT * FROM nowhere"}); !chgo.IsErr(err, proto.ErrUnknownTable) {
				t.Errorf("got %v", err)
			}
			if err := c.Ping(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestClickHousesOwnClient reads and writes with the client inside ClickHouse, in C++: one server asks another, as it
// asks a table of a cluster.
func TestClickHousesOwnClient(t *testing.T) {
	one, other := startChild(t, t.TempDir()), shared(t, ch.CompressionLZ4)
	proxy := plainProxy(t, one.Server)
	run(t, one, "CREATE TABLE there (a UInt64, m Map(String, String), l LowCardinality(Nullable(String))) ENGINE = MergeTree ORDER BY a")
	there := fmt.Sprintf("remote('%s', 'default', 'there')", proxy)
	run(t, other, "INSERT INTO FUNCTION "+there+" SELECT number, map('k', toString(number)), if(number % 2 = 0, NULL, 'x') FROM numbers(200000)")
	if got := scalar[uint64](t, one, "SELECT count() FROM there"); got != 200000 {
		t.Errorf("stored %d rows", got)
	}
	if got := scalar[string](t, other, "SELECT m['k'] FROM "+there+" WHERE a = 1234"); got != "1234" {
		t.Errorf("read %q", got)
	}
	if got := scalar[uint64](t, other, "SELECT sum(length(m['k'])) FROM (SELECT m FROM "+there+")"); got != 1088890 {
		t.Errorf("read %d characters", got)
	}
	if err := other.Exec(t.Context(), "SELECT throwIf(a = 1000) FROM "+there); code(err) != 395 {
		t.Errorf("an exception over there: got %v", err)
	}
}

// TestALotBothWays sends and reads ten million rows and looks at what the server's memory does.
func TestALotBothWays(t *testing.T) {
	if testing.Short() {
		t.Skip("ten million rows")
	}
	s := clickhousetest.Start(t, t.TempDir())
	c := connect(t, &ch.Options{Addr: []string{s.Address}, TLS: s.TLS, Compression: &ch.Compression{Method: ch.CompressionLZ4}})
	run(t, c, "CREATE TABLE much (n UInt64, s String CODEC(LZ4)) ENGINE = MergeTree ORDER BY n")
	const total, block = 10_000_000, 250_000
	b, err := c.PrepareBatch(t.Context(), "INSERT INTO much")
	if err != nil {
		t.Fatal(err)
	}
	numbers, texts := make([]uint64, block), make([]string, block)
	for at := 0; at < total; at += block {
		for i := range block {
			numbers[i], texts[i] = uint64(at+i), "a text of some twenty letters"
		}
		if err := errors.Join(b.Column(0).Append(numbers), b.Column(1).Append(texts), b.Flush()); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Send(); err != nil {
		t.Fatal(err)
	}
	reader, err := chgo.Dial(t.Context(), chgo.Options{Address: s.Address, TLS: s.TLS, Compression: chgo.CompressionLZ4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reader.Close() })
	var n proto.ColUInt64
	var text proto.ColStr
	rows, sum := 0, uint64(0)
	err = reader.Do(t.Context(), chgo.Query{
		Body: "SELECT n, s FROM much", Result: proto.Results{{Name: "n", Data: &n}, {Name: "s", Data: &text}},
		OnResult: func(context.Context, proto.Block) error {
			rows += len(n)
			for _, v := range n {
				sum += v
			}
			return nil
		},
	})
	if err != nil || rows != total || sum != total*(total-1)/2 {
		t.Errorf("%d rows, sum %d, %v", rows, sum, err)
	}
	if peak := status(t, s.Pid(), "VmHWM"); peak > 1200<<10 { // the engine may take 1 GiB here; the data alone is 400 MB
		t.Errorf("the server took %d KiB of memory", peak)
	}
}

// status reads a number from /proc/PID/status.
func status(t *testing.T, pid int, field string) (n int) {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), field+":")
	if _, err := fmt.Sscan(rest, &n); err != nil {
		t.Fatal(err)
	}
	return n
}
