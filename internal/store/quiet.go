package store

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"time"
)

// quietEvery is how often the server is asked whether inserts still run.
const quietEvery = 20 * time.Millisecond

// Quiet waits until no Insert into a table runs that began before the call, of whichever process: the server goes on with an insert whose sender
// is gone, and until it ends a lookup cannot say whether its rows will be there. It does not wait for those that this process still has
// to be answered: what a caller looks up must be in none of them; nor for inserts made otherwise, such as INSERT SELECT by hand, which may take hours. The
// error is ctx's if that ends first. Without a cluster it looks at the one server it is connected to.
func (db *DB) Quiet(ctx context.Context, table string) error {
	if len(db.hosts) > 0 {
		return db.quietHosts(ctx, table)
	}
	return db.quiet(ctx, table, db.inserters.others())
}

// quiet waits for the inserts into a table that run now and whose marks count.
func (db *DB) quiet(ctx context.Context, table string, counts func(mark string) bool) error {
	tick := time.NewTicker(quietEvery)
	defer tick.Stop()
	before, err := db.inserting(ctx, table, counts)
	for now := before; err == nil && overlap(before, now); now, err = db.inserting(ctx, table, counts) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for %d inserts into %s to end: %w", len(now), table, ctx.Err())
		}
	}
	if end, ok := ctx.Deadline(); err != nil && ok && time.Now().After(end) { // the driver ends a query then, with words of its own
		return fmt.Errorf("wait for inserts into %s to end: %w", table, context.DeadlineExceeded)
	}
	return err
}

func overlap(a, b map[string]bool) bool {
	for id := range a {
		if b[id] {
			return true
		}
	}
	return false
}

// inserting returns the ids of the inserts that run into a table, whoever wrote them in whichever way, if their marks count. Those
// that Insert did not make have none, or something else for one.
func (db *DB) inserting(ctx context.Context, table string, counts func(mark string) bool) (map[string]bool, error) {
	into := "(?i)^\\s*INSERT\\s+INTO\\s+(TABLE\\s+)?([`\"]?" + regexp.QuoteMeta(db.cfg.Database) + "[`\"]?\\.)?[`\"]?" + regexp.QuoteMeta(table) + "[`\"]?(\\s|\\()"
	var ids, comments []string
	err := db.QueryRow(ctx, `SELECT groupArray(query_id), groupArray(Settings['log_comment']) FROM system.processes WHERE query_kind = 'Insert' AND match(query, ?)
		AND (current_database = currentDatabase() OR position(query, currentDatabase()) > 0)`, into).Scan(&ids, &comments)
	if err != nil {
		return nil, fmt.Errorf("look for inserts into %s: %w", table, err)
	}
	out := make(map[string]bool, len(ids))
	for i, id := range ids {
		if mark := comments[i][strings.LastIndexByte(comments[i], ' ')+1:]; counts(mark) { // the embedded server puts a word before it
			out[id] = true
		}
	}
	return out, nil
}

// others says of a mark whether it is of an Insert that nobody here is to be answered any more.
func (i *inserters) others() func(mark string) bool {
	awaited := i.awaited()
	return func(mark string) bool { return strings.HasPrefix(mark, insertMark) && !awaited[mark] }
}

// awaited is the marks of the connections that have an insert to be answered.
func (i *inserters) awaited() map[string]bool {
	if i == nil {
		return nil
	}
	i.busy.Lock()
	defer i.busy.Unlock()
	return maps.Clone(i.busy.marks)
}
