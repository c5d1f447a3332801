package metadata

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// Settings are what an admin can change while everything runs.
type Settings struct {
	AIEnabled     bool `json:"ai_enabled"`     // obsolete, always false: AIPolicy decides, per environment
	RetentionDays int  `json:"retention_days"` // telemetry older than this is deleted; 0 means 30
	LedgerDays    int  `json:"ledger_days"`    // model calls older than this are deleted from the ledger; 0 means 90
}

// DefaultRetentionDays is how long telemetry is kept unless the settings say otherwise.
const DefaultRetentionDays = 30

// DefaultLedgerDays is how long model calls are kept unless the settings say otherwise.
const DefaultLedgerDays = 90

// Settings returns the settings, with defaults where nothing was ever set.
func (d *DB) Settings(ctx context.Context) (Settings, error) {
	s := Settings{RetentionDays: DefaultRetentionDays, LedgerDays: DefaultLedgerDays}
	var value string
	err := d.row(ctx, d.sql, `SELECT value FROM settings WHERE name = 'settings'`, nil, &value)
	if errors.Is(err, ErrNotFound) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(value), &s)
	}
	if err != nil {
		return Settings{}, fmt.Errorf("read settings: %w", err)
	}
	s.AIEnabled = false // whatever an earlier version stored
	return s, nil
}

// PutSettings replaces the settings.
func (d *DB) PutSettings(ctx context.Context, s Settings) error {
	if s.RetentionDays == 0 {
		s.RetentionDays = DefaultRetentionDays
	}
	if s.LedgerDays == 0 {
		s.LedgerDays = DefaultLedgerDays
	}
	value, err := json.Marshal(s)
	if err == nil {
		_, err = d.exec(ctx, d.sql, `INSERT INTO settings (name, value) VALUES ('settings', ?)
			ON CONFLICT (name) DO UPDATE SET value = excluded.value`, string(value))
	}
	if err != nil {
		return fmt.Errorf("store settings: %w", err)
	}
	return nil
}
