package metadata

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/midwatch/midwatch/internal/llm"
)

const entryColumns = `id, investigation, turn, ask, attempt, environment, provider, kind, account, model, state, begun_at, ended_at,
	input, output, cache_read, cache_write, cost, data_types, redactions, error`

// maxEntries bounds one page of the ledger.
const maxEntries = 500

// LedgerFilter selects calls. What is zero does not limit.
type LedgerFilter struct {
	Environment   string
	Investigation string
	Provider      string
	State         llm.EntryState
	From, To      time.Time // begun from, inclusive, to, exclusive
	Cursor        string    // of the page before
	Limit         int       // 0 means 100; at most 500
}

// Ledger returns calls without what was sent and received, newest first, and the cursor of the next page, "" at the end.
func (d *DB) Ledger(ctx context.Context, f LedgerFilter) (list []llm.Entry, next string, err error) {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	f.Limit = min(f.Limit, maxEntries)
	where, args := f.where()
	list = []llm.Entry{}
	err = d.rows(ctx, d.sql, `SELECT `+entryColumns+` FROM ledger WHERE `+where+` ORDER BY id DESC LIMIT ?`, append(args, f.Limit+1),
		func(scan func(...any) error) error {
			e, err := d.scanEntry(scan)
			list = append(list, e)
			return err
		})
	if err != nil {
		return nil, "", fmt.Errorf("list the ledger: %w", err)
	}
	if len(list) > f.Limit {
		list = list[:f.Limit]
		next = list[f.Limit-1].ID
	}
	return list, next, nil
}

func (f LedgerFilter) where() (string, []any) {
	where, args := "1 = 1", []any{}
	and := func(condition string, arg any) {
		where += " AND " + condition
		args = append(args, arg)
	}
	if f.Environment != "" {
		and("environment = ?", f.Environment)
	}
	if f.Investigation != "" {
		and("investigation = ?", f.Investigation)
	}
	if f.Provider != "" {
		and("provider = ?", f.Provider)
	}
	if f.State != "" {
		and("state = ?", string(f.State))
	}
	if !f.From.IsZero() {
		and("begun_at >= ?", micros(f.From))
	}
	if !f.To.IsZero() {
		and("begun_at < ?", micros(f.To))
	}
	if f.Cursor != "" {
		and("id < ?", f.Cursor)
	}
	return where, args
}

// LedgerEntry returns one call with all that was sent and received, or llm.ErrNotInLedger.
func (d *DB) LedgerEntry(ctx context.Context, id string) (llm.Entry, error) {
	list, err := d.entries(ctx, `id = ?`, id)
	if err == nil && len(list) == 0 {
		err = llm.ErrNotInLedger
	}
	if err != nil {
		return llm.Entry{}, fmt.Errorf("read %s of the ledger: %w", id, err)
	}
	return list[0], nil
}

// entries returns entries with their bodies.
func (d *DB) entries(ctx context.Context, where string, args ...any) ([]llm.Entry, error) {
	list := []llm.Entry{}
	err := d.rows(ctx, d.sql, `SELECT `+entryColumns+`, request, response FROM ledger WHERE `+where, args,
		func(scan func(...any) error) error {
			var request, response []byte
			e, err := d.scanEntry(func(into ...any) error { return scan(append(into, &request, &response)...) })
			if err == nil {
				e.Request, err = d.ring.Open(entryPurpose(e.ID, "request"), request)
			}
			if err == nil && response != nil {
				e.Response, err = d.ring.Open(entryPurpose(e.ID, "response"), response)
			}
			list = append(list, e)
			return err
		})
	return list, err
}

func (d *DB) scanEntry(scan func(...any) error) (e llm.Entry, err error) {
	var state, types, redactions string
	var begun, ended int64
	var failure []byte
	err = scan(&e.ID, &e.Call.Investigation, &e.Call.Turn, &e.Call.Ask, &e.Attempt, &e.Environment, &e.Provider, &e.Kind,
		&e.Account, &e.Model, &state, &begun, &ended, &e.Usage.Input, &e.Usage.Output, &e.Usage.CacheRead, &e.Usage.CacheWrite,
		&e.Cost, &types, &redactions, &failure)
	if err != nil {
		return e, err
	}
	e.State, e.BegunAt, e.EndedAt = llm.EntryState(state), fromMicros(begun), fromMicros(ended)
	if failure != nil {
		text, err := d.ring.Open(entryPurpose(e.ID, "error"), failure)
		if err != nil {
			return e, err
		}
		e.Error = string(text)
	}
	return e, errors.Join(json.Unmarshal([]byte(types), &e.DataTypes), json.Unmarshal([]byte(redactions), &e.Redactions))
}
