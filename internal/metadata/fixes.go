package metadata

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
)

// PutFix stores a new fix. The same id and digest again changes nothing; another digest is ErrChanged, because nothing
// of a fix may change after its digest was made.
func (d *DB) PutFix(ctx context.Context, f investigation.Fix) error {
	err := d.inTx(ctx, func(tx *sql.Tx) error {
		sealed, err := d.seal("fix/"+f.ID, f)
		if err != nil {
			return err
		}
		n, err := d.exec(ctx, tx, `INSERT INTO fixes (id, incident, investigation, digest, created_at, sealed)
			VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
			f.ID, f.Incident, f.Investigation, f.Digest, micros(f.CreatedAt), sealed)
		if err != nil {
			return err
		}
		if n == 0 {
			return d.sameFix(ctx, tx, f)
		}
		return d.touch(ctx, tx, f.Investigation)
	})
	if err != nil {
		return fmt.Errorf("store fix %s: %w", f.ID, err)
	}
	return nil
}

func (d *DB) sameFix(ctx context.Context, tx *sql.Tx, f investigation.Fix) error {
	var digest string
	if err := d.row(ctx, tx, `SELECT digest FROM fixes WHERE id = ?`, []any{f.ID}, &digest); err != nil {
		return err
	}
	if digest != f.Digest {
		return ErrChanged
	}
	return nil
}

// Fix returns a fix, or ErrNotFound.
func (d *DB) Fix(ctx context.Context, id string) (investigation.Fix, error) {
	f, err := d.fix(ctx, d.sql, id, "")
	if err != nil {
		return f, fmt.Errorf("read fix %s: %w", id, err)
	}
	return f, nil
}

func (d *DB) fix(ctx context.Context, q querier, id, suffix string) (f investigation.Fix, err error) {
	var sealed []byte
	if err := d.row(ctx, q, `SELECT sealed FROM fixes WHERE id = ?`+suffix, []any{id}, &sealed); err != nil {
		return f, err
	}
	return f, d.open("fix/"+id, sealed, &f)
}

// FixesOf returns the fixes of an incident, oldest first.
func (d *DB) FixesOf(ctx context.Context, incident string) ([]investigation.Fix, error) {
	return d.fixes(ctx, d.sql, `WHERE incident = ? ORDER BY created_at, id`, incident)
}

// FixesOfInvestigation returns the fixes an investigation led to, oldest first.
func (d *DB) FixesOfInvestigation(ctx context.Context, id string) ([]investigation.Fix, error) {
	return d.fixes(ctx, d.sql, `WHERE investigation = ? ORDER BY created_at, id`, id)
}

// ListFixes returns the newest fixes, newest first.
func (d *DB) ListFixes(ctx context.Context, limit int) ([]investigation.Fix, error) {
	return d.fixes(ctx, d.sql, `ORDER BY created_at DESC, id DESC LIMIT ?`, limit)
}

func (d *DB) fixes(ctx context.Context, q querier, where string, arg any) ([]investigation.Fix, error) {
	list := []investigation.Fix{}
	err := d.rows(ctx, q, `SELECT id, sealed FROM fixes `+where, []any{arg}, func(scan func(...any) error) error {
		var id string
		var sealed []byte
		if err := scan(&id, &sealed); err != nil {
			return err
		}
		var f investigation.Fix
		if err := d.open("fix/"+id, sealed, &f); err != nil {
			return err
		}
		list = append(list, f)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list fixes: %w", err)
	}
	return list, nil
}

// SetFixStatus records how far a fix has come and, when result is not empty, what came of it. It returns ErrNotFound
// when there is no such fix.
func (d *DB) SetFixStatus(ctx context.Context, id, status, result string) error {
	err := d.changeFix(ctx, id, func(f *investigation.Fix) {
		f.Status, f.UpdatedAt = status, time.Now().UTC()
		if result != "" {
			f.Result = result
		}
	})
	if err != nil {
		return fmt.Errorf("set status of fix %s: %w", id, err)
	}
	return nil
}

// SetFixApproved records whose approvals a fix has so far. It returns ErrNotFound when there is no such fix.
func (d *DB) SetFixApproved(ctx context.Context, id string, given []investigation.Given) error {
	err := d.changeFix(ctx, id, func(f *investigation.Fix) { f.Approved = given })
	if err != nil {
		return fmt.Errorf("set approvals of fix %s: %w", id, err)
	}
	return nil
}

// changeFix changes what is not part of a fix's digest.
func (d *DB) changeFix(ctx context.Context, id string, change func(*investigation.Fix)) error {
	return d.inTx(ctx, func(tx *sql.Tx) error {
		f, err := d.fix(ctx, tx, id, d.locking())
		if err != nil {
			return err
		}
		change(&f)
		sealed, err := d.seal("fix/"+id, f)
		if err != nil {
			return err
		}
		if err := d.one(ctx, tx, `UPDATE fixes SET sealed = ? WHERE id = ?`, sealed, id); err != nil {
			return err
		}
		return d.touch(ctx, tx, f.Investigation)
	})
}

// SpendNonces records that approvals were used, before anything is done with them: all of them or, when one was used
// before, by whomever, none and ErrSpent.
func (d *DB) SpendNonces(ctx context.Context, fixID string, nonces ...string) error {
	if len(nonces) == 0 || slices.Contains(nonces, "") {
		return errors.New("spend nonce: it is empty")
	}
	err := d.inTx(ctx, func(tx *sql.Tx) error {
		for _, nonce := range nonces {
			n, err := d.exec(ctx, tx, `INSERT INTO spent_nonces (nonce, fix, spent_at) VALUES (?, ?, ?) ON CONFLICT (nonce) DO NOTHING`,
				nonce, fixID, micros(time.Now()))
			if err != nil {
				return err
			}
			if n == 0 {
				return ErrSpent
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("spend nonces of fix %s: %w", fixID, err)
	}
	return nil
}

// NonceSpent returns the fix that an approval was used for, "" while it was not used. That it was not may change at any
// time: only SpendNonces decides.
func (d *DB) NonceSpent(ctx context.Context, nonce string) (fixID string, err error) {
	err = d.row(ctx, d.sql, `SELECT fix FROM spent_nonces WHERE nonce = ?`, []any{nonce}, &fixID)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return "", fmt.Errorf("look for nonce: %w", err)
	}
	return fixID, nil
}
