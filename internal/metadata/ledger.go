package metadata

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
)

var _ llm.Ledger = (*DB)(nil)

// Begin commits that a call is about to be sent, and returns its entry with id, attempt and time. Usage and Cost of e are
// the call's worst case, which counts as spent until the call has ended, and for good if it never does. Two that begin the
// same attempt at once: one of them gets an error.
func (d *DB) Begin(ctx context.Context, e llm.Entry) (llm.Entry, error) {
	if e.Usage.Input+e.Usage.Output <= 0 {
		return e, fmt.Errorf("begin %s in the ledger: the entry holds no worst case", callName(e.Call))
	}
	id, err := uuid.NewV7()
	if err != nil {
		return e, fmt.Errorf("begin %s in the ledger: %w", callName(e.Call), err)
	}
	e.ID, e.State, e.EndedAt, e.Response, e.Error = id.String(), llm.Begun, time.Time{}, nil, ""
	if e.BegunAt.IsZero() {
		e.BegunAt = time.Now()
	}
	e.BegunAt = fromMicros(micros(e.BegunAt))
	err = d.inTx(ctx, func(tx *sql.Tx) error {
		err := d.row(ctx, tx, `SELECT COALESCE(MAX(attempt), 0) + 1 FROM ledger WHERE investigation = ? AND turn = ? AND ask = ?`,
			[]any{e.Call.Investigation, e.Call.Turn, e.Call.Ask}, &e.Attempt)
		if err != nil {
			return err
		}
		return d.insertEntry(ctx, tx, e)
	})
	if err != nil {
		return e, fmt.Errorf("begin %s in the ledger: %w", callName(e.Call), err)
	}
	return e, nil
}

func (d *DB) insertEntry(ctx context.Context, tx *sql.Tx, e llm.Entry) error {
	types, err := json.Marshal(e.DataTypes)
	if err != nil {
		return err
	}
	redactions, err := json.Marshal(e.Redactions)
	if err != nil {
		return err
	}
	_, err = d.exec(ctx, tx, `INSERT INTO ledger (`+entryColumns+`, request) VALUES
		(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, NULL, ?)`,
		e.ID, e.Call.Investigation, e.Call.Turn, e.Call.Ask, e.Attempt, e.Environment, e.Provider, e.Kind, e.Account, e.Model,
		string(e.State), micros(e.BegunAt), e.Usage.Input, e.Usage.Output, e.Usage.CacheRead, e.Usage.CacheWrite, e.Cost,
		string(types), string(redactions), d.ring.Seal(entryPurpose(e.ID, "request"), e.Request))
	return err
}

// End commits what came of a call: State, EndedAt, Response, Usage, Cost and Error. Ended again with the same state and
// answer it stays as it is; with another it returns ErrChanged. It returns llm.ErrNotInLedger for an id that never began.
func (d *DB) End(ctx context.Context, e llm.Entry) error {
	err := d.end(ctx, e)
	if err != nil {
		return fmt.Errorf("end %s in the ledger: %w", callName(e.Call), err)
	}
	return nil
}

func (d *DB) end(ctx context.Context, e llm.Entry) error {
	if e.State != llm.Answered && e.State != llm.FailedAt && e.State != llm.Closed {
		return fmt.Errorf("its state is %q", e.State)
	}
	if e.EndedAt.IsZero() {
		e.EndedAt = time.Now()
	}
	var response, failure []byte
	if e.Response != nil {
		response = d.ring.Seal(entryPurpose(e.ID, "response"), e.Response)
	}
	if e.Error != "" {
		failure = d.ring.Seal(entryPurpose(e.ID, "error"), []byte(e.Error))
	}
	err := d.one(ctx, d.sql, `UPDATE ledger SET state = ?, ended_at = ?, input = ?, output = ?, cache_read = ?, cache_write = ?,
		cost = ?, response = ?, error = ? WHERE id = ? AND state = ?`,
		string(e.State), micros(e.EndedAt), e.Usage.Input, e.Usage.Output, e.Usage.CacheRead, e.Usage.CacheWrite, e.Cost,
		response, failure, e.ID, string(llm.Begun))
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	stored, err := d.LedgerEntry(ctx, e.ID)
	if err == nil && (stored.State != e.State || !bytes.Equal(stored.Response, e.Response)) {
		return ErrChanged
	}
	return err
}

// Attempts returns the entries of a call with what was sent and received, oldest first.
func (d *DB) Attempts(ctx context.Context, c llm.Call) ([]llm.Entry, error) {
	list, err := d.entries(ctx, `investigation = ? AND turn = ? AND ask = ? ORDER BY attempt`, c.Investigation, c.Turn, c.Ask)
	if err != nil {
		return nil, fmt.Errorf("read attempts of %s: %w", callName(c), err)
	}
	return list, nil
}

// Spent sums up what the calls took that share the budget of c. What has begun and not ended counts with its worst case.
func (d *DB) Spent(ctx context.Context, c llm.Call) (llm.Usage, int64, error) {
	var u llm.Usage
	var cost int64
	from, to := investigation.TurnsOf(c.Turn)
	err := d.row(ctx, d.sql, `SELECT CAST(COALESCE(SUM(input), 0) AS BIGINT), CAST(COALESCE(SUM(output), 0) AS BIGINT),
		CAST(COALESCE(SUM(cache_read), 0) AS BIGINT), CAST(COALESCE(SUM(cache_write), 0) AS BIGINT),
		CAST(COALESCE(SUM(cost), 0) AS BIGINT) FROM ledger WHERE investigation = ? AND turn >= ? AND turn < ?`,
		[]any{c.Investigation, from, to}, &u.Input, &u.Output, &u.CacheRead, &u.CacheWrite, &cost)
	if err != nil {
		return llm.Usage{}, 0, fmt.Errorf("sum up the ledger of %s: %w", c.Investigation, err)
	}
	return u, cost, nil
}

// Exchanges returns the answers of an investigation in the order they were asked for. The ledger is where they are kept.
func (d *DB) Exchanges(ctx context.Context, investigationID string) ([]llm.Exchange, error) {
	list := []llm.Exchange{}
	entries, err := d.entries(ctx, `investigation = ? AND state = ? ORDER BY turn, ask, attempt`, investigationID, string(llm.Answered))
	if err != nil {
		return nil, fmt.Errorf("read answers of %s: %w", investigationID, err)
	}
	for _, e := range entries {
		x := llm.Exchange{Turn: e.Call.Turn}
		if err := json.Unmarshal(e.Response, &x.Response); err != nil {
			return nil, fmt.Errorf("read answers of %s: decode %s: %w", investigationID, e.ID, err)
		}
		list = append(list, x)
	}
	return list, nil
}

// DropLedger deletes the calls that began before a time, and the prompts they were made from, and returns how many calls
// that were.
func (d *DB) DropLedger(ctx context.Context, before time.Time) (calls int64, err error) {
	err = d.inTx(ctx, func(tx *sql.Tx) error {
		if calls, err = d.exec(ctx, tx, `DELETE FROM ledger WHERE begun_at < ?`, micros(before)); err != nil {
			return err
		}
		_, err = d.exec(ctx, tx, `DELETE FROM asks WHERE put_at < ?`, micros(before))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("drop old calls from the ledger: %w", err)
	}
	return calls, nil
}

func callName(c llm.Call) string {
	return fmt.Sprintf("call %d.%d of %s", c.Turn, c.Ask, c.Investigation)
}

func entryPurpose(id, part string) string { return "ledger/" + id + "/" + part }
