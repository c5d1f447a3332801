package metadata

import (
	"context"
	"fmt"

	"github.com/midwatch/midwatch/internal/investigation"
)

// Past is a concluded investigation.
type Past struct {
	Request investigation.Request
	Report  investigation.Report
}

// PastInvestigations returns the newest concluded investigations of an environment, newest first.
func (d *DB) PastInvestigations(ctx context.Context, environment string, limit int) ([]Past, error) {
	var list []Past
	err := d.rows(ctx, d.sql, `SELECT id, sealed, report FROM investigations WHERE environment = ? AND status = ? AND report IS NOT NULL
		ORDER BY started_at DESC, id DESC LIMIT ?`, []any{environment, Concluded, limit},
		func(scan func(...any) error) error {
			var id string
			var request, report []byte
			if err := scan(&id, &request, &report); err != nil {
				return err
			}
			var p Past
			if err := d.open(requestPurpose(id), request, &p.Request); err != nil {
				return err
			}
			r, err := d.openReport(id, report)
			if err != nil || r == nil {
				return err
			}
			p.Report = *r
			list = append(list, p)
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("list past investigations: %w", err)
	}
	return list, nil
}
