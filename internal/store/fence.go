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

// insertsEnd is how long inserts may go on into a table that was set aside: one takes seconds; INSERT SELECT by hand may take longer.
const insertsEnd = 10 * time.Minute

// awaitInserts waits, after a statement that set a table aside, for the inserts into it that began before: they end in the table under its new
// name, and are to be copied, too. Those that begin later find no table.
func awaitInserts(ctx context.Context, db *DB, statement string) error {
	renamed := setAside.FindStringSubmatch(statement)
	if renamed == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, insertsEnd)
	defer cancel()
	all := func(string) bool { return true }
	if err := db.quiet(ctx, renamed[1], all); err != nil {
		return fmt.Errorf("set %s aside; end what still inserts into it: %w", renamed[1], err)
	}
	return nil
}
