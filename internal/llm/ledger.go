package llm

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
)

// EntryState is how far a model call has come.
type EntryState string

// The states. Begun and no more means that nobody knows whether the provider got it.
const (
	Begun    EntryState = "begun"
	Answered EntryState = "answered"
	FailedAt EntryState = "failed"
	Closed   EntryState = "closed" // by policy, while it ran
)

// ErrNotInLedger means that no entry has that id.
var ErrNotInLedger = errors.New("no such ledger entry")

// Call names a model call of an investigation. Attempts count from 1.
type Call struct {
	Investigation string `json:"investigation"`
	Turn          int    `json:"turn"` // from 1; of a question as investigation.QuestionTurn numbers it
	Ask           int    `json:"ask"`  // of this turn, from 1
}

// StoredAsk is what a step wants a model asked, before anything is removed from it. It never leaves the machine like this.
type StoredAsk struct {
	Request   Request                  `json:"request"`
	DataTypes []investigation.DataType `json:"data_types"`
}

// Entry is one attempt of a model call, with all that was sent and received, in this package's forms of it.
type Entry struct {
	ID          string                   `json:"id"` // assigned by Begin
	Call        Call                     `json:"call"`
	Attempt     int                      `json:"attempt"`
	Environment string                   `json:"environment"`
	Provider    string                   `json:"provider"` // as configured
	Kind        string                   `json:"kind"`     // anthropic, bedrock, openai
	Account     string                   `json:"account"`  // whose account it was
	Model       string                   `json:"model"`
	State       EntryState               `json:"state"`
	BegunAt     time.Time                `json:"begun_at"`
	EndedAt     time.Time                `json:"ended_at,omitzero"`
	Request     json.RawMessage          `json:"request,omitempty"`  // a Request, as it left: after redaction
	Response    json.RawMessage          `json:"response,omitempty"` // a Response; of a call that failed, what had come by then
	Usage       Usage                    `json:"usage"`              // of a call that failed after an answer may have begun: its worst case
	Cost        int64                    `json:"cost"`               // millionths of a US dollar, by the price table
	DataTypes   []investigation.DataType `json:"data_types"`
	Redactions  map[string]int           `json:"redactions,omitempty"` // kind of what was removed or replaced → how often
	Error       string                   `json:"error,omitempty"`
}

// Ledger keeps every call, sealed.
type Ledger interface {
	// Begin commits that a call is about to be sent and returns the entry with its id and attempt.
	Begin(ctx context.Context, e Entry) (Entry, error)
	// End commits what came of it. An entry that has ended does not change any more.
	End(ctx context.Context, e Entry) error
	// Attempts returns the entries of a call, oldest first.
	Attempts(ctx context.Context, c Call) ([]Entry, error)
	// Spent sums up what the calls took that share the budget of c, begun ones at their worst case: those of its investigation's own
	// turns, or of its question's.
	Spent(ctx context.Context, c Call) (Usage, int64, error)
}
