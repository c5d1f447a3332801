package metadata

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/midwatch/midwatch/internal/investigation"
)

// PutIncident stores an incident, replacing one of the same id.
func (d *DB) PutIncident(ctx context.Context, i investigation.Incident) error {
	err := d.inTx(ctx, func(tx *sql.Tx) error { return d.putIncident(ctx, tx, i) })
	if err != nil {
		return fmt.Errorf("store incident %s: %w", i.ID, err)
	}
	return nil
}

func (d *DB) putIncident(ctx context.Context, tx *sql.Tx, i investigation.Incident) error {
	sealed, err := d.seal("incident/"+i.ID, i)
	if err != nil {
		return err
	}
	_, err = d.exec(ctx, tx, `INSERT INTO incidents (id, environment, status, opened_at, sealed) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET environment = excluded.environment, status = excluded.status,
			opened_at = excluded.opened_at, sealed = excluded.sealed`,
		i.ID, i.Environment, i.Status, micros(i.OpenedAt), sealed)
	if err != nil {
		return err
	}
	return d.touch(ctx, tx, i.Investigation)
}

// Incident returns an incident, or ErrNotFound.
func (d *DB) Incident(ctx context.Context, id string) (investigation.Incident, error) {
	i, err := d.incident(ctx, d.sql, id, "")
	if err != nil {
		return i, fmt.Errorf("read incident %s: %w", id, err)
	}
	return i, nil
}

func (d *DB) incident(ctx context.Context, q querier, id, suffix string) (i investigation.Incident, err error) {
	var sealed []byte
	if err := d.row(ctx, q, `SELECT sealed FROM incidents WHERE id = ?`+suffix, []any{id}, &sealed); err != nil {
		return i, err
	}
	return i, d.open("incident/"+id, sealed, &i)
}

// UpdateIncident changes an incident in one transaction; change must not change the id. It returns ErrNotFound when
// there is none.
func (d *DB) UpdateIncident(ctx context.Context, id string, change func(*investigation.Incident)) error {
	err := d.inTx(ctx, func(tx *sql.Tx) error {
		i, err := d.incident(ctx, tx, id, d.locking())
		if err != nil {
			return err
		}
		change(&i)
		i.ID = id
		return d.putIncident(ctx, tx, i)
	})
	if err != nil {
		return fmt.Errorf("update incident %s: %w", id, err)
	}
	return nil
}

// ListIncidents returns the newest incidents, newest first.
func (d *DB) ListIncidents(ctx context.Context, limit int) ([]investigation.Incident, error) {
	list := []investigation.Incident{}
	err := d.rows(ctx, d.sql, `SELECT id, sealed FROM incidents ORDER BY opened_at DESC, id DESC LIMIT ?`, []any{limit},
		func(scan func(...any) error) error {
			var id string
			var sealed []byte
			if err := scan(&id, &sealed); err != nil {
				return err
			}
			var i investigation.Incident
			if err := d.open("incident/"+id, sealed, &i); err != nil {
				return err
			}
			list = append(list, i)
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("list incidents: %w", err)
	}
	return list, nil
}
