package metadata

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/midwatch/midwatch/internal/investigation"
)

// PutEvidence stores what a tool call returned and gives it the next id "e<n>" of its investigation when it has none.
// A call that is stored already is returned as it is stored, whatever e holds: a repeated activity changes nothing.
// It returns ErrNotFound when the investigation does not exist.
func (d *DB) PutEvidence(ctx context.Context, e investigation.Evidence) (investigation.Evidence, error) {
	if e.Call == "" {
		return e, fmt.Errorf("store evidence of %s: it names no call", e.Investigation)
	}
	stored := e
	err := d.inTx(ctx, func(tx *sql.Tx) error {
		if err := d.mustTouch(ctx, tx, e.Investigation); err != nil { // and so one writer at a time
			return err
		}
		var err error
		stored, err = d.evidence(ctx, tx, e.Investigation, "call_id", e.Call)
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		stored, err = d.insertEvidence(ctx, tx, e)
		return err
	})
	if err != nil {
		return e, fmt.Errorf("store evidence of call %s of %s: %w", e.Call, e.Investigation, err)
	}
	return stored, nil
}

func (d *DB) insertEvidence(ctx context.Context, tx *sql.Tx, e investigation.Evidence) (investigation.Evidence, error) {
	var seq int64
	err := d.row(ctx, tx, `SELECT COALESCE(MAX(seq), 0) + 1 FROM evidence WHERE investigation = ?`, []any{e.Investigation}, &seq)
	if err != nil {
		return e, err
	}
	if e.ID == "" {
		e.ID = fmt.Sprintf("e%d", seq)
	}
	sealed, err := d.seal(evidencePurpose(e.Investigation, e.ID), e)
	if err != nil {
		return e, err
	}
	_, err = d.exec(ctx, tx, `INSERT INTO evidence (investigation, id, seq, call_id, sealed) VALUES (?, ?, ?, ?, ?)`,
		e.Investigation, e.ID, seq, e.Call, sealed)
	return e, err
}

// Evidence returns one piece of evidence with its full result, or ErrNotFound.
func (d *DB) Evidence(ctx context.Context, investigationID, id string) (investigation.Evidence, error) {
	e, err := d.evidence(ctx, d.sql, investigationID, "id", id)
	if err != nil {
		return e, fmt.Errorf("read evidence %s of %s: %w", id, investigationID, err)
	}
	return e, nil
}

// evidence finds by a column: "id" or "call_id".
func (d *DB) evidence(ctx context.Context, q querier, inv, column, value string) (e investigation.Evidence, err error) {
	var id string
	var sealed []byte
	err = d.row(ctx, q, `SELECT id, sealed FROM evidence WHERE investigation = ? AND `+column+` = ?`, []any{inv, value}, &id, &sealed)
	if err != nil {
		return e, err
	}
	return e, d.open(evidencePurpose(inv, id), sealed, &e)
}

// EvidenceList returns an investigation's own evidence with results, in the order it came; none is an empty list.
func (d *DB) EvidenceList(ctx context.Context, investigationID string) ([]investigation.Evidence, error) {
	return d.evidenceOf(ctx, investigationID, func(e investigation.Evidence) bool { return e.Question == 0 })
}

// QuestionEvidence is EvidenceList of what was gathered for questions about an investigation.
func (d *DB) QuestionEvidence(ctx context.Context, investigationID string) ([]investigation.Evidence, error) {
	return d.evidenceOf(ctx, investigationID, func(e investigation.Evidence) bool { return e.Question != 0 })
}

func (d *DB) evidenceOf(ctx context.Context, investigationID string, wanted func(investigation.Evidence) bool) ([]investigation.Evidence, error) {
	list := []investigation.Evidence{}
	err := d.rows(ctx, d.sql, `SELECT id, sealed FROM evidence WHERE investigation = ? ORDER BY seq`, []any{investigationID},
		func(scan func(...any) error) error {
			var id string
			var sealed []byte
			if err := scan(&id, &sealed); err != nil {
				return err
			}
			var e investigation.Evidence
			if err := d.open(evidencePurpose(investigationID, id), sealed, &e); err != nil {
				return err
			}
			if wanted(e) {
				list = append(list, e)
			}
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("list evidence of %s: %w", investigationID, err)
	}
	return list, nil
}
