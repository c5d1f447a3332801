package metadata

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
)

// AuditEntry says who did what, or tried to.
type AuditEntry struct {
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	Subject string    `json:"subject"` // the person or part; "" when nobody was authenticated
	Action  string    `json:"action"`  // "fix.approve"
	Object  string    `json:"object"`  // id of what it was done to
	Outcome string    `json:"outcome"` // "allowed", "denied", "refused", "done", "failed"
	Detail  string    `json:"detail,omitempty"`
}

// maxDetail cuts what an entry can hold, in bytes: part of it can come from a stranger.
const maxDetail = 2048

// Audit appends to the audit log. Nothing secret belongs into it.
func (d *DB) Audit(ctx context.Context, subject, action, object, outcome, detail string) error {
	id, err := uuid.NewV7() // sorts by time
	if err == nil {
		_, err = d.exec(ctx, d.sql, `INSERT INTO audit (id, at, subject, action, object, outcome, detail) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			id.String(), micros(time.Now()), cut(subject), action, cut(object), outcome, cut(detail))
	}
	if err != nil {
		return fmt.Errorf("audit %s: %w", action, err)
	}
	return nil
}

// cut also drops what PostgreSQL refuses in a TEXT: NUL and bytes that are not UTF-8.
func cut(s string) string {
	s = s[:min(len(s), maxDetail)]
	return strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "")
}

// AuditLog returns the newest entries, newest first.
func (d *DB) AuditLog(ctx context.Context, limit int) ([]AuditEntry, error) {
	list := []AuditEntry{}
	err := d.rows(ctx, d.sql, `SELECT id, at, subject, action, object, outcome, detail FROM audit ORDER BY at DESC, id DESC LIMIT ?`, []any{limit},
		func(scan func(...any) error) error {
			var e AuditEntry
			var at int64
			if err := scan(&e.ID, &at, &e.Subject, &e.Action, &e.Object, &e.Outcome, &e.Detail); err != nil {
				return err
			}
			e.At = fromMicros(at)
			list = append(list, e)
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("read audit log: %w", err)
	}
	return list, nil
}
