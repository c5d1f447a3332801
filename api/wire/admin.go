package wire

import (
	"time"

	"github.com/midwatch/midwatch/internal/metadata"
)

// OpenSession signs a browser in.
type OpenSession struct {
	Token string `json:"token" maxLength:"200"`
}

// Whoami is who the caller is and what this installation offers them.
type Whoami struct {
	Subject     string   `json:"subject"`
	Role        string   `json:"role" enum:"viewer,operator,approver,admin"`
	Namespaces  []string `json:"namespaces,omitempty"`
	Environment string   `json:"environment"`
	Version     string   `json:"version"`
	TemporalUI  string   `json:"temporal_ui,omitempty" doc:"address of the Temporal UI, absolute or a path here; absent: none"`
}

// TokenList is every token, newest first, without the tokens themselves.
type TokenList struct {
	Tokens []metadata.Token `json:"tokens"`
}

// NewToken asks for a token.
type NewToken struct {
	Subject    string    `json:"subject" minLength:"1" maxLength:"200"`
	Role       string    `json:"role" enum:"sender,reporter,viewer,operator,approver,admin"`
	Namespaces []string  `json:"namespaces,omitempty" maxItems:"100"`
	ExpiresAt  time.Time `json:"expires_at,omitzero" doc:"absent: never"`

	Environment string          `json:"environment,omitempty" maxLength:"200" doc:"of a sender, who needs one: where its telemetry goes"`
	Limits      metadata.Limits `json:"limits,omitzero" doc:"of a sender"`
}

// CreatedToken is a new token. Its text is shown this once.
type CreatedToken struct {
	metadata.Token
	Text string `json:"text"`
}

// Settings is what an admin can change, and the state of AI.
type Settings struct {
	AIActive          bool   `json:"ai_active" doc:"a model decides the investigations that begin now; decided at environments/{environment}/ai"`
	AIInactive        string `json:"ai_inactive,omitempty" doc:"why none does"`
	RetentionDays     int    `json:"retention_days" doc:"telemetry older than this is deleted"`
	LedgerDays        int    `json:"ledger_days" doc:"model calls older than this are deleted from the ledger"`
	InvestigationDays int    `json:"investigation_days" doc:"investigations that ended longer ago are deleted, with all that belongs to them"`
}

// PutSettings changes the settings it names.
type PutSettings struct {
	RetentionDays     int `json:"retention_days,omitempty" minimum:"1" maximum:"3650"`
	LedgerDays        int `json:"ledger_days,omitempty" minimum:"1" maximum:"3650"`
	InvestigationDays int `json:"investigation_days,omitempty" minimum:"1" maximum:"3650" doc:"at least ledger_days"`
}

// AuditLog is the newest entries, newest first.
type AuditLog struct {
	Entries []metadata.AuditEntry `json:"entries"`
}
