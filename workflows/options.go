package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// rule is one line of the activity table.
type rule struct {
	queue     string
	timeout   time.Duration // one attempt
	deadline  time.Duration // all attempts and the waiting between them; 0: no bound but the number of attempts
	heartbeat time.Duration // a worker that died is noticed after this long; 0: after timeout
	attempts  int32
}

// ruleOf is the activity table. A heartbeat is there so that a killed worker costs seconds. Steps are tried often because a
// worker may die under them; a step that breaks the contract is another kind of failure and is tried twice, by the workflow.
func ruleOf(activity string) rule {
	switch activity {
	case OpenIncidentActivity, JoinTriggerActivity, UpdateIncidentActivity, OpenInvestigationActivity,
		EndInvestigationActivity, EndQuestionActivity, UpdateFixActivity, AuditRefusedActivity:
		return rule{queue: ToolsQueue, timeout: 5 * time.Second, attempts: 20}
	case AnalystStepActivity, AnswerStepActivity, VerifyReportActivity:
		return rule{queue: SandboxQueue, timeout: 30 * time.Second, deadline: 5 * time.Minute, heartbeat: 5 * time.Second, attempts: 10}
	case AskModelActivity: // an answer may take minutes; whether one is asked again is the gate's to know
		return rule{queue: ModelQueue, timeout: 5 * time.Minute, deadline: 6 * time.Minute, heartbeat: 5 * time.Second, attempts: 6}
	case ControlEvidenceActivity:
		return rule{queue: ToolsQueue, timeout: 20 * time.Second, deadline: StoreAway + 30*time.Second, heartbeat: 5 * time.Second, attempts: 50}
	case PreparePullRequestActivity, PullRequestStateActivity, ContainsCommitActivity:
		return rule{queue: GitHubQueue, timeout: time.Minute, deadline: 5 * time.Minute, heartbeat: 5 * time.Second, attempts: 10}
	case DeployedSinceActivity, StillFitsActivity:
		return rule{queue: ToolsQueue, timeout: 20 * time.Second, deadline: time.Minute, heartbeat: 5 * time.Second, attempts: 5}
	case PrepareFixActivity:
		return rule{queue: ToolsQueue, timeout: 10 * time.Second, attempts: 5}
	case PrepareRemedyActivity:
		return rule{queue: ApplyQueue, timeout: time.Minute, deadline: 5 * time.Minute, heartbeat: 5 * time.Second, attempts: 10}
	case ApplyFixActivity:
		return rule{queue: ApplyQueue, timeout: 90 * time.Second, heartbeat: 10 * time.Second, attempts: 5}
	case VerifyRecoveryActivity:
		return rule{queue: ToolsQueue, timeout: 10 * time.Second, attempts: 3}
	case EvaluateAlertsActivity, ScanAnomaliesActivity, ScanDeploymentsActivity, ScanKernelEventsActivity, RaiseTriggersActivity:
		return rule{queue: ToolsQueue, timeout: 10 * time.Second, deadline: 15 * time.Second, attempts: 1} // the next tick comes
	case AnnounceActivity:
		return rule{queue: NotifyQueue, timeout: 15 * time.Second, deadline: 5 * time.Minute, attempts: 20} // nobody waits for it
	case RunProgramTool:
		return rule{queue: ToolQueue(activity), timeout: 20 * time.Second, deadline: time.Minute, heartbeat: 5 * time.Second, attempts: ToolAttempts}
	default: // a tool
		if queue := ToolQueue(activity); queue == GitHubQueue { // many requests, and waits for a rate limit
			return rule{queue: queue, timeout: time.Minute, deadline: 3 * time.Minute, heartbeat: 5 * time.Second, attempts: ToolAttempts}
		}
		return rule{queue: ToolsQueue, timeout: 20 * time.Second, deadline: StoreAway + 30*time.Second, heartbeat: 5 * time.Second, attempts: 50}
	}
}

const (
	// ToolAttempts is how often a tool call is tried; the last attempt records the failure as evidence.
	ToolAttempts = 5
	// StoreAway is how long a tool call waits, attempt after attempt, for a store that cannot be reached.
	StoreAway = 150 * time.Second
)

// call starts an activity by the table. The summary is one line of the story that the Temporal UI tells.
func call(ctx workflow.Context, activity, summary string, input any) workflow.Future {
	r := ruleOf(activity)
	return workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              r.queue,
		StartToCloseTimeout:    r.timeout,
		ScheduleToCloseTimeout: r.deadline,
		HeartbeatTimeout:       r.heartbeat,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: 500 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: 5 * time.Second, MaximumAttempts: r.attempts,
		},
		Summary: line(summary),
	}), activity, input)
}
