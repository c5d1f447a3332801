package workflows

import (
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
)

// Incident states in the metadata store (investigation.Incident.Status) and in the Phase search attribute.
const (
	Baking           = "baking"     // search attribute only: a deployment is being watched
	Collecting       = "collecting" // search attribute only: waiting for the alerts of dependants
	Investigating    = "investigating"
	AwaitingApproval = "awaiting_approval"
	Applying         = "applying"
	AwaitingMerge    = "awaiting_merge"      // a pull request is open
	AwaitingDeploy   = "awaiting_deployment" // it is merged
	Verifying        = "verifying"
	Resolved         = "resolved"
	Closed           = "closed"
	Failed           = "failed"
)

// Investigation states in the metadata store.
const (
	InvestigationRunning   = "running"
	InvestigationConcluded = "concluded"
	InvestigationFailed    = "failed"
)

// Fix states in the metadata store.
const (
	FixAwaiting = "awaiting_approval"
	FixRejected = "rejected"
	FixExpired  = "expired"
	FixApplying = "applying"
	FixApplied  = "applied"
	FixFailed   = "failed"
	FixVerified = "verified"
	FixWorse    = "worse"
	FixMerged   = "merged" // of a pull request: people merged it, and it is not deployed yet
	FixClosed   = "closed" // of a pull request: people closed it without merging it
)

// Policy is what an operator may tune. The zero value of each field means its default.
type Policy struct {
	Debounce   time.Duration `json:"debounce,omitempty"`   // triggers that arrive together are sorted together; 2 s
	Settle     time.Duration `json:"settle,omitempty"`     // an incident waits this long for alerts of dependants; 6 s
	Bake       time.Duration `json:"bake,omitempty"`       // a deployment is watched this long; 45 s
	CoolDown   time.Duration `json:"cool_down,omitempty"`  // a trigger is not raised again this long after it was last seen; 10 min
	Quiet      time.Duration `json:"quiet,omitempty"`      // an incident takes no new triggers once none of its own was seen this long; 60 s
	Concurrent int           `json:"concurrent,omitempty"` // investigations at once; 3
	Turns      int           `json:"turns,omitempty"`      // steps of an investigation; 8
	Tokens     int64         `json:"tokens,omitempty"`     // that its model calls may take; 400000
	Cost       int64         `json:"cost,omitempty"`       // that they may cost, in millionths of a US dollar; 2000000
	Wall       time.Duration `json:"wall,omitempty"`       // its wall time; 5 min
	Approval   time.Duration `json:"approval,omitempty"`   // a fix waits this long for a person; 24 h
	Remind     time.Duration `json:"remind,omitempty"`     // people are told again and again that a fix waits; 15 min, negative: never
	Escalate   time.Duration `json:"escalate,omitempty"`   // other people are told that it still waits; 1 h, negative: never
	Recovery   time.Duration `json:"recovery,omitempty"`   // recovery is looked for this long; 2 min
	Again      time.Duration `json:"again,omitempty"`      // an alarm that goes on unexplained is looked into again, later and later; 2 min, negative: never
	Info       bool          `json:"info,omitempty"`       // an alert of severity info starts an investigation by itself
}

func (p Policy) orDefault() Policy {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&p.Debounce, 2*time.Second)
	set(&p.Settle, 6*time.Second)
	set(&p.Bake, 45*time.Second)
	set(&p.CoolDown, 10*time.Minute)
	set(&p.Quiet, time.Minute)
	set(&p.Wall, 5*time.Minute)
	set(&p.Approval, 24*time.Hour)
	set(&p.Remind, 15*time.Minute)
	set(&p.Escalate, time.Hour)
	set(&p.Recovery, 2*time.Minute)
	set(&p.Again, 2*time.Minute)
	if p.Concurrent == 0 {
		p.Concurrent = 3
	}
	if p.Turns == 0 {
		p.Turns = 8
	}
	if p.Tokens == 0 {
		p.Tokens = 400_000
	}
	if p.Cost == 0 {
		p.Cost = 2_000_000
	}
	return p
}

// Investigations is how many may run at once.
func (p Policy) Investigations() int { return p.orDefault().Concurrent }

// Budget is what one investigation may take.
func (p Policy) Budget() investigation.Budget {
	p = p.orDefault()
	return investigation.Budget{Turns: p.Turns, Wall: p.Wall, Tokens: p.Tokens, Cost: p.Cost}
}

// IntakeInput starts an environment's Intake. Senders of a trigger give only Environment and Policy.
type IntakeInput struct {
	Environment string      `json:"environment"`
	Policy      Policy      `json:"policy"`
	State       IntakeState `json:"state"` // carried by continue-as-new
}

// Progress tells Intake how far one of its incidents is.
type Progress struct {
	Workflow  string `json:"workflow"` // id of the workflow Intake started
	Phase     string `json:"phase"`
	Explained bool   `json:"explained,omitempty"` // its report names a cause, just now
	// Culprit is that cause, Mechanism how it failed.
	Culprit   telemetry.Entity        `json:"culprit,omitempty"`
	Mechanism investigation.Mechanism `json:"mechanism,omitempty"`
	// Took are the ids of the triggers with which a DeploymentVerification hands over to its incident, or with which an incident looks again.
	Took []string `json:"took,omitempty"`
	// Unexplained: it ended, by itself, without a cause.
	Unexplained bool `json:"unexplained,omitempty"`
}

// IncidentInput starts an Incident or, for triggers that are all deployments, a DeploymentVerification.
type IncidentInput struct {
	Environment string                  `json:"environment"`
	Policy      Policy                  `json:"policy"`
	Triggers    []investigation.Trigger `json:"triggers"` // at least one; the first names the incident
	// Workflow is the id under which Intake knows it: its own, or that of the DeploymentVerification it came from.
	Workflow string `json:"workflow"`
	Dropped  int    `json:"dropped,omitempty"` // triggers that belong to it and are left out: they were too many
}

// IncidentResult is what the Temporal UI shows as an incident's result.
type IncidentResult struct {
	Incident string                `json:"incident"`
	Status   string                `json:"status"`
	Verdict  investigation.Verdict `json:"verdict,omitempty"`
	Title    string                `json:"title,omitempty"`
}

// InvestigationInput starts the Investigation whose request is already in the metadata store.
type InvestigationInput struct {
	ID          string               `json:"id"`
	Environment string               `json:"environment"`
	Service     string               `json:"service"`
	Budget      investigation.Budget `json:"budget"`
	State       InvestigationState   `json:"state"` // carried by continue-as-new
}

// ReportRef says what a stored report found.
type ReportRef struct {
	Investigation string                `json:"investigation"`
	Verdict       investigation.Verdict `json:"verdict"`
	Title         string                `json:"title"`
	Culprit       string                `json:"culprit,omitempty"`
	Mechanism     string                `json:"mechanism,omitempty"`
	Confidence    float64               `json:"confidence"`
	Standing      int                   `json:"standing"` // claims that stand
	Struck        int                   `json:"struck"`
	HasFix        bool                  `json:"has_fix"`
	Code          bool                  `json:"code,omitempty"`   // the fix changes code: the github role makes it exact
	Remedy        bool                  `json:"remedy,omitempty"` // the fix changes a cluster: the apply role makes it exact
}

// StepInput asks for one step of the analyst.
type StepInput struct {
	Investigation string    `json:"investigation"`
	Turn          int       `json:"turn"` // from 1
	LastTurn      bool      `json:"last_turn"`
	Now           time.Time `json:"now"`
	Asked         int       `json:"asked,omitempty"`   // model calls made in this turn so far
	Refute        bool      `json:"refute,omitempty"`  // a model's report is drafted: try to prove it wrong
	Builtin       bool      `json:"builtin,omitempty"` // the built-in analyst decides, whatever policy says
}

// StepRef is what a step decided; its words and arguments are in the metadata store.
type StepRef struct {
	Say       string    `json:"say"`
	Calls     []CallRef `json:"calls,omitempty"`
	Concludes bool      `json:"concludes"`
	Asks      bool      `json:"asks,omitempty"`   // a model call first; the rest is empty then
	Model     bool      `json:"model,omitempty"`  // a model decided
	Blames    bool      `json:"blames,omitempty"` // the concluding report names a root cause
	Cited     []string  `json:"cited,omitempty"`  // evidence that the concluding report's claims name
}

// AskInput has a model asked what a step stored.
type AskInput struct {
	Investigation string `json:"investigation"`
	Turn          int    `json:"turn"` // of a question as investigation.QuestionTurn numbers it
	Ask           int    `json:"ask"`  // of this turn, from 1
}

// AskResult says what a model call took. The answer is in the ledger.
type AskResult struct {
	Provider string `json:"provider"`
	Account  string `json:"account"`
	Model    string `json:"model"`
	Input    int64  `json:"input_tokens"`
	Output   int64  `json:"output_tokens"`
	Cost     int64  `json:"cost"` // millionths of a US dollar
}

// CallRef names a tool call of a turn.
type CallRef struct {
	ID     string `json:"id"`
	Tool   string `json:"tool"`
	Why    string `json:"why"`
	Digest string `json:"digest"` // of tool and arguments: equal calls have equal digests
}

// CallInput runs a tool call of a turn that is stored, within what whoever asked for the investigation, or the question, may see.
type CallInput struct {
	Investigation string `json:"investigation"`
	Turn          int    `json:"turn"` // as in AskInput
	Call          string `json:"call"`
}

// EvidenceRef says what a tool call found.
type EvidenceRef struct {
	ID      string `json:"id"`
	Summary string `json:"summary"`
	Error   string `json:"error,omitempty"`
}

// ControlInput asks for the healthy counterpart of a piece of evidence.
type ControlInput struct {
	Investigation string `json:"investigation"`
	Evidence      string `json:"evidence"`
}

// VerifyInput asks for a report's checks.
type VerifyInput struct {
	Investigation string `json:"investigation"`
	Turn          int    `json:"turn"` // the concluding one
	// Uncontrolled is evidence whose healthy counterpart could not be had; a check on it does not count.
	Uncontrolled []string `json:"uncontrolled,omitempty"`
	// TookOver is why the built-in analyst went on where a model had begun.
	TookOver string `json:"took_over,omitempty"`
}

// EndInput closes an investigation. Reason is set when it failed.
type EndInput struct {
	Investigation string `json:"investigation"`
	Reason        string `json:"reason,omitempty"`
}

// IncidentChange is a new state of an incident.
type IncidentChange struct {
	Incident string `json:"incident"`
	Status   string `json:"status"`
	Title    string `json:"title,omitempty"` // "" keeps the title
	// Investigation is the last one that looks into it; "" keeps the one that is known.
	Investigation string `json:"investigation,omitempty"`
}

// JoinInput adds late triggers to an incident.
type JoinInput struct {
	Incident string                  `json:"incident"`
	Trigger  investigation.Trigger   `json:"trigger,omitzero"` // of incidents that began when they were stored one by one
	Triggers []investigation.Trigger `json:"triggers,omitempty"`
	Dropped  int                     `json:"dropped,omitempty"` // how many were left out so far
}

// FixRef names an exact fix that waits for approval.
type FixRef struct {
	ID       string `json:"id"`
	Incident string `json:"incident"`
	Digest   string `json:"digest"`
	Target   string `json:"target"`
	Content  string `json:"content"`
	Needed   int    `json:"needed,omitempty"` // people who must approve it, when more than one
	// PullRequest means that applying it opens one; merging and deploying it is for people.
	PullRequest bool   `json:"pull_request,omitempty"`
	Invalid     string `json:"invalid,omitempty"` // why the draft cannot become a fix; the rest is empty then
}

// RemediationInput starts a Remediation.
type RemediationInput struct {
	Environment string        `json:"environment"`
	Workflow    string        `json:"workflow,omitempty"` // the incident's, as Intake knows it; "" tells Intake nothing
	Fix         FixRef        `json:"fix"`
	Approval    time.Duration `json:"approval"`
	Remind      time.Duration `json:"remind,omitempty"`   // 0 or less: never
	Escalate    time.Duration `json:"escalate,omitempty"` // 0 or less: never
	Recovery    time.Duration `json:"recovery"`
}

// FixChange is a new state of a fix.
type FixChange struct {
	Fix    string `json:"fix"`
	Status string `json:"status"`
	Result string `json:"result"`
}

// Refusal is an approval that did not count.
type Refusal struct {
	Fix      string                 `json:"fix"`
	Reason   string                 `json:"reason"`
	Approval investigation.Approval `json:"approval"`
}

// ApplyInput asks the apply role to check an approval and, if it and the earlier ones are enough, to act.
type ApplyInput struct {
	Fix      string                   `json:"fix"`
	Approval investigation.Approval   `json:"approval"`
	Earlier  []investigation.Approval `json:"earlier,omitempty"` // of the same fix, which counted and were not enough
}

// ApplyResult is what came of it. Refused and Waiting mean that nothing was done and the fix still waits.
type ApplyResult struct {
	Status  string    `json:"status"` // FixApplied, FixFailed, FixRejected; "" when refused or waiting
	Refused string    `json:"refused,omitempty"`
	Waiting string    `json:"waiting,omitempty"` // the approval counts and is not enough: "1 of 2 approvals, by ann"
	Counted []string  `json:"counted,omitempty"` // nonces of the approvals that count so far, when Waiting
	Output  string    `json:"output,omitempty"`
	At      time.Time `json:"at"`
}

// PullRequestState is what became of a pull request.
type PullRequestState struct {
	Merged bool      `json:"merged"`
	Closed bool      `json:"closed"`           // without being merged
	Commit string    `json:"commit,omitempty"` // it was merged as
	By     string    `json:"by,omitempty"`
	At     time.Time `json:"at,omitzero"`
}

// DeployedInput asks what of a fix's service was deployed in a span of time.
type DeployedInput struct {
	Fix  string    `json:"fix"`
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Deployed is one version of a service.
type Deployed struct {
	Commit string    `json:"commit,omitempty"` // "" when nothing says it
	At     time.Time `json:"at"`               // first seen
}

// ContainsInput asks whether a deployed commit or tag holds what a pull request was merged as.
type ContainsInput struct {
	Fix      string `json:"fix"`
	Merge    string `json:"merge"`
	Deployed string `json:"deployed"`
}

// RecoveryInput asks whether what raised an incident's triggers is gone.
type RecoveryInput struct {
	Incident string    `json:"incident"`
	Since    time.Time `json:"since"` // when the fix was applied
	Now      time.Time `json:"now"`
}

// Recovery is what the telemetry says.
type Recovery struct {
	Firing  []string `json:"firing,omitempty"` // conditions of the incident that still hold
	New     []string `json:"new,omitempty"`    // conditions that began after the fix
	Summary string   `json:"summary"`
}

// ScanInput is one tick of the watch schedule.
type ScanInput struct {
	Environment string `json:"environment"`
	Policy      Policy `json:"policy"`
}

// ScanRequest is what a detector is asked.
type ScanRequest struct {
	Environment string    `json:"environment"`
	Now         time.Time `json:"now"`
}

// RaiseInput hands triggers to Intake.
type RaiseInput struct {
	Environment string                  `json:"environment"`
	Policy      Policy                  `json:"policy"`
	Triggers    []investigation.Trigger `json:"triggers"`
}

// Event says what happened in the course of an incident. People choose what they are told of.
type Event string

// The events, in the order in which they come.
const (
	IncidentOpened   Event = "opened"
	ReportWritten    Event = "report"
	ApprovalAwaited  Event = "approval"
	ApprovalReminder Event = "reminder"
	ApprovalOverdue  Event = "escalation"
	FixDecided       Event = "decided" // approved, approved by some and not by enough, or rejected
	FixCarriedOut    Event = "applied"
	RecoveryVerified Event = "verified"
	RecoveryMissing  Event = "worse"
	FixNotPossible   Event = "failed"
	NobodyDecided    Event = "expired"
)

// Events lists them all.
func Events() []Event {
	return []Event{
		IncidentOpened, ReportWritten, ApprovalAwaited, ApprovalReminder, ApprovalOverdue, FixDecided, FixCarriedOut,
		RecoveryVerified, RecoveryMissing, FixNotPossible, NobodyDecided,
	}
}

// Announcement is one line for whoever is on call.
type Announcement struct {
	Incident string `json:"incident"`
	Event    Event  `json:"event,omitempty"`
	Fix      string `json:"fix,omitempty"` // that it is about
	Line     string `json:"line"`
}

// Attributes of a manual trigger.
const (
	RequesterAttribute = "requester" // the person who asked
	UntilAttribute     = "until"     // RFC 3339: the time that is asked about ends here, after the trigger's onset
)
