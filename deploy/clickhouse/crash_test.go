package clickhouse_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/midwatch/midwatch/deploy/clickhouse"
)

// TestKillLosesNoAcknowledgedRow kills the server in the middle of inserts, three times, and compares what it stored
// with what it acknowledged.
func TestKillLosesNoAcknowledgedRow(t *testing.T) {
	dir := t.TempDir()
	server := startChild(t, dir)
	run(t, server, "CREATE TABLE crash (batch UInt64, n UInt32, s String) ENGINE = MergeTree ORDER BY batch")
	const batchRows, writers, perRound = 500, 4, 20
	var acked struct {
		sync.Mutex
		next    uint64
		batches map[uint64]bool
	}
	acked.batches = map[uint64]bool{}
	for round := range 3 {
		var writing sync.WaitGroup
		enough := make(chan struct{})
		want := len(acked.batches) + perRound
		for range writers {
			writing.Go(func() {
				for {
					acked.Lock()
					acked.next++
					id := acked.next
					acked.Unlock()
					b, err := server.PrepareBatch(t.Context(), "INSERT INTO crash")
					for i := uint32(0); i < batchRows && err == nil; i++ {
						err = b.Append(id, i, fmt.Sprint("value ", i))
					}
					if err != nil || b.Send() != nil {
						return // the kill
					}
					acked.Lock()
					if acked.batches[id] = true; len(acked.batches) == want {
						close(enough)
					}
					acked.Unlock()
				}
			})
		}
		select {
		case <-enough:
		case <-time.After(time.Minute):
			t.Error("the inserts do not get on")
		}
		server.Kill()
		writing.Wait()
		server = startChild(t, dir)
		for id := range acked.batches {
			if n := scalar[uint64](t, server, "SELECT count() FROM crash WHERE batch = ?", id); n != batchRows {
				t.Errorf("round %d: batch %d was acknowledged and has %d rows, want %d", round, id, n, batchRows)
			}
		}
		t.Logf("round %d: %d batches acknowledged", round, len(acked.batches))
	}
}

// TestStopEndsQueries asks a server with a running query to stop.
func TestStopEndsQueries(t *testing.T) {
	server := startChild(t, t.TempDir())
	failed := make(chan error, 1)
	go func() {
		failed <- server.Exec(t.Context(), "SELECT count() AS endless FROM numbers(1000000000000) WHERE cityHash64(number) = 1")
	}()
	eventually(t, "the query runs", func() bool { return running(t, server, "endless") == 1 })
	stop(t, server)
	if err := <-failed; err == nil {
		t.Error("the query answered")
	}
}

func TestNothingLiesOnDiskInClear(t *testing.T) {
	dir := t.TempDir()
	server := startChild(t, dir)
	const secret = "the quick brown needle"
	run(t, server, "CREATE TABLE rest (s String CODEC(NONE)) ENGINE = MergeTree ORDER BY s")
	run(t, server, "INSERT INTO rest SELECT ? FROM numbers(1000)", secret)
	if got := scalar[uint64](t, server, "SELECT count() FROM rest WHERE s = ?", secret); got != 1000 {
		t.Fatalf("stored %d rows, want 1000", got)
	}
	run(t, server, "OPTIMIZE TABLE rest FINAL")
	stop(t, server)
	cfg, err := config(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	err = filepath.WalkDir(filepath.Join(dir, "data"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		for what, needle := range map[string]string{"a row": secret, "the key": string(cfg.Key), "the key in hex": hex.EncodeToString(cfg.Key)} {
			if bytes.Contains(b, []byte(needle)) {
				t.Errorf("%s holds %s", path, what)
			}
		}
		return err
	})
	if err != nil || files < 5 {
		t.Errorf("looked at %d files, %v", files, err)
	}
	wrongKey(t, dir)
	if got := scalar[uint64](t, startChild(t, dir), "SELECT count() FROM rest WHERE s = ?", secret); got != 1000 {
		t.Errorf("%d rows came back, want 1000", got)
	}
}

func stop(t *testing.T, server child) {
	t.Helper()
	if err := server.Stop(); err != nil {
		t.Fatalf("the server did not stop cleanly: %v", err)
	}
}

// wrongKey expects that a directory is not served with another key than its own.
func wrongKey(t *testing.T, dir string) {
	t.Helper()
	cfg, err := config(dir)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Key = bytes.Repeat([]byte{1}, 32)
	srv, err := clickhouse.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Run(t.Context()); !errors.Is(err, clickhouse.ErrKey) {
		t.Errorf("got %v, want ErrKey", err)
	}
}
