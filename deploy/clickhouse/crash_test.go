package clickhouse_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/midwatch/midwatch/deploy/clickhouse"
)

// TestKillLosesNoAcknowledgedRow kills the server in the middle of inserts, MIDWATCH_KILLS times (3), at moments that
// MIDWATCH_SEED decides, and compares what it stored with what it acknowledged. What was acknowledged is there; a batch
// whose answer was lost is there whole or not at all.
func TestKillLosesNoAcknowledgedRow(t *testing.T) {
	rounds, seed := number(t, "MIDWATCH_KILLS", 3), number(t, "MIDWATCH_SEED", time.Now().UnixNano())
	t.Logf("MIDWATCH_SEED=%d", seed)
	random := rand.New(rand.NewPCG(uint64(seed), 0)) //nolint:gosec // of a test
	dir := t.TempDir()
	server := startChild(t, dir)
	run(t, server, "CREATE TABLE crash (batch UInt64, n UInt32, s String) ENGINE = MergeTree ORDER BY batch")
	w := writers{fate: map[uint64]bool{}}
	for round := range int(rounds) {
		want := w.acknowledged() + 10 + random.IntN(20)
		stop := w.start(t, server, 4)
		eventually(t, "more batches are acknowledged", func() bool { return w.acknowledged() >= want })
		time.Sleep(time.Duration(random.Int64N(int64(50 * time.Millisecond)))) // the moment is what is drawn
		server.Kill()
		stop()
		server = startChild(t, dir)
		w.check(t, server, round)
	}
}

// writers insert batches of their own until the server is gone.
type writers struct {
	sync.Mutex
	next uint64
	fate map[uint64]bool // :: batch → whether it was acknowledged
}

const batchRows = 500

func (w *writers) acknowledged() (n int) {
	w.Lock()
	defer w.Unlock()
	for _, acked := range w.fate {
		if acked {
			n++
		}
	}
	return n
}

// start starts n writers; stop waits for the end of the last.
func (w *writers) start(t *testing.T, server child, n int) (stop func()) {
	var writing sync.WaitGroup
	for range n {
		writing.Go(func() {
			for {
				w.Lock()
				w.next++
				id := w.next
				w.fate[id] = false
				w.Unlock()
				b, err := server.PrepareBatch(t.Context(), "INSERT INTO crash")
				for i := uint32(0); i < batchRows && err == nil; i++ {
					if err = b.Append(id, i, fmt.Sprint("value ", i)); err == nil && i == batchRows/2 {
						err = b.Flush() // a batch is two blocks
					}
				}
				if err != nil || b.Send() != nil {
					return // the kill
				}
				w.Lock()
				w.fate[id] = true
				w.Unlock()
			}
		})
	}
	return writing.Wait
}

func (w *writers) check(t *testing.T, server child, round int) {
	t.Helper()
	rows, err := server.Query(t.Context(), "SELECT batch, count() FROM crash GROUP BY batch")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	stored := map[uint64]uint64{}
	for rows.Next() {
		var id, n uint64
		if err := rows.Scan(&id, &n); err != nil {
			t.Fatal(err)
		}
		stored[id] = n
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	lost, unknown := 0, 0
	for id, acked := range w.fate {
		switch n := stored[id]; {
		case n == 0 && acked:
			lost++
		case n != 0 && n != batchRows:
			t.Errorf("round %d: batch %d has %d rows of %d", round, id, n, batchRows)
		case n != 0 && !acked:
			unknown++
		}
	}
	if lost > 0 {
		t.Errorf("round %d: %d acknowledged batches are lost", round, lost)
	}
	t.Logf("round %d: %d batches acknowledged, %d stored whose answer was lost", round, w.acknowledged(), unknown)
}

func number(t *testing.T, variable string, otherwise int64) int64 {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return n
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
	for _, query := range []string{
		"OPTIMIZE TABLE rest FINAL",
		"ALTER TABLE rest ADD COLUMN more String DEFAULT concat(s, ' more') CODEC(NONE), ADD INDEX words s TYPE tokenbf_v1(1024, 2, 0) GRANULARITY 1",
		"ALTER TABLE rest MATERIALIZE COLUMN more, MATERIALIZE INDEX words SETTINGS mutations_sync = 2",
		"ALTER TABLE rest UPDATE more = concat(more, ' and more') WHERE 1 SETTINGS mutations_sync = 2",
		"CREATE TEMPORARY TABLE passing (s String) ENGINE = Memory",
		"INSERT INTO passing SELECT s FROM rest",
	} {
		run(t, server, query)
	}
	spill(t, dir, server, secret)
	stop(t, server)
	if files := inClear(t, dir, secret); files < 5 {
		t.Errorf("looked at %d files", files)
	}
	wrongKey(t, dir)
	if got := scalar[uint64](t, startChild(t, dir), "SELECT count() FROM rest WHERE s = ?", secret); got != 1000 {
		t.Errorf("%d rows came back, want 1000", got)
	}
}

// spill has a client ask for what would write to temporary files, and looks for them all the while.
func spill(t *testing.T, dir string, server child, secret string) {
	t.Helper()
	queries := []string{
		"SELECT uniqExact(x) FROM (SELECT concat(?, toString(number)) AS x FROM numbers(400000) ORDER BY cityHash64(x) SETTINGS max_bytes_before_external_sort = 1000000) SETTINGS query_plan_remove_redundant_sorting = 0, max_bytes_before_external_sort = 1000000",
		"SELECT max(c) FROM (SELECT concat(?, toString(number)) AS x, count() AS c FROM numbers(400000) GROUP BY x SETTINGS max_bytes_before_external_group_by = 1000000)",
		"SELECT count() FROM (SELECT concat(?, toString(number)) AS x FROM numbers(400000)) AS a JOIN (SELECT concat('the quick brown needle', toString(number)) AS x, 1 AS y FROM numbers(400000)) AS b USING x SETTINGS join_algorithm = 'grace_hash', grace_hash_join_initial_buckets = 4, max_bytes_in_join = 1000000",
	}
	for _, query := range queries {
		done := make(chan error, 1)
		go func() { done <- server.QueryRow(t.Context(), query, secret).Scan(new(uint64)) }()
		for running := true; running; {
			select {
			case err := <-done:
				if running = false; err == nil {
					t.Errorf("%s: it spilled, where it must fail", query)
				}
			default:
				inClear(t, dir, secret)
			}
		}
	}
}

// inClear looks for a secret, and for the key, in every file of the data directory, and says how many there are.
func inClear(t *testing.T, dir, secret string) (files int) {
	t.Helper()
	cfg, err := config(dir)
	if err != nil {
		t.Fatal(err)
	}
	needles := map[string]string{"a row": secret, "the key": string(cfg.Key), "the key in hex": hex.EncodeToString(cfg.Key)}
	err = filepath.WalkDir(filepath.Join(dir, "data"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return ignoreGone(err)
		}
		files++
		b, err := os.ReadFile(path)
		for what, needle := range needles {
			if bytes.Contains(b, []byte(needle)) {
				t.Errorf("%s holds %s", path, what)
			}
		}
		return ignoreGone(err)
	})
	if err != nil {
		t.Error(err)
	}
	return files
}

// ignoreGone is for a directory whose server works on it.
func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
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
