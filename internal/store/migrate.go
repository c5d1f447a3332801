package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

//go:embed migrations/*.sql
var files embed.FS

// migration is one file of migrations/: its statements in order. ClickHouse has no transactions, so each statement is
// written so that its whole file can run again after a crash: IF NOT EXISTS, or cleared before it is filled.
type migration struct {
	version    uint32 // the number its name starts with
	name       string
	statements []string
}

const versions = `CREATE TABLE IF NOT EXISTS schema_versions (
	version UInt32, name String, applied DateTime64(3, 'UTC') DEFAULT now64(3)
) ENGINE = ReplacingMergeTree ORDER BY version`

// Migrate brings the schema up to this program's version, forwards only. Several processes may do so at once: one migrates, the others
// wait. A schema that is newer than this program is an error, because it may lack what this program writes.
func Migrate(ctx context.Context, db *DB) error {
	all, err := migrations(files)
	if err != nil {
		return err
	}
	if len(db.hosts) > 0 {
		return db.migrateHosts(ctx, all)
	}
	return migrate(ctx, db, all)
}

// migrate applies to one server what it lacks of all.
func migrate(ctx context.Context, db *DB, all []migration) error {
	if err := db.Exec(ctx, versions); err != nil {
		return fmt.Errorf("migrate the store: %w", err)
	}
	if err := db.checkKind(ctx); err != nil {
		return fmt.Errorf("migrate the store: %w", err)
	}
	if missing, err := missing(ctx, db, all); err != nil || len(missing) == 0 {
		return err
	}
	return locked(ctx, db, usualTiming(), func(ctx context.Context, held heldLock) error {
		missing, err := missing(ctx, db, all) // another process may have been at it
		if err != nil {
			return err
		}
		for _, m := range missing {
			if err := m.room(ctx, db); err != nil {
				return err
			}
			if err := m.apply(ctx, held); err != nil {
				return err
			}
		}
		return nil
	})
}

// missing returns which of all the store lacks.
func missing(ctx context.Context, db *DB, all []migration) ([]migration, error) {
	var applied []uint32
	if err := db.QueryRow(ctx, "SELECT groupUniqArray(version) FROM schema_versions").Scan(&applied); err != nil {
		return nil, fmt.Errorf("ask for the store's version: %w", err)
	}
	if latest := all[len(all)-1].version; len(applied) > 0 && slices.Max(applied) > latest {
		return nil, fmt.Errorf("the store's schema is version %d, this program knows %d; run a newer midwatch", slices.Max(applied), latest)
	}
	// They are applied in order: one below the latest was applied even if a crash of the server took the note of it, and its tables may be gone.
	return slices.DeleteFunc(slices.Clone(all), func(m migration) bool { return len(applied) > 0 && m.version <= slices.Max(applied) }), nil
}

// longest bounds one statement: copying a large table takes a while, and without a deadline the driver gives up after five minutes of silence.
const longest = 12 * time.Hour

func (m migration) apply(ctx context.Context, held heldLock) error {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	// The guard against dropping much by mistake would keep what was copied.
	for i, statement := range m.statements {
		if err := m.run(ctx, held, statement); err != nil {
			return fmt.Errorf("migrate the store: %s, statement %d: %w", m.name, i+1, err)
		}
	}
	if err := held.db.Exec(ctx, "INSERT INTO schema_versions (version, name) SELECT ?, ?", m.version, m.name); err != nil {
		return fmt.Errorf("migrate the store: note that %s is done: %w", m.name, err)
	}
	return nil
}

func (m migration) run(ctx context.Context, held heldLock, statement string) error {
	if err := held.check(ctx); err != nil {
		return err
	}
	// The guard against dropping much by mistake would keep what was copied.
	settings := clickhouse.Settings{"max_table_size_to_drop": 0, "max_partition_size_to_drop": 0}
	if err := held.db.Exec(held.statement(ctx, settings), statement); err != nil {
		return err
	}
	return awaitInserts(ctx, held.db, statement)
}

// migrations reads all files, oldest first.
func migrations(dir fs.FS) ([]migration, error) {
	paths, err := fs.Glob(dir, "migrations/*.sql") // sorted by name
	if err != nil {
		return nil, err
	}
	var all []migration
	for _, path := range paths {
		name := strings.TrimPrefix(path, "migrations/")
		number, _, _ := strings.Cut(name, "_")
		version, err := strconv.ParseUint(number, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("migration %s: its name has to start with a number", name)
		}
		text, err := fs.ReadFile(dir, path)
		if err != nil {
			return nil, fmt.Errorf("read migration %s: %w", name, err)
		}
		all = append(all, migration{version: uint32(version), name: name, statements: split(string(text))})
	}
	return all, nil
}

// split cuts a script at the semicolons outside of comments and quotes. Comments stay behind.
func split(script string) (statements []string) {
	var current strings.Builder
	finish := func() {
		if s := strings.TrimSpace(current.String()); s != "" {
			statements = append(statements, s)
		}
		current.Reset()
	}
	for i := 0; i < len(script); {
		n := 1
		switch {
		case script[i] == ';':
			finish()
			i++
			continue
		case strings.HasPrefix(script[i:], "--"):
			if n = strings.IndexByte(script[i:], '\n'); n < 0 {
				n = len(script) - i
			}
			i += n
			continue
		case strings.IndexByte("'\"`", script[i]) >= 0:
			n = quoted(script[i:])
		}
		current.WriteString(script[i : i+n])
		i += n
	}
	finish()
	return statements
}

// quoted is the length of the quoted thing that s starts with.
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0]:
			return i + 1
		}
	}
	return len(s)
}
