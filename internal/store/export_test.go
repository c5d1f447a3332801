package store

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// MigrateTo makes the schema of an earlier version.
func MigrateTo(t testing.TB, db *DB, version uint32) {
	t.Helper()
	if err := db.Exec(t.Context(), versions); err != nil {
		t.Fatal(err)
	}
	for _, m := range all(t) {
		if m.version > version {
			return
		}
		if err := m.apply(t.Context(), heldLock{db: db}); err != nil {
			t.Fatal(err)
		}
	}
}

// MigrateAndDie runs the first statements of the migrations after a version. A file's version is noted when a statement of the next one runs:
// a process that dies after a file's last statement has not noted it yet. It returns false if there are not so many.
func MigrateAndDie(t testing.TB, db *DB, version uint32, statements int) bool {
	t.Helper()
	for _, m := range all(t) {
		if m.version <= version {
			continue
		}
		if statements > len(m.statements) {
			statements -= len(m.statements)
			if err := m.apply(t.Context(), heldLock{db: db}); err != nil {
				t.Fatal(err)
			}
			continue
		}
		for _, s := range m.statements[:statements] {
			if err := db.Exec(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
		return true
	}
	return false
}

// MigrateWithin runs the statements of a version, none of which may take more memory than so many bytes.
func MigrateWithin(t testing.TB, db *DB, version uint32, bytes int) error {
	t.Helper()
	ctx := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"max_memory_usage": bytes}))
	for _, m := range all(t) {
		for _, s := range m.statements {
			if m.version != version {
				continue
			}
			if err := db.Exec(ctx, s); err != nil {
				return fmt.Errorf("%.60s: %w", s, err)
			}
		}
	}
	return nil
}

// Locked is locked with beats and looks so many milliseconds apart, and death after ten of them.
func Locked(ctx context.Context, db *DB, ms int, change func(context.Context) error) error {
	every := time.Duration(ms) * time.Millisecond
	return locked(ctx, db, lockTiming{beat: every, look: every, dead: 10 * every}, func(ctx context.Context, _ heldLock) error { return change(ctx) })
}

// MakeLock says whether lock n could be taken by who thinks that it is the next.
func MakeLock(ctx context.Context, db *DB, n uint64) (bool, error) { return makeLock(ctx, db, n) }

// UnderLock is the context of a statement of who holds, or held, lock n.
func UnderLock(ctx context.Context, db *DB, n uint64) context.Context {
	return heldLock{db, n}.statement(ctx, clickhouse.Settings{})
}

// LastStatement is the last one of a version's file.
func LastStatement(t testing.TB, version uint32) string {
	t.Helper()
	for _, m := range all(t) {
		if m.version == version {
			return m.statements[len(m.statements)-1]
		}
	}
	t.Fatalf("there is no version %d", version)
	return ""
}

func all(t testing.TB) []migration {
	t.Helper()
	all, err := migrations(files)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// MigrateHolding applies a version as who holds, or held, lock n.
func MigrateHolding(t testing.TB, db *DB, version uint32, n uint64) error {
	t.Helper()
	for _, m := range all(t) {
		if m.version == version {
			return m.apply(t.Context(), heldLock{db, n})
		}
	}
	t.Fatalf("there is no version %d", version)
	return nil
}
