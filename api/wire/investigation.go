package wire

import (
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
)

// IncidentList is the newest incidents, newest first.
type IncidentList struct {
	Incidents []IncidentRow `json:"incidents"`
}

// IncidentRow is an incident and what its investigation found.
type IncidentRow struct {
	investigation.Incident
	Verdict investigation.Verdict `json:"verdict,omitempty"`
	Culprit string                `json:"culprit,omitempty" doc:"entity id, kind/name"`
}

// IncidentDetail is one incident.
type IncidentDetail struct {
	Incident      investigation.Incident         `json:"incident"`
	Investigation *metadata.InvestigationSummary `json:"investigation,omitempty"`
	Fixes         []investigation.Fix            `json:"fixes" doc:"oldest first"`
}

// InvestigationList is the newest investigations, newest first.
type InvestigationList struct {
	Investigations []metadata.InvestigationSummary `json:"investigations"`
}

// InvestigationDetail is one investigation as far as it has come. It is also the data of a "state" event.
type InvestigationDetail struct {
	ID       string `json:"id"`
	Revision int64  `json:"revision" doc:"grows with every change"`
	metadata.Investigation
	Incident *investigation.Incident  `json:"incident,omitempty"`
	Evidence []investigation.Evidence `json:"evidence" doc:"without results; those are at evidence/{eid}"`
	Fixes    []investigation.Fix      `json:"fixes" doc:"oldest first; at most one in most cases"`
	// Questions are those whose askers may not see more than the caller.
	Questions []investigation.Question `json:"questions" doc:"follow-up questions and their answers, oldest first"`
	Models    *ModelUse                `json:"models,omitempty" doc:"absent: no model was asked"`
	Workflow  string                   `json:"workflow" doc:"id in the Temporal UI"`
}

// Cancelled says that an investigation was asked to end. It has when its status says so.
type Cancelled struct {
	Investigation string `json:"investigation"`
	Workflow      string `json:"workflow" doc:"that was cancelled: of the incident, with all it started"`
}

// Ask starts an investigation.
type Ask struct {
	Question string `json:"question" minLength:"1" maxLength:"2000"`
	Service  string `json:"service,omitempty" maxLength:"200" doc:"service.name it is about, when known; absent: those that the question names"`
	Offset   int    `json:"utc_offset_min,omitempty" minimum:"-1080" maximum:"1080" doc:"minutes that the asker's clock is ahead of UTC, for times that the question names"`
}

// Asked says where the answer will be. The investigation exists a few seconds later, when the intake has started it.
type Asked struct {
	Trigger       string                `json:"trigger"`
	Incident      string                `json:"incident"`
	Investigation string                `json:"investigation"`
	Services      []string              `json:"services,omitempty" doc:"that it is about, as the question names them"`
	Unknown       []string              `json:"unknown,omitempty" doc:"quoted or given as services, and not seen lately"`
	Window        *investigation.Window `json:"window,omitempty" doc:"that the question names"`
	Found         *investigation.Window `json:"found,omitempty" doc:"of a question that names no time: since when, and until when, requests failed or were slow in the last hour; absent: the question is about the last minutes"`
	Misread       []string              `json:"misread,omitempty" doc:"what looks like a time in the question and is none"`
}

// AskQuestion asks a follow-up question.
type AskQuestion struct {
	Text    string `json:"text" minLength:"1" maxLength:"1000"`
	Request string `json:"request,omitempty" pattern:"^[A-Za-z0-9._-]*$" maxLength:"100" doc:"names this request: sent again it asks nothing twice; absent: it is a new question"`
}

// QuestionList is every question about an investigation, oldest first.
type QuestionList struct {
	Questions []investigation.Question `json:"questions"`
}

// Replay investigates again.
type Replay struct {
	Analyst string `json:"analyst" minLength:"1" maxLength:"100" doc:"builtin, or the name of a model provider that policy lists"`
}

// Replayed says where the replay is.
type Replayed struct {
	Investigation string `json:"investigation"`
}

// Approve approves one exact fix.
type Approve struct {
	Digest string `json:"digest" minLength:"64" maxLength:"64" doc:"of the fix as it was shown to the approver"`
}

// Reject rejects one exact fix.
type Reject struct {
	Digest string `json:"digest" minLength:"64" maxLength:"64" doc:"of the fix as it was shown to the approver"`
	Reason string `json:"reason" minLength:"1" maxLength:"1000"`
}

// Decision is an approval or rejection that was signed and sent to the workflow that waits for it. Whether it was applied
// shows in the fix's status.
type Decision struct {
	Fix       string    `json:"fix"`
	Digest    string    `json:"digest"`
	Approved  bool      `json:"approved"`
	Approver  string    `json:"approver"`
	ExpiresAt time.Time `json:"expires_at"`
	Needed    int       `json:"needed" doc:"people who must approve the fix before it is applied"`
	Given     int       `json:"given" doc:"approvals it had before this one"`
}

// FixList is the newest fixes, newest first.
type FixList struct {
	Fixes []investigation.Fix `json:"fixes"`
}
