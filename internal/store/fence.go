package store

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// heldLock is a lock of the schema that this process holds, or held.
type heldLock struct {
	db *DB
	n  uint64
}

var errLockLost = errors.New("another process took the lock of the schema, because this one seemed dead")

// check returns an error unless the lock is still this process's: one that slept for long finds out before it does anything else.
func (l heldLock) check(ctx context.Context) error {
	n, _, err := lockHolder(ctx, l.db)
	if err == nil && n != l.n {
		err = errLockLost
	}
	return err
}

// statement is the context of a statement under the lock, with settings besides. Its log_comment says whose it is, so that whoever takes the
// lock from a holder that seems dead can end what the server still runs for it.
func (l heldLock) statement(ctx context.Context, settings clickhouse.Settings) context.Context {
	settings["log_comment"] = tagOf(l.db) + strconv.FormatUint(l.n, 10)
	return clickhouse.Context(ctx, clickhouse.WithSettings(settings))
}

func tagOf(db *DB) string { return "midwatch schema " + db.cfg.Database + " " }

// killWait is how long the end of another's statements may take.
const killWait = time.Minute

// endStatements ends those that run under a lock of the schema, and waits until they are gone.
func endStatements(ctx context.Context, db *DB) error {
	ctx, cancel := context.WithTimeout(ctx, killWait)
	defer cancel()
	if err := db.Exec(ctx, "KILL QUERY WHERE position(Settings['log_comment'], ?) > 0 SYNC", tagOf(db)); err != nil {
		return fmt.Errorf("end what a dead holder of the lock left running: %w", err)
	}
	return nil
}

// setAside finds the table that a statement gives another name.
var setAside = regexp.MustCompile(`^RENAME TABLE IF EXISTS (\w+) TO`)

const (
	insertsEnd  = 10 * time.Minute // an insert takes seconds; INSERT SELECT by hand may take longer
	insertsLook = 200 * time.Millisecond
)

// awaitInserts waits, after a statement that set a table aside, for the inserts into it that began before: they end in the table under its new
// name, and are to be copied, too. Those that begin later find no table.
func awaitInserts(ctx context.Context, db *DB, statement string) error {
	renamed := setAside.FindStringSubmatch(statement)
	if renamed == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, insertsEnd)
	defer cancel()
	tick := time.NewTicker(insertsLook)
	defer tick.Stop()
	into := "(?i)^\\s*INSERT\\s+INTO\\s+(TABLE\\s+)?([`\"]?" + regexp.QuoteMeta(db.cfg.Database) + "[`\"]?\\.)?[`\"]?" + renamed[1] + "[`\"]?(\\s|\\()"
	for {
		var running uint64
		err := db.QueryRow(ctx, `SELECT count() FROM system.processes WHERE query_kind = 'Insert' AND match(query, ?)
			AND (current_database = currentDatabase() OR position(query, currentDatabase()) > 0)`, into).Scan(&running)
		if err != nil {
			return fmt.Errorf("look for inserts into %s: %w", renamed[1], err)
		}
		if running == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%d inserts into %s do not end; end them: %w", running, renamed[1], ctx.Err())
		}
	}
}
