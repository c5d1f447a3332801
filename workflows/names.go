package workflows

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"go.temporal.io/sdk/temporal"
)

// Namespaces. The schedules run every few seconds and would bury the incidents, so they have a namespace of their own.
const (
	Namespace      = "midwatch"
	WatchNamespace = "midwatch-watch"
)

// Task queues, one for each worker role.
const (
	OrchestrateQueue = "orchestrate" // workflows
	ToolsQueue       = "tools"       // store and metadata reads, and the metadata's own bookkeeping
	SandboxQueue     = "sandbox"     // analyst steps and checks
	GitHubQueue      = "github"      // the only one that reads a code host
	ModelQueue       = "model"       // the only one that may reach a model provider
	ApplyQueue       = "apply"       // the only one that changes anything
	NotifyQueue      = "notify"
)

// Workflow types, as the Temporal UI shows them.
const (
	IntakeWorkflow        = "Intake"
	IncidentWorkflow      = "Incident"
	DeploymentWorkflow    = "DeploymentVerification"
	InvestigationWorkflow = "Investigation"
	QuestionWorkflow      = "Question"
	RemediationWorkflow   = "Remediation"
	ScanWorkflow          = "Scan"
)

// Signals and queries.
const (
	TriggerSignal  = "trigger"  // []investigation.Trigger, to Intake, DeploymentVerification and Incident
	ProgressSignal = "progress" // Progress, to Intake
	ApprovalSignal = "approval" // investigation.Approval, to Remediation
	MergeSignal    = "merge"    // string, to Remediation: something became of the pull request
	OutcomeSignal  = "outcome"  // RemediationResult, from a Remediation to its Incident: only people are still to be told
	StateQuery     = "state"    // the state of any workflow here
)

// Activity names. A tool call is an activity named after its tool.
const (
	OpenIncidentActivity       = "OpenIncident"
	JoinTriggerActivity        = "JoinTrigger"
	UpdateIncidentActivity     = "UpdateIncident"
	OpenInvestigationActivity  = "OpenInvestigation"
	EndInvestigationActivity   = "EndInvestigation"
	AnalystStepActivity        = "AnalystStep"
	AskModelActivity           = "AskModel"
	AnswerStepActivity         = "AnswerStep"
	EndQuestionActivity        = "EndQuestion"
	ControlEvidenceActivity    = "ControlEvidence"
	VerifyReportActivity       = "VerifyReport"
	PrepareFixActivity         = "PrepareFix"
	PreparePullRequestActivity = "PreparePullRequest"
	PrepareRemedyActivity      = "PrepareRemedy"
	PullRequestStateActivity   = "PullRequestState"
	ContainsCommitActivity     = "ContainsCommit"
	DeployedSinceActivity      = "DeployedSince"
	StillFitsActivity          = "StillFits"
	UpdateFixActivity          = "UpdateFix"
	AuditRefusedActivity       = "AuditRefused"
	ApplyFixActivity           = "ApplyFix"
	VerifyRecoveryActivity     = "VerifyRecovery"
	EvaluateAlertsActivity     = "EvaluateAlerts"
	ScanAnomaliesActivity      = "ScanAnomalies"
	ScanDeploymentsActivity    = "ScanDeployments"
	ScanKernelEventsActivity   = "ScanKernelEvents"
	RaiseTriggersActivity      = "RaiseTriggers"
	AnnounceActivity           = "Announce"
)

// Search attributes, all Keyword. They are not encrypted: names and states only, never text.
var (
	ServiceAttribute  = temporal.NewSearchAttributeKeyKeyword("MidwatchService")
	SeverityAttribute = temporal.NewSearchAttributeKeyKeyword("MidwatchSeverity")
	TriggerAttribute  = temporal.NewSearchAttributeKeyKeyword("MidwatchTrigger") // kind of the first trigger
	VerdictAttribute  = temporal.NewSearchAttributeKeyKeyword("MidwatchVerdict")
	PhaseAttribute    = temporal.NewSearchAttributeKeyKeyword("MidwatchPhase")
)

// IntakeID is the workflow id of an environment's Intake.
func IntakeID(environment string) string { return "intake/" + environment }

// IncidentWorkflowID is the id of the Incident workflow that a first trigger opens.
func IncidentWorkflowID(environment, trigger string) string {
	return "incident/" + environment + "/" + trigger
}

// DeploymentWorkflowID is the id of the DeploymentVerification workflow that a deployment trigger opens.
func DeploymentWorkflowID(environment, trigger string) string {
	return "deployment/" + environment + "/" + trigger
}

// InvestigationWorkflowID is the id of the workflow of an investigation.
func InvestigationWorkflowID(environment, investigation string) string {
	return "investigation/" + environment + "/" + investigation
}

// QuestionWorkflowID is the id of the workflow that looks for the answer to a question.
func QuestionWorkflowID(environment, question string) string {
	return "question/" + environment + "/" + question
}

// RemediationWorkflowID is the id of the workflow that waits for approval of a fix.
func RemediationWorkflowID(environment, fix string) string {
	return "remediation/" + environment + "/" + fix
}

// IncidentPrefix begins the id of every incident.
const IncidentPrefix = "inc-"

// IncidentID names the incident that a first trigger opens, in the metadata store and in addresses of the api.
func IncidentID(environment, trigger string) string {
	return IncidentPrefix + short(environment, trigger)
}

// InvestigationID names the investigation of an incident.
func InvestigationID(incident string) string {
	return "inv-" + strings.TrimPrefix(incident, IncidentPrefix)
}

// secondLook names the second investigation of an incident.
func secondLook(incident string) string { return InvestigationID(incident) + "-2" }

// QuestionID names the question that a request asks about an investigation, whatever its words: asked again by the same request it is
// the same question.
func QuestionID(investigation, request string) string { return "ask-" + short(investigation, request) }

// FixID names the fix that an investigation proposed.
func FixID(investigation string) string { return "fix-" + strings.TrimPrefix(investigation, "inv-") }

// short is 48 bits of a digest: ids people can read out, and one collision in a hundred million pairs at ten thousand incidents.
func short(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:6])
}
