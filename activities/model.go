package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/gate"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/privacy"
	"github.com/midwatch/midwatch/workflows"
)

// ModelStore is what Model needs of the metadata store.
type ModelStore interface {
	Investigation(ctx context.Context, id string) (metadata.Investigation, error)
	NumberedQuestion(ctx context.Context, investigationID string, number int) (investigation.Question, error)
	Ask(ctx context.Context, c llm.Call) (llm.StoredAsk, error)
	Pseudonyms(ctx context.Context, investigation string) (*privacy.Map, error)
	KnownNames(ctx context.Context, environment string) (*privacy.Known, error)
	PutPseudonyms(ctx context.Context, investigation string, m *privacy.Map) error
}

var _ ModelStore = (*metadata.DB)(nil)

// Model is the model role: what a step wants a model asked goes through here, and through here alone.
type Model struct {
	DB   ModelStore
	Gate *gate.Gate
	// Key is what the pseudonyms of every environment follow from.
	Key []byte
	// Hosts are machine names that become pseudonyms even without a domain.
	Hosts []string
}

// Ask has a stored prompt answered. The answer is in the ledger; asked again, it is the same one.
func (a *Model) Ask(ctx context.Context, in workflows.AskInput) (workflows.AskResult, error) {
	defer alive(ctx)()
	inv, err := a.DB.Investigation(ctx, in.Investigation)
	if err != nil {
		return workflows.AskResult{}, final(err)
	}
	call := llm.Call{Investigation: in.Investigation, Turn: in.Turn, Ask: in.Ask}
	stored, err := a.DB.Ask(ctx, call)
	if err != nil {
		return workflows.AskResult{}, final(err)
	}
	pseudonyms, err := a.DB.Pseudonyms(ctx, in.Investigation)
	if err != nil {
		return workflows.AskResult{}, err
	}
	known, err := a.DB.KnownNames(ctx, inv.Request.Environment)
	if err != nil {
		return workflows.AskResult{}, err
	}
	redactor, err := leaving{a.Key, inv.Request.Environment, pseudonyms, known, a.Hosts}.redactor(inv.Request.Triggers, culprit(inv.Report))
	if err != nil {
		return workflows.AskResult{}, err
	}
	request, counts := redactor.Request(stored.Request)
	if err := a.DB.PutPseudonyms(ctx, in.Investigation, pseudonyms); err != nil { // before they are used
		return workflows.AskResult{}, err
	}
	budget, provider, err := a.bounds(ctx, inv.Request, in.Turn)
	if err != nil {
		return workflows.AskResult{}, err
	}
	entry, err := a.Gate.Complete(ctx, gate.Ask{
		Call: call, Environment: inv.Request.Environment, Provider: provider, Request: request, DataTypes: stored.DataTypes, Redactions: counts,
		Tokens: budget.Tokens, Cost: budget.Cost,
	})
	if err != nil {
		return workflows.AskResult{}, modelFailed(err)
	}
	return workflows.AskResult{
		Provider: entry.Provider, Account: entry.Account, Model: entry.Model,
		Input: entry.Usage.Input + entry.Usage.CacheRead + entry.Usage.CacheWrite, Output: entry.Usage.Output, Cost: entry.Cost,
	}, nil
}

// bounds are the budget that a turn draws on, and the one provider that may be asked in it. A question has a budget of its own, and
// policy alone says whom it is put to.
func (a *Model) bounds(ctx context.Context, r investigation.Request, turn int) (investigation.Budget, string, error) {
	number := investigation.QuestionOf(turn)
	if number == 0 {
		return r.Budget, providerOf(r), nil
	}
	q, err := a.DB.NumberedQuestion(ctx, r.ID, number)
	return q.Budget, "", final(err)
}

// providerOf is the one provider that a request wants asked; "": it leaves that to policy.
func providerOf(r investigation.Request) string {
	if r.Analyst == investigation.AnalystBuiltin {
		return ""
	}
	return r.Analyst
}

// modelFailed says whether trying again can help. What a provider asks to wait is waited, up to a minute.
func modelFailed(err error) error {
	var e *llm.Error
	lasting := errors.Is(err, gate.ErrBudget) || errors.Is(err, gate.ErrUnanswered) || errors.As(err, &e) && !passing(err)
	if lasting {
		return temporal.NewNonRetryableApplicationError(err.Error(), workflows.ModelError, err)
	}
	var wait time.Duration
	if e != nil {
		wait = min(e.RetryAfter, time.Minute)
	}
	return temporal.NewApplicationErrorWithOptions(fmt.Sprintf("ask the model: %v", err), workflows.ModelError,
		temporal.ApplicationErrorOptions{NextRetryDelay: wait, Cause: err})
}

// passing tells whether one of several providers' errors may pass.
func passing(err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // the tree is walked here
		for _, one := range joined.Unwrap() {
			if passing(one) {
				return true
			}
		}
		return false
	}
	var e *llm.Error
	return errors.As(err, &e) && e.Passing()
}
