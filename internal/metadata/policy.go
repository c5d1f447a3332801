package metadata

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/midwatch/midwatch/internal/llm"
)

var _ llm.Policies = (*DB)(nil)

// AIPolicy returns the policy of an environment. Where nobody decided anything, and with any error, it is off.
func (d *DB) AIPolicy(ctx context.Context, environment string) (llm.Policy, error) {
	off := llm.Policy{Environment: environment}
	var sealed []byte
	err := d.row(ctx, d.sql, `SELECT sealed FROM ai_policies WHERE environment = ?`, []any{environment}, &sealed)
	if errors.Is(err, ErrNotFound) {
		return off, nil
	}
	p := llm.Policy{}
	if err == nil {
		err = d.open(policyPurpose(environment), sealed, &p)
	}
	if err != nil {
		return off, fmt.Errorf("read AI policy of %s: %w", environment, err)
	}
	return p, nil
}

// PutAIPolicy replaces the policy of p.Environment; running calls notice within a second. It sets UpdatedAt when that is
// zero. The caller audits it.
func (d *DB) PutAIPolicy(ctx context.Context, p llm.Policy) error {
	if p.Environment == "" {
		return errors.New("store AI policy: it names no environment")
	}
	if p.UpdatedAt.IsZero() {
		p.UpdatedAt = time.Now().UTC()
	}
	sealed, err := d.seal(policyPurpose(p.Environment), p)
	if err == nil {
		_, err = d.exec(ctx, d.sql, `INSERT INTO ai_policies (environment, sealed) VALUES (?, ?)
			ON CONFLICT (environment) DO UPDATE SET sealed = excluded.sealed`, p.Environment, sealed)
	}
	if err != nil {
		return fmt.Errorf("store AI policy of %s: %w", p.Environment, err)
	}
	return nil
}

// AIPolicies returns every policy that was ever decided, by environment.
func (d *DB) AIPolicies(ctx context.Context) ([]llm.Policy, error) {
	list := []llm.Policy{}
	err := d.rows(ctx, d.sql, `SELECT environment, sealed FROM ai_policies ORDER BY environment`, nil, func(scan func(...any) error) error {
		var environment string
		var sealed []byte
		if err := scan(&environment, &sealed); err != nil {
			return err
		}
		var p llm.Policy
		if err := d.open(policyPurpose(environment), sealed, &p); err != nil {
			return err
		}
		list = append(list, p)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list AI policies: %w", err)
	}
	return list, nil
}

func policyPurpose(environment string) string { return "ai-policy/" + environment }
