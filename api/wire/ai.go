package wire

import (
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
)

// AI is what an admin decided about models for an environment, and what follows from it now.
type AI struct {
	Environment string                   `json:"environment"`
	Enabled     bool                     `json:"enabled" doc:"what an admin decided"`
	Active      bool                     `json:"active" doc:"a model decides the investigations that begin now"`
	Inactive    string                   `json:"inactive,omitempty" doc:"why it does not"`
	Providers   []ListedProvider         `json:"providers" doc:"who may be asked; the first is asked first"`
	DataTypes   []investigation.DataType `json:"data_types" doc:"what a model may see"`
	Kinds       []DataKind               `json:"kinds" doc:"every kind of data there is"`
	UpdatedBy   string                   `json:"updated_by,omitempty"`
	UpdatedAt   time.Time                `json:"updated_at,omitzero"`
}

// ListedProvider is a provider that an admin listed.
type ListedProvider struct {
	Name        string    `json:"name"`
	Asked       bool      `json:"asked" doc:"it is asked when AI is on"`
	Why         string    `json:"why,omitempty" doc:"why it is not asked"`
	ConfirmedBy string    `json:"confirmed_by,omitempty" doc:"who confirmed the terms as they are configured now"`
	ConfirmedAt time.Time `json:"confirmed_at,omitzero"`
}

// DataKind is a kind of data that policy can keep from models.
type DataKind struct {
	Name     investigation.DataType `json:"name"`
	Includes string                 `json:"includes" doc:"one sentence for people"`
	Tools    []string               `json:"tools" doc:"that reveal it, and are withdrawn with it"`
}

// PutAI replaces what was decided. What is left out stays as it is, so that {"enabled": false} switches off at any time.
type PutAI struct {
	Enabled   *bool     `json:"enabled,omitempty"`
	Providers []string  `json:"providers,omitempty" maxItems:"20" doc:"names of configured providers, the first is asked first; absent: as they are"`
	DataTypes []string  `json:"data_types,omitempty" maxItems:"20" doc:"what a model may see; absent: as they are"`
	Confirm   []Confirm `json:"confirm,omitempty" maxItems:"20" doc:"data-use terms that the caller has read; what was confirmed before and still fits stays confirmed"`
}

// Confirm says that the caller read a provider's data-use terms.
type Confirm struct {
	Provider string `json:"provider" maxLength:"200"`
	Terms    string `json:"terms" maxLength:"10000" doc:"exactly as configured"`
}

// ProviderList is every configured provider.
type ProviderList struct {
	Providers []Provider `json:"providers"`
}

// Provider is an account at a vendor, without any secret.
type Provider struct {
	Name        string `json:"name"`
	Kind        string `json:"kind" enum:"anthropic,bedrock,openai"`
	Account     string `json:"account" doc:"whose account it is, as report and ledger call it"`
	Environment string `json:"environment,omitempty" doc:"whose own account it is; absent: the installation's"`
	Model       string `json:"model"`
	Address     string `json:"address" doc:"host that is connected to"`
	Terms       string `json:"terms" doc:"data-use terms that an admin must confirm"`
	Context     int    `json:"context" doc:"tokens that fit"`
	MaxTokens   int    `json:"max_tokens" doc:"of one answer"`
	Price       Price  `json:"price"`
	Unusable    string `json:"unusable,omitempty" doc:"why it cannot be used in this environment"`
}

// Price is in US dollars per million tokens.
type Price struct {
	Input      float64 `json:"input"`
	Output     float64 `json:"output"`
	CacheRead  float64 `json:"cache_read"`
	CacheWrite float64 `json:"cache_write"`
}

// Ledger is a page of the calls that were made to models, newest first.
type Ledger struct {
	Entries []llm.Entry `json:"entries" doc:"without what was sent and received"`
	Next    string      `json:"next,omitempty" doc:"cursor of the next page"`
	Days    []LedgerDay `json:"days,omitempty" doc:"of the first page: sums over all that was asked for, newest day first, at most 31"`
}

// LedgerDay is what the calls that began on a day took.
type LedgerDay struct {
	Day   string    `json:"day" doc:"in UTC" example:"2026-03-01"`
	Calls int       `json:"calls"`
	Usage llm.Usage `json:"usage" doc:"tokens"`
	Cost  int64     `json:"cost" doc:"millionths of a US dollar"`
}

// ModelUse is what models did for an investigation so far. Calls that have not ended count with the most they can take.
type ModelUse struct {
	Calls      int                      `json:"calls"`
	Usage      llm.Usage                `json:"usage" doc:"tokens"`
	Cost       int64                    `json:"cost" doc:"millionths of a US dollar"`
	Answered   []ModelAccount           `json:"answered" doc:"who answered, the latest last"`
	DataTypes  []investigation.DataType `json:"data_types" doc:"what was sent"`
	Redactions map[string]int           `json:"redactions,omitempty" doc:"kind of what was removed or replaced, and how often, over all calls"`
	Trouble    string                   `json:"trouble,omitempty" doc:"why the latest call has no answer"`
}

// ModelAccount is who answered.
type ModelAccount struct {
	Provider string `json:"provider"`
	Account  string `json:"account"`
	Model    string `json:"model"`
}
