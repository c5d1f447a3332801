package metadata

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
)

// States of an investigation.
const (
	Running   = "running"
	Concluded = "concluded" // it has a report
	Failed    = "failed"
)

// Investigation is one investigation as far as it has come. Its evidence is apart.
type Investigation struct {
	Request   investigation.Request `json:"request"`
	Turns     []investigation.Turn  `json:"turns"` // by number
	Report    *investigation.Report `json:"report,omitempty"`
	Status    string                `json:"status"` // Running, Concluded, Failed
	StartedAt time.Time             `json:"started_at"`
	EndedAt   time.Time             `json:"ended_at,omitzero"`
}

// CreateInvestigation stores a request and starts it as Running. The same id again changes nothing.
func (d *DB) CreateInvestigation(ctx context.Context, r investigation.Request) error {
	sealed, err := d.seal(requestPurpose(r.ID), r)
	if err == nil {
		_, err = d.exec(ctx, d.sql, `INSERT INTO investigations
			(id, incident, environment, status, started_at, ended_at, revision, sealed) VALUES (?, ?, ?, ?, ?, 0, 1, ?)
			ON CONFLICT (id) DO NOTHING`, r.ID, r.Incident, r.Environment, Running, micros(time.Now()), sealed)
	}
	if err != nil {
		return fmt.Errorf("create investigation %s: %w", r.ID, err)
	}
	return nil
}

// Investigation returns an investigation with its turns and report, or ErrNotFound.
func (d *DB) Investigation(ctx context.Context, id string) (Investigation, error) {
	inv, err := d.investigation(ctx, id)
	if err != nil {
		return Investigation{}, fmt.Errorf("read investigation %s: %w", id, err)
	}
	return inv, nil
}

func (d *DB) investigation(ctx context.Context, id string) (inv Investigation, err error) {
	var sealed, report []byte
	var started, ended int64
	err = d.row(ctx, d.sql, `SELECT status, started_at, ended_at, sealed, report FROM investigations WHERE id = ?`, []any{id},
		&inv.Status, &started, &ended, &sealed, &report)
	if err != nil {
		return inv, err
	}
	inv.StartedAt, inv.EndedAt = fromMicros(started), fromMicros(ended)
	if err := d.open(requestPurpose(id), sealed, &inv.Request); err != nil {
		return inv, err
	}
	if inv.Report, err = d.openReport(id, report); err != nil {
		return inv, err
	}
	inv.Turns, err = d.turns(ctx, id)
	return inv, err
}

func (d *DB) turns(ctx context.Context, id string) ([]investigation.Turn, error) {
	turns := []investigation.Turn{}
	err := d.rows(ctx, d.sql, `SELECT number, sealed FROM turns WHERE investigation = ? ORDER BY number`, []any{id},
		func(scan func(...any) error) error {
			var number int
			var sealed []byte
			if err := scan(&number, &sealed); err != nil {
				return err
			}
			var t investigation.Turn
			if err := d.open(turnPurpose(id, number), sealed, &t); err != nil {
				return err
			}
			turns = append(turns, t)
			return nil
		})
	return turns, err
}

// PutTurn stores a turn. A number again replaces the turn, so that a turn can be stored when it begins and when it ends.
// It returns ErrNotFound when the investigation does not exist.
func (d *DB) PutTurn(ctx context.Context, id string, t investigation.Turn) error {
	err := d.inTx(ctx, func(tx *sql.Tx) error {
		if err := d.mustTouch(ctx, tx, id); err != nil {
			return err
		}
		sealed, err := d.seal(turnPurpose(id, t.Number), t)
		if err != nil {
			return err
		}
		_, err = d.exec(ctx, tx, `INSERT INTO turns (investigation, number, sealed) VALUES (?, ?, ?)
			ON CONFLICT (investigation, number) DO UPDATE SET sealed = excluded.sealed`, id, t.Number, sealed)
		return err
	})
	if err != nil {
		return fmt.Errorf("store turn %d of %s: %w", t.Number, id, err)
	}
	return nil
}

// PutReport stores or replaces the report. The status is set apart. It returns ErrNotFound when the investigation does
// not exist.
func (d *DB) PutReport(ctx context.Context, id string, r investigation.Report) error {
	sealed, err := d.seal(reportPurpose(id), r)
	if err == nil {
		err = d.one(ctx, d.sql, `UPDATE investigations SET report = ?, revision = revision + 1 WHERE id = ?`, sealed, id)
	}
	if err != nil {
		return fmt.Errorf("store report of %s: %w", id, err)
	}
	return nil
}

// SetInvestigationStatus sets the status; the first one other than Running also sets the end. It returns ErrNotFound
// when the investigation does not exist.
func (d *DB) SetInvestigationStatus(ctx context.Context, id, status string) error {
	ended := int64(0)
	if status != Running {
		ended = micros(time.Now())
	}
	err := d.one(ctx, d.sql, `UPDATE investigations SET status = ?, revision = revision + 1,
		ended_at = CASE WHEN ended_at = 0 THEN CAST(? AS BIGINT) ELSE ended_at END WHERE id = ?`, status, ended, id)
	if err != nil {
		return fmt.Errorf("set status of %s: %w", id, err)
	}
	return nil
}

// Revision is a number that grows with every change to an investigation, its evidence, incident or fix; a watcher reads
// the rest only when it moved. It returns ErrNotFound when the investigation does not exist.
func (d *DB) Revision(ctx context.Context, id string) (int64, error) {
	var rev int64
	if err := d.row(ctx, d.sql, `SELECT revision FROM investigations WHERE id = ?`, []any{id}, &rev); err != nil {
		return 0, fmt.Errorf("read revision of %s: %w", id, err)
	}
	return rev, nil
}

// touch moves the revision of an investigation that may not exist yet.
func (d *DB) touch(ctx context.Context, tx *sql.Tx, id string) error {
	_, err := d.exec(ctx, tx, `UPDATE investigations SET revision = revision + 1 WHERE id = ?`, id)
	return err
}

// mustTouch is touch for one that has to exist. It also locks its row until tx ends.
func (d *DB) mustTouch(ctx context.Context, tx *sql.Tx, id string) error {
	return d.one(ctx, tx, `UPDATE investigations SET revision = revision + 1 WHERE id = ?`, id)
}

// one runs a statement that has to change a row, or returns ErrNotFound.
func (d *DB) one(ctx context.Context, q querier, query string, args ...any) error {
	n, err := d.exec(ctx, q, query, args...)
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

func (d *DB) openReport(id string, sealed []byte) (*investigation.Report, error) {
	if sealed == nil {
		return nil, nil
	}
	r := new(investigation.Report)
	return r, d.open(reportPurpose(id), sealed, r)
}

func requestPurpose(id string) string       { return "request/" + id }
func reportPurpose(id string) string        { return "report/" + id }
func turnPurpose(id string, n int) string   { return "turn/" + id + "/" + strconv.Itoa(n) }
func evidencePurpose(inv, id string) string { return "evidence/" + inv + "/" + id }
