package clickhouse_test

import (
	"context"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// running counts queries that carry a mark.
func running(t *testing.T, c driver.Conn, mark string) uint64 {
	return scalar[uint64](t, c, "SELECT count() FROM system.processes WHERE query LIKE ? AND query NOT LIKE '%system.processes%'", "%"+mark+"%")
}

func TestCancelEndsTheQuery(t *testing.T) {
	c := shared(t, ch.CompressionLZ4)
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		failed <- c.QueryRow(ctx, "SELECT count() AS endless_scan FROM numbers(1000000000000) WHERE cityHash64(number) = 1").Scan(new(uint64))
	}()
	eventually(t, "the query runs", func() bool { return running(t, c, "endless_scan") == 1 })
	cancel()
	if err := <-failed; err == nil {
		t.Error("a cancelled query answered")
	}
	eventually(t, "the query is gone", func() bool { return running(t, c, "endless_scan") == 0 })
}

func TestCancelEndsAStream(t *testing.T) {
	c := shared(t, ch.CompressionNone)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	rows, err := c.Query(ctx, "SELECT number AS endless_stream FROM numbers(100000000000)")
	if err != nil {
		t.Fatal(err)
	}
	for range 100_000 {
		if !rows.Next() {
			t.Fatal(rows.Err())
		}
	}
	cancel()
	for rows.Next() {
	}
	if rows.Err() == nil {
		t.Error("a cancelled stream ended well")
	}
	eventually(t, "the query is gone", func() bool { return running(t, c, "endless_stream") == 0 })
}

func TestAbortedBatchStoresNothing(t *testing.T) {
	c := shared(t, ch.CompressionLZ4)
	run(t, c, "CREATE TABLE aborted (a UInt64) ENGINE = MergeTree ORDER BY a")
	b, err := c.PrepareBatch(t.Context(), "INSERT INTO aborted")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Append(uint64(1)); err != nil {
		t.Fatal(err)
	}
	if err := b.Abort(); err != nil {
		t.Fatal(err)
	}
	if got := scalar[uint64](t, c, "SELECT count() FROM aborted"); got != 0 {
		t.Errorf("stored %d rows", got)
	}
}

// TestInsertsThatAreOverAreGone from system.processes, though their connection is open: whoever waits for inserts to end would wait for them.
func TestInsertsThatAreOverAreGone(t *testing.T) {
	writer, watcher := shared(t, ch.CompressionLZ4), shared(t, ch.CompressionLZ4)
	run(t, writer, "CREATE TABLE over (a UInt64, CONSTRAINT small CHECK a < 10) ENGINE = MergeTree ORDER BY a")
	for name, rows := range map[string][]uint64{"of nothing": nil, "refused": {1, 11}, "stored": {1}} {
		b, err := writer.PrepareBatch(t.Context(), "INSERT INTO over")
		if err != nil {
			t.Fatal(err)
		}
		if n := running(t, watcher, "INSERT INTO over"); n != 1 {
			t.Errorf("%s: %d inserts run before it has its rows, want 1", name, n)
		}
		for _, row := range rows {
			if err := b.Append(row); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.Send(); err != nil != (name == "refused") {
			t.Errorf("%s: %v", name, err)
		}
		for deadline := time.Now().Add(time.Minute); running(t, watcher, "INSERT INTO over") > 0; time.Sleep(time.Millisecond) { // of one that is refused its sender hears first
			if time.Now().After(deadline) {
				t.Fatalf("%s: it runs though it is over", name)
			}
		}
	}
	if got := scalar[uint64](t, watcher, "SELECT count() FROM over"); got != 1 {
		t.Errorf("stored %d rows", got)
	}
}
