package metadata

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

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

// PutPseudonyms adds pseudonyms to those of an investigation; what is stored is kept for as long as the investigation. It returns ErrChanged when a
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

func pseudonymsPurpose(investigation string) string { return "pseudonyms/" + investigation }
