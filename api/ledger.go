package api

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/privacy"
)

type ledgerInput struct {
	Investigation string    `query:"investigation" maxLength:"200"`
	Provider      string    `query:"provider" maxLength:"200"`
	Environment   string    `query:"environment" maxLength:"200"`
	State         string    `query:"state" enum:"begun,answered,failed,closed"`
	From          time.Time `query:"from" doc:"begun from, inclusive, RFC 3339"`
	To            time.Time `query:"to" doc:"begun to, exclusive, RFC 3339"`
	Cursor        string    `query:"cursor" maxLength:"100" doc:"next of the page before"`
	Limit         int       `query:"limit" minimum:"1" maximum:"500" default:"100"`
}

// listLedger lists the calls that were made to models, without what was sent and received.
func (s *Server) listLedger(ctx context.Context, _ auth.Caller, in *ledgerInput) (wire.Ledger, error) {
	f := metadata.LedgerFilter{
		Environment: in.Environment, Investigation: in.Investigation, Provider: in.Provider, State: llm.EntryState(in.State),
		From: in.From, To: in.To, Cursor: in.Cursor, Limit: in.Limit,
	}
	list, next, err := s.cfg.Metadata.Ledger(ctx, f)
	if err != nil || in.Cursor != "" {
		return wire.Ledger{Entries: list, Next: next}, err
	}
	days, err := s.cfg.Metadata.LedgerDays(ctx, f)
	if err != nil {
		return wire.Ledger{}, err
	}
	page := wire.Ledger{Entries: list, Next: next, Days: make([]wire.LedgerDay, len(days))}
	for i, d := range days {
		page.Days[i] = wire.LedgerDay{Day: d.Day.Format(time.DateOnly), Calls: d.Calls, Usage: d.Usage, Cost: d.Cost}
	}
	return page, nil
}

// getLedgerEntry returns one call with all that was sent and received, and records who read it.
func (s *Server) getLedgerEntry(ctx context.Context, who auth.Caller, in *IDInput) (llm.Entry, error) {
	e, err := s.cfg.Metadata.LedgerEntry(ctx, in.ID)
	if errors.Is(err, llm.ErrNotInLedger) {
		return llm.Entry{}, metadata.ErrNotFound
	}
	if err != nil {
		return llm.Entry{}, err
	}
	detail := fmt.Sprintf("investigation=%s turn=%d provider=%q", e.Call.Investigation, e.Call.Turn, e.Provider)
	if err := s.audit(ctx, who.Subject, "ledger.read", object(request(ctx)), "allowed", detail); err != nil {
		return llm.Entry{}, err // what cannot be recorded is not shown
	}
	return e, nil
}

// maxCalls is more than an investigation's budget allows.
const maxCalls = 500

// modelUse sums up what models did for an investigation, but for questions about it; nil: nothing.
func (s *Server) modelUse(ctx context.Context, id string) (*wire.ModelUse, error) {
	entries, _, err := s.cfg.Metadata.Ledger(ctx, metadata.LedgerFilter{Investigation: id, Limit: maxCalls})
	entries = slices.DeleteFunc(entries, func(e llm.Entry) bool { return investigation.QuestionOf(e.Call.Turn) != 0 })
	if err != nil || len(entries) == 0 {
		return nil, err
	}
	use := &wire.ModelUse{Answered: []wire.ModelAccount{}, Redactions: map[string]int{}}
	if last := entries[0]; last.State != llm.Answered && last.State != llm.Begun {
		use.Trouble = privacy.Plain(last.Error)
	}
	for _, e := range slices.Backward(entries) { // oldest first
		use.Calls++
		use.Usage, use.Cost = use.Usage.Add(e.Usage), use.Cost+e.Cost
		use.DataTypes = append(use.DataTypes, e.DataTypes...)
		for kind, times := range e.Redactions {
			use.Redactions[kind] += times
		}
		by := wire.ModelAccount{Provider: e.Provider, Account: e.Account, Model: e.Model}
		if e.State == llm.Answered && (len(use.Answered) == 0 || use.Answered[len(use.Answered)-1] != by) {
			use.Answered = append(use.Answered, by)
		}
	}
	slices.Sort(use.DataTypes)
	use.DataTypes = slices.Compact(use.DataTypes)
	maps.DeleteFunc(use.Redactions, func(_ string, times int) bool { return times == 0 })
	return use, nil
}
