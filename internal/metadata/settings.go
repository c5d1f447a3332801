package metadata

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
)

// Settings are what an admin can change while everything runs.
type Settings struct {
	AIEnabled         bool `json:"ai_enabled"`         // obsolete, always false: AIPolicy decides, per environment
	RetentionDays     int  `json:"retention_days"`     // telemetry older than this is deleted; 0 means 30
	LedgerDays        int  `json:"ledger_days"`        // model calls older than this are deleted from the ledger; 0 means 90
	InvestigationDays int  `json:"investigation_days"` // what ended longer ago is deleted; at least LedgerDays; 0 means 365, or more if LedgerDays is
}

// How long things are kept unless the settings say otherwise, in days.
const (
	DefaultRetentionDays     = 30
	DefaultLedgerDays        = 90
	DefaultInvestigationDays = 365
)

// ErrSettings means that settings do not fit each other; what it comes with says how.
var ErrSettings = errors.New("settings")

func (s Settings) orDefault() Settings {
	if s.RetentionDays == 0 {
		s.RetentionDays = DefaultRetentionDays
	}
	if s.LedgerDays == 0 {
		s.LedgerDays = DefaultLedgerDays
	}
	if s.InvestigationDays == 0 {
		s.InvestigationDays = max(DefaultInvestigationDays, s.LedgerDays)
	}
	s.AIEnabled = false // whatever an earlier version stored
	return s
}

func (s Settings) validate() error {
	if s.InvestigationDays < s.LedgerDays {
		return fmt.Errorf("%w: investigations would be kept for %d days and model calls for %d: what stands for a pseudonym is kept with the investigation, so keep those at least as long",
			ErrSettings, s.InvestigationDays, s.LedgerDays)
	}
	return nil
}

// Settings returns the settings, with defaults where nothing was ever set.
func (d *DB) Settings(ctx context.Context) (Settings, error) {
	s, err := d.settings(ctx, d.sql, "")
	if err != nil {
		return Settings{}, fmt.Errorf("read settings: %w", err)
	}
	return s, nil
}

func (d *DB) settings(ctx context.Context, q querier, suffix string) (s Settings, err error) {
	var value string
	err = d.row(ctx, q, `SELECT value FROM settings WHERE name = 'settings'`+suffix, nil, &value)
	if errors.Is(err, ErrNotFound) {
		return s.orDefault(), nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(value), &s)
	}
	return s.orDefault(), err
}

// UpdateSettings changes the settings in one transaction and returns what they are then. It returns ErrSettings for what does not
// fit, and changes nothing.
func (d *DB) UpdateSettings(ctx context.Context, change func(*Settings)) (s Settings, err error) {
	err = d.inTx(ctx, func(tx *sql.Tx) error {
		if _, err := d.exec(ctx, tx, `INSERT INTO settings (name, value) VALUES ('settings', '{}') ON CONFLICT (name) DO NOTHING`); err != nil {
			return err
		}
		if s, err = d.settings(ctx, tx, d.locking()); err != nil {
			return err
		}
		change(&s)
		s = s.orDefault()
		if err := s.validate(); err != nil {
			return err
		}
		value, err := json.Marshal(s)
		if err != nil {
			return err
		}
		_, err = d.exec(ctx, tx, `UPDATE settings SET value = ? WHERE name = 'settings'`, string(value))
		return err
	})
	if err != nil {
		return Settings{}, fmt.Errorf("store settings: %w", err)
	}
	return s, nil
}
