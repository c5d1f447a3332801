package metadata

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/midwatch/midwatch/internal/privacy"
)

// Pseudonyms returns the pseudonyms of an investigation, none where nothing was replaced yet.
func (d *DB) Pseudonyms(ctx context.Context, investigation string) (*privacy.Map, error) {
	m, err := d.pseudonyms(ctx, d.sql, investigation)
	if err != nil {
		return nil, fmt.Errorf("read pseudonyms of %s: %w", investigation, err)
	}
	return m, nil
}

// EnvironmentPseudonyms returns the pseudonyms of all investigations of an environment: whoever redacts for one must know the
// names that the others met. They follow from one key; where two investigations met a collision, the older one's are left out.
func (d *DB) EnvironmentPseudonyms(ctx context.Context, environment string) (*privacy.Map, error) {
	all := privacy.NewMap()
	err := d.rows(ctx, d.sql, `SELECT p.investigation, p.sealed FROM pseudonyms p JOIN investigations i ON i.id = p.investigation
		WHERE i.environment = ? ORDER BY i.started_at DESC, i.id DESC`, []any{environment},
		func(scan func(...any) error) error {
			var id string
			var sealed []byte
			if err := scan(&id, &sealed); err != nil {
				return err
			}
			m := privacy.NewMap()
			if err := d.open(pseudonymsPurpose(id), sealed, m); err != nil {
				return err
			}
			all.Add(m)
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("read pseudonyms of %s: %w", environment, err)
	}
	return all, nil
}

func (d *DB) pseudonyms(ctx context.Context, q querier, investigation string) (*privacy.Map, error) {
	m := privacy.NewMap()
	var sealed []byte
	err := d.row(ctx, q, `SELECT sealed FROM pseudonyms WHERE investigation = ?`, []any{investigation}, &sealed)
	if errors.Is(err, ErrNotFound) {
		return m, nil
	}
	if err != nil {
		return nil, err
	}
	return m, d.open(pseudonymsPurpose(investigation), sealed, m)
}

// PutPseudonyms adds pseudonyms to those of an investigation; what is stored is never lost. It returns ErrChanged when a
// pseudonym stands for something else already (two that redact at once met the same collision): read them again and
// redact anew. It returns ErrNotFound when the investigation does not exist.
func (d *DB) PutPseudonyms(ctx context.Context, investigation string, m *privacy.Map) error {
	err := d.inTx(ctx, func(tx *sql.Tx) error {
		if err := d.mustTouch(ctx, tx, investigation); err != nil { // and so one writer at a time
			return err
		}
		stored, err := d.pseudonyms(ctx, tx, investigation)
		if err != nil {
			return err
		}
		before := stored.Len()
		if !stored.Add(m) {
			return ErrChanged
		}
		if stored.Len() == before {
			return nil
		}
		sealed, err := d.seal(pseudonymsPurpose(investigation), stored)
		if err != nil {
			return err
		}
		_, err = d.exec(ctx, tx, `INSERT INTO pseudonyms (investigation, sealed) VALUES (?, ?)
			ON CONFLICT (investigation) DO UPDATE SET sealed = excluded.sealed`, investigation, sealed)
		return err
	})
	if err != nil {
		return fmt.Errorf("store pseudonyms of %s: %w", investigation, err)
	}
	return nil
}

// DropPseudonyms deletes the pseudonyms of investigations that began and, if they did, ended before a time, and returns of how
// many. Pseudonyms in the ledger or in what left then stand for nobody; names in stored reports are known no more.
func (d *DB) DropPseudonyms(ctx context.Context, before time.Time) (investigations int64, err error) {
	investigations, err = d.exec(ctx, d.sql, `DELETE FROM pseudonyms WHERE investigation IN
		(SELECT id FROM investigations WHERE started_at < ? AND ended_at < ?)`, micros(before), micros(before))
	if err != nil {
		return 0, fmt.Errorf("drop old pseudonyms: %w", err)
	}
	return investigations, nil
}

func pseudonymsPurpose(investigation string) string { return "pseudonyms/" + investigation }
