package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"golang.org/x/sys/unix"

	"github.com/midwatch/midwatch/deploy/clickhouse/clickhousetest"
	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
)

// smallDisk is a store on a filesystem of its own of so many bytes.
func smallDisk(t *testing.T, size int, retention store.Retention) (*store.DB, string) {
	t.Helper()
	cfg, data := smallServer(t, size)
	cfg.Retention = retention
	return withDays(t, cfg), data
}

// smallServer is a server on a filesystem of its own of so many bytes, and where that is.
func smallServer(t *testing.T, size int) (cfg store.Config, data string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("mounting a filesystem takes root")
	}
	dir := t.TempDir()
	data = filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", data, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Skipf("mount a tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(data, 0); err != nil {
			t.Error(err)
		}
	})
	s := clickhousetest.Start(t, dir)
	return store.Config{Addresses: []string{s.Address}, TLS: s.TLS}, data
}

// withDays is a store with two tables of days.
func withDays(t *testing.T, cfg store.Config) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	for _, table := range []string{"spans", "logs"} {
		if err := db.Exec(t.Context(), "CREATE TABLE "+table+" (time DateTime, s String CODEC(NONE)) ENGINE = MergeTree PARTITION BY toDate(time) ORDER BY time"); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// fill stores so many megabytes of a day, ago days back.
func fill(t *testing.T, db *store.DB, table string, ago, megabytes int) error {
	t.Helper()
	return db.Exec(t.Context(), fmt.Sprintf("INSERT INTO %s SELECT now() - INTERVAL %d DAY, randomString(1000) FROM numbers(%d)", table, ago, 1000*megabytes))
}

func days(t *testing.T, db *store.DB, table string) (ago []string) {
	t.Helper()
	var got []int64
	if err := db.QueryRow(t.Context(), "SELECT groupUniqArray(toInt64(toDate(now()) - toDate(time))) FROM "+table).Scan(&got); err != nil {
		t.Fatal(err)
	}
	for want := range int64(10) {
		for _, d := range got {
			if d == want {
				ago = append(ago, fmt.Sprint(d))
			}
		}
	}
	return ago
}

func TestRelieveDropsTheOldestUntilThereIsRoom(t *testing.T) {
	db, data := smallDisk(t, 300<<20, store.Retention{DiskShare: 0.4})
	for ago := 5; ago >= 0; ago-- {
		for table, megabytes := range map[string]int{"spans": 5, "logs": 15} {
			if err := fill(t, db, table, ago, megabytes); err != nil {
				t.Fatal(err)
			}
		}
	}
	// 120 MB and what the engine itself takes: something has to go, and the larger table's oldest day is enough or nearly.
	dropped, err := db.Relieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(data, &fs); err != nil {
		t.Fatal(err)
	}
	if used := 1 - float64(fs.Bavail)/float64(fs.Blocks); used > 0.4 || used < 0.3 {
		t.Errorf("%.2f of the disk is in use; dropped %v", used, dropped)
	}
	if len(dropped) == 0 || dropped[0].Table != "logs" || dropped[0].Reason != store.DiskFull || dropped[0].Bytes < 15_000_000 ||
		!dropped[0].Day.Equal(time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -5)) {
		t.Errorf("dropped %v", dropped)
	}
	if again, err := db.Relieve(t.Context()); err != nil || len(again) != 0 {
		t.Errorf("a second time: %v, %v", again, err)
	}
	if got := strings.Join(days(t, db, "logs"), " "); got != "0 1 2 3 4" {
		t.Errorf("logs of the days %s are left", got)
	}
}

func TestRelieveOfAFullDisk(t *testing.T) {
	db, data := smallDisk(t, 150<<20, store.Retention{DiskShare: 0.5, MaxBytes: 1_000_000})
	full := func() (err error) {
		for ago := 3; err == nil; ago = max(ago-1, 0) {
			err = fill(t, db, "logs", ago, 10)
		}
		return err
	}
	var e *clickhouse.Exception
	if err := full(); !errors.As(err, &e) || e.Code != 243 && e.Code != 1001 {
		t.Fatalf("a full disk: got %v, want NOT_ENOUGH_SPACE", err)
	}
	fillUp(t, data)
	if dropped, err := db.Relieve(t.Context()); !errors.Is(err, store.ErrOnlyToday) || len(dropped) != 3 {
		t.Fatalf("dropped %v, %v; want three days", dropped, err)
	}
	if got := strings.Join(days(t, db, "logs"), " "); got != "0" {
		t.Errorf("logs of the days %s are left", got)
	}
	if err := os.Remove(filepath.Join(data, "not-ours")); err != nil {
		t.Fatal(err)
	}
	if err := fill(t, db, "logs", 0, 5); err != nil {
		t.Errorf("an insert after it: %v", err)
	}
}

// fillUp has somebody else take every byte that is left of the disk, and waits until the server gives up its ballast.
func fillUp(t *testing.T, data string) {
	t.Helper()
	f, err := os.Create(filepath.Join(data, "not-ours"))
	if err != nil {
		t.Fatal(err)
	}
	for size := 1 << 20; size > 0 && err == nil; {
		if _, err = f.Write(make([]byte, size)); errors.Is(err, unix.ENOSPC) {
			size, err = size/2, nil
		}
	}
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(data, "midwatch.ballast")); errors.Is(err, os.ErrNotExist) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the server keeps its ballast")
		}
	}
}

// occupy has somebody else's file grow until so many bytes of the disk are in use.
func occupy(t *testing.T, data string, bytes uint64) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(data, "not-ours"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(data, &fs); err != nil {
		t.Fatal(err)
	}
	if used := (fs.Blocks - fs.Bavail) * uint64(fs.Bsize); used < bytes { //nolint:gosec // a block has a size
		_, err = f.Write(make([]byte, bytes-used))
	}
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestRelieveDropsNoHistoryForOthers has somebody else take most of the disk.
func TestRelieveDropsNoHistoryForOthers(t *testing.T) {
	const size, share, history = 400 << 20, 0.5, "0 1 2 3 4 5"
	relieve := func(over int, want error, left string) func(*testing.T, *store.DB, string) {
		return func(t *testing.T, db *store.DB, data string) {
			occupy(t, data, uint64(size*share)+uint64(over))
			if dropped, err := db.Relieve(t.Context()); !errors.Is(err, want) {
				t.Errorf("%d bytes too many: dropped %v, %v; want %v", over, dropped, err, want)
			}
			if got := strings.Join(days(t, db, "logs"), " "); got != left {
				t.Errorf("%d bytes too many: logs of the days %s are left, want %s", over, got, left)
			}
		}
	}
	for name, run := range map[string]func(*testing.T, *store.DB, string){
		"all of it would not do":        relieve(100<<20, store.ErrOthers, history),
		"older than the least would do": relieve(12_000_000, nil, "0 1 2 3"),
		"the least would have to go":    relieve(40_000_000, store.ErrOthers, history),
	} {
		t.Run(name, func(t *testing.T) {
			db, data := smallDisk(t, size, store.Retention{DiskShare: share})
			for ago := range 6 {
				if err := fill(t, db, "logs", ago, 10); err != nil {
					t.Fatal(err)
				}
			}
			run(t, db, data)
		})
	}
}

func TestRelieveOfWhatIsAllowed(t *testing.T) {
	cfg := storetest.Config(t)
	cfg.Retention = store.Retention{DiskShare: 1, MaxBytes: 25_000_000}
	db := withDays(t, cfg)
	for ago := range 4 {
		if err := fill(t, db, "spans", ago, 10); err != nil {
			t.Fatal(err)
		}
	}
	if dropped, err := db.Relieve(t.Context()); err != nil || len(dropped) != 2 {
		t.Errorf("dropped %v, %v; want two days", dropped, err)
	}
	if got := strings.Join(days(t, db, "spans"), " "); got != "0 1" {
		t.Errorf("spans of the days %s are left", got)
	}
}
