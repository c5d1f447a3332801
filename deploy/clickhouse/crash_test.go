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
	"slices"
	"strconv"
	"strings"
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
	mergeLarge(t, dir, server, secret)
	spill(t, dir, server, secret)
	elsewhere(t, dir, server)
	stop(t, server)
	if files := inClear(t, dir, secret); files < 5 {
		t.Errorf("looked at %d files", files)
	}
	wrongKey(t, dir)
	if got := scalar[uint64](t, startChild(t, dir), "SELECT count() FROM rest WHERE s = ?", secret); got != 1000 {
		t.Errorf("%d rows came back, want 1000", got)
	}
}

// mergeLarge merges parts so large that the engine merges them column by column, which takes a temporary file, and looks for rows all the while.
func mergeLarge(t *testing.T, dir string, server child, secret string) {
	t.Helper()
	columns, values := "", ""
	for i := range 12 {
		columns += fmt.Sprintf(", c%d String CODEC(NONE)", i)
		values += ", ?"
	}
	run(t, server, "CREATE TABLE wide (n UInt64"+columns+") ENGINE = MergeTree ORDER BY n SETTINGS min_bytes_for_wide_part = 0")
	for range 2 {
		run(t, server, "INSERT INTO wide SELECT number"+values+" FROM numbers(100000)", slices.Repeat([]any{secret}, 12)...)
	}
	whileLooking(t, dir, secret, func() {
		if err := server.Exec(t.Context(), "OPTIMIZE TABLE wide FINAL"); err != nil {
			t.Error(err)
		}
	})
	if got := scalar[uint64](t, server, "SELECT count() FROM system.parts WHERE table = 'wide' AND active"); got != 1 {
		t.Errorf("there are %d parts after the merge, want 1", got)
	}
	if got := scalar[uint64](t, server, "SELECT sum(value) FROM system.events WHERE event = 'GatheredColumns'"); got == 0 {
		t.Error("nothing was merged column by column")
	}
}

// whileLooking looks for a secret in every file while something is done.
func whileLooking(t *testing.T, dir, secret string, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); do() }()
	for {
		select {
		case <-done:
			return
		default:
			inClear(t, dir, secret)
		}
	}
}

// spill has a client ask for what would write to temporary files, and looks for them all the while.
func spill(t *testing.T, dir string, server child, secret string) {
	t.Helper()
	const (
		refused, noMemory = 452, 241
		rows              = "(SELECT concat('the quick brown needle', toString(number)) AS x FROM numbers(400000))"
		sort              = "SELECT sum(y) FROM (SELECT lagInFrame(x) OVER (ORDER BY cityHash64(x)) != x AS y FROM " + rows
		group             = "SELECT max(c) FROM (SELECT x, count() AS c FROM " + rows + " GROUP BY x"
		join              = "SELECT max(c) AS c FROM (SELECT count() AS c FROM " + rows + " AS a JOIN " + rows + " AS b USING x"
		merge             = "'partial_merge', max_bytes_in_join = 1000000, partial_merge_join_left_table_buffer_bytes = 1000)"
	)
	quoted := strings.ReplaceAll(join+" SETTINGS join_algorithm = "+merge, "'", `\'`)
	for query, want := range map[string]int{
		sort + " SETTINGS max_bytes_before_external_sort = 1000000, min_external_sort_block_bytes = 0)":                                 refused,
		sort + ") SETTINGS max_bytes_before_external_sort = 1000000, min_external_sort_block_bytes = 0":                                 refused,
		group + " SETTINGS max_bytes_before_external_group_by = 1000000)":                                                               refused,
		group + ") SETTINGS max_bytes_before_external_group_by = 1000000":                                                               refused,
		group + ") SETTINGS max_memory_usage = 10000000":                                                                                noMemory,
		join + " SETTINGS join_algorithm = 'grace_hash', grace_hash_join_initial_buckets = 4)":                                          refused,
		join + " SETTINGS max_bytes_before_external_join = 1000000)":                                                                    refused,
		join + " SETTINGS join_algorithm = " + merge:                                                                                    refused,
		join + " SETTINGS `\\x6aoin_algorithm`\v= " + merge:                                                                             refused,
		"SELECT count() FROM rest SETTINGS additional_table_filters = {'rest': 's IN (" + quoted + ")'}":                                refused,
		"INSERT INTO rest SELECT toString(c) FROM (" + join + " SETTINGS join_algorithm = " + merge + ")" + strings.Repeat(" ", 64<<10): refused,
		"CREATE DICTIONARY told (c UInt64) PRIMARY KEY c SOURCE(CLICKHOUSE(QUERY '" + quoted + "')) LAYOUT(FLAT()) LIFETIME(0)":         refused,
	} {
		whileLooking(t, dir, secret, func() {
			if err := server.Exec(t.Context(), query); code(err) != want {
				t.Errorf("%.300s: got %v, want code %d", query, err, want)
			}
		})
	}
}

// elsewhere has a client ask for tables on another disk than the encrypted one.
func elsewhere(t *testing.T, dir string, server child) {
	t.Helper()
	const table = "TABLE %s (s String) ENGINE = MergeTree ORDER BY s SETTINGS "
	for i, where := range []string{
		"storage_policy = 'default'", "disk = 'default'", "disk = disk(type = local, path = '/')", "disk = disk(type = local, name = 'mine', path = 'mine/')",
		"disk = disk(type = object_storage, object_storage_type = local, metadata_type = local, path = '" + dir + "/mine/')",
	} {
		name := fmt.Sprint("elsewhere", i)
		run(t, server, "CREATE TABLE "+name+"_here (s String) ENGINE = MergeTree ORDER BY s")
		for _, query := range []string{
			"CREATE " + fmt.Sprintf(table, name) + where,
			"ATTACH " + fmt.Sprintf(table, name+" UUID '11111111-2222-3333-4444-55555555555"+strconv.Itoa(i)+"'") + where,
			"ALTER TABLE " + name + "_here MODIFY SETTING " + where,
		} {
			err := server.Exec(t.Context(), query)
			if c := code(err); c != 452 && (c != 36 || !strings.HasPrefix(where, "disk = disk(")) { // 36: where such a disk would be is not configured
				t.Errorf("%s: got %v, want code 452", query, err)
			}
		}
	}
	const policies = "SELECT arraySort(groupUniqArray(storage_policy)) FROM system.tables WHERE engine LIKE '%MergeTree'"
	if got := scalar[[]string](t, server, policies); !slices.Equal(got, []string{"encrypted"}) {
		t.Errorf("tables are of the policies %q", got)
	}
	run(t, server, "CREATE TABLE as_ever (s String) ENGINE = MergeTree ORDER BY s SETTINGS storage_policy = 'encrypted'")
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
	check := filepath.Join(cfg.Dir, "midwatch.key-check")
	if err := os.Rename(check, check+".away"); err != nil {
		t.Fatal(err)
	}
	if err := srv.Run(t.Context()); !errors.Is(err, clickhouse.ErrKey) {
		t.Errorf("nothing says which key it is: got %v, want ErrKey", err)
	}
	if err := os.Rename(check+".away", check); err != nil {
		t.Fatal(err)
	}
}
