package metadata

import (
	"context"
	"fmt"
	"time"

	"github.com/midwatch/midwatch/internal/llm"
)

// PutAsk stores what a step wants a model asked, before redaction. The same call again replaces it.
func (d *DB) PutAsk(ctx context.Context, c llm.Call, a llm.StoredAsk) error {
	sealed, err := d.seal(askPurpose(c), a)
	if err == nil {
		_, err = d.exec(ctx, d.sql, `INSERT INTO asks (investigation, turn, ask, put_at, sealed) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (investigation, turn, ask) DO UPDATE SET put_at = excluded.put_at, sealed = excluded.sealed`,
			c.Investigation, c.Turn, c.Ask, micros(time.Now()), sealed)
	}
	if err != nil {
		return fmt.Errorf("store the prompt of %s: %w", callName(c), err)
	}
	return nil
}

// Ask returns what PutAsk stored, or ErrNotFound.
func (d *DB) Ask(ctx context.Context, c llm.Call) (a llm.StoredAsk, err error) {
	var sealed []byte
	err = d.row(ctx, d.sql, `SELECT sealed FROM asks WHERE investigation = ? AND turn = ? AND ask = ?`,
		[]any{c.Investigation, c.Turn, c.Ask}, &sealed)
	if err == nil {
		err = d.open(askPurpose(c), sealed, &a)
	}
	if err != nil {
		return a, fmt.Errorf("read the prompt of %s: %w", callName(c), err)
	}
	return a, nil
}

func askPurpose(c llm.Call) string {
	return fmt.Sprintf("ask/%s/%d/%d", c.Investigation, c.Turn, c.Ask)
}
