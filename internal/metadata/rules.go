package metadata

import (
	"context"
	"errors"
	"fmt"

	"github.com/midwatch/midwatch/internal/rules"
)

// StoreRuleStates keeps what became of an environment's alert rules, unless something newer is kept.
func (d *DB) StoreRuleStates(ctx context.Context, environment string, s rules.States) error {
	sealed, err := d.seal(rulesPurpose(environment), s)
	if err == nil {
		_, err = d.exec(ctx, d.sql, `INSERT INTO rule_states (environment, at, sealed) VALUES (?, ?, ?)
			ON CONFLICT (environment) DO UPDATE SET at = excluded.at, sealed = excluded.sealed WHERE rule_states.at < excluded.at`,
			environment, micros(s.At), sealed)
	}
	if err != nil {
		return fmt.Errorf("store what became of the alert rules: %w", err)
	}
	return nil
}

// RuleStates returns what became of an environment's alert rules; At is zero if they never were evaluated.
func (d *DB) RuleStates(ctx context.Context, environment string) (s rules.States, err error) {
	var sealed []byte
	err = d.row(ctx, d.sql, `SELECT sealed FROM rule_states WHERE environment = ?`, []any{environment}, &sealed)
	if errors.Is(err, ErrNotFound) {
		return s, nil
	}
	if err == nil {
		err = d.open(rulesPurpose(environment), sealed, &s)
	}
	if err != nil {
		return s, fmt.Errorf("read what became of the alert rules: %w", err)
	}
	return s, nil
}

func rulesPurpose(environment string) string { return "rules/" + environment }
