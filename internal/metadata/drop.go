package metadata

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

const (
	// dropAtOnce is how many incidents one transaction looks at: others wait for it, on SQLite all that write.
	dropAtOnce = 20
	// dropPause lets them in between two.
	dropPause = 50 * time.Millisecond
)

// DropInvestigations deletes the incidents that ended before a time, with all that belongs to them: investigations and replays, their
// turns, evidence, reports, questions and answers, prompts, pseudonyms, and fixes. An incident is kept whole while any part of it is
// younger or goes on: an investigation, a question, the incident itself, a fix that waits. The ledger has an age of its own; the
// audit log and spent nonces stay. It returns how many investigations were deleted, also with an error.
func (d *DB) DropInvestigations(ctx context.Context, before time.Time) (investigations int64, err error) {
	var last opened
	for {
		seen, dropped, err := d.dropSome(ctx, before, last)
		investigations += dropped
		if err != nil {
			return investigations, fmt.Errorf("drop old investigations: %w", err)
		}
		if len(seen) < dropAtOnce {
			return investigations, nil
		}
		last = seen[len(seen)-1]
		select {
		case <-ctx.Done():
			return investigations, ctx.Err()
		case <-time.After(dropPause):
		}
	}
}

// opened is an incident by when it began.
type opened struct {
	incident string
	at       int64
}

// dropSome looks at the next incidents after one, oldest first, and deletes those that are over.
func (d *DB) dropSome(ctx context.Context, before time.Time, after opened) (seen []opened, dropped int64, err error) {
	err = d.inTx(ctx, func(tx *sql.Tx) error {
		if seen, err = d.openedBefore(ctx, tx, before, after); err != nil {
			return err
		}
		for _, o := range seen {
			n, err := d.dropIncident(ctx, tx, o.incident, before)
			if err != nil {
				return fmt.Errorf("%s: %w", o.incident, err)
			}
			dropped += n
		}
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	return seen, dropped, nil
}

// openedBefore also locks what it returns.
func (d *DB) openedBefore(ctx context.Context, tx *sql.Tx, before time.Time, after opened) ([]opened, error) {
	var list []opened
	err := d.rows(ctx, tx, `SELECT id, opened_at FROM incidents WHERE opened_at < ? AND (opened_at > ? OR opened_at = ? AND id > ?)
		ORDER BY opened_at, id LIMIT ?`+d.locking(), []any{micros(before), after.at, after.at, after.incident, dropAtOnce},
		func(scan func(...any) error) error {
			var o opened
			err := scan(&o.incident, &o.at)
			list = append(list, o)
			return err
		})
	return list, err
}

// dropIncident deletes an incident if all of it ended before a time, and returns how many investigations it had.
func (d *DB) dropIncident(ctx context.Context, tx *sql.Tx, id string, before time.Time) (investigations int64, err error) {
	ids, over, err := d.investigationsOver(ctx, tx, id, before)
	if err != nil || !over {
		return 0, err
	}
	if over, err = d.incidentOver(ctx, tx, id, before); err != nil || !over {
		return 0, err
	}
	for _, inv := range ids {
		for _, table := range []string{"turns", "evidence", "questions", "asks", "pseudonyms"} {
			if _, err := d.exec(ctx, tx, `DELETE FROM `+table+` WHERE investigation = ?`, inv); err != nil {
				return 0, err
			}
		}
	}
	if investigations, err = d.exec(ctx, tx, `DELETE FROM investigations WHERE incident = ?`, id); err != nil {
		return 0, err
	}
	if _, err := d.exec(ctx, tx, `DELETE FROM fixes WHERE incident = ?`, id); err != nil {
		return 0, err
	}
	return investigations, d.one(ctx, tx, `DELETE FROM incidents WHERE id = ?`, id)
}

// investigationsOver returns the investigations of an incident, locked so that nothing is added to them meanwhile, and whether they
// and the questions about them are all older than a time.
func (d *DB) investigationsOver(ctx context.Context, tx *sql.Tx, incident string, before time.Time) (ids []string, over bool, err error) {
	over = true
	err = d.rows(ctx, tx, `SELECT id, status, ended_at FROM investigations WHERE incident = ?`+d.locking(), []any{incident},
		func(scan func(...any) error) error {
			var id, status string
			var at int64
			err := scan(&id, &status, &at)
			ids = append(ids, id)
			over = over && status != Running && at != 0 && at < micros(before)
			return err
		})
	if err != nil || !over {
		return nil, false, err
	}
	var asked int
	err = d.row(ctx, tx, `SELECT COUNT(*) FROM questions q JOIN investigations i ON i.id = q.investigation WHERE i.incident = ? AND q.asked_at >= ?`,
		[]any{incident, micros(before)}, &asked)
	return ids, asked == 0, err
}

// incidentOver tells whether an incident and its fixes are older than a time.
func (d *DB) incidentOver(ctx context.Context, tx *sql.Tx, id string, before time.Time) (bool, error) {
	i, err := d.incident(ctx, tx, id, "")
	if err != nil || i.ClosedAt.IsZero() || !i.ClosedAt.Before(before) {
		return false, err
	}
	fixes, err := d.fixes(ctx, tx, `WHERE incident = ?`, id)
	for _, f := range fixes {
		if f.Pending() || !f.CreatedAt.Before(before) || !f.UpdatedAt.Before(before) {
			return false, err
		}
	}
	return true, err
}
