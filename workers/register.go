package workers

import (
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/midwatch/midwatch/activities"
	"github.com/midwatch/midwatch/workflows"
)

// RegisterWorkflows registers the workflows of the incidents' namespace, under their names.
func RegisterWorkflows(w worker.WorkflowRegistry) {
	w.RegisterWorkflowWithOptions(workflows.Intake, workflow.RegisterOptions{Name: workflows.IntakeWorkflow})
	w.RegisterWorkflowWithOptions(workflows.Incident, workflow.RegisterOptions{Name: workflows.IncidentWorkflow})
	w.RegisterWorkflowWithOptions(workflows.DeploymentVerification, workflow.RegisterOptions{Name: workflows.DeploymentWorkflow})
	w.RegisterWorkflowWithOptions(workflows.Investigation, workflow.RegisterOptions{Name: workflows.InvestigationWorkflow})
	w.RegisterWorkflowWithOptions(workflows.Question, workflow.RegisterOptions{Name: workflows.QuestionWorkflow})
	w.RegisterWorkflowWithOptions(workflows.Remediation, workflow.RegisterOptions{Name: workflows.RemediationWorkflow})
}

// RegisterScans registers the workflows of the schedules' namespace.
func RegisterScans(w worker.WorkflowRegistry) {
	w.RegisterWorkflowWithOptions(workflows.Scan, workflow.RegisterOptions{Name: workflows.ScanWorkflow})
}

func name(n string) activity.RegisterOptions { return activity.RegisterOptions{Name: n} }

// register gives a worker what its role does.
func (w *Workers) register(to worker.Registry, r Role) {
	switch r {
	case Orchestrate:
		RegisterWorkflows(to)
	case Tools:
		w.registerTools(to)
	case Sandbox:
		step := &activities.Step{Engine: w.cfg.Engine, Registry: w.cfg.Registry, DB: w.cfg.Metadata, Models: w.cfg.Models}
		to.RegisterActivityWithOptions(step.Analyst, name(workflows.AnalystStepActivity))
		to.RegisterActivityWithOptions(step.Verify, name(workflows.VerifyReportActivity))
		answers := &activities.Answers{Step: step, DB: w.cfg.Metadata}
		to.RegisterActivityWithOptions(answers.Next, name(workflows.AnswerStepActivity))
		programs := &activities.Programs{Engine: w.cfg.Engine, DB: w.cfg.Metadata}
		to.RegisterActivityWithOptions(programs.Call, name(workflows.RunProgramTool))
	case GitHub:
		w.registerGitHub(to)
	case Model:
		model := &activities.Model{DB: w.cfg.Metadata, Gate: w.cfg.Gate, Key: w.cfg.PseudonymKey, Hosts: w.cfg.Hosts}
		to.RegisterActivityWithOptions(model.Ask, name(workflows.AskModelActivity))
	case Apply:
		apply := &activities.Apply{
			DB: w.cfg.Metadata, PublicKey: w.cfg.PublicKey, Actions: w.cfg.Actions, Publisher: w.cfg.Publisher, Cluster: w.cfg.Cluster,
			Quorum: w.cfg.Quorum, Environment: w.cfg.Environment, Log: w.cfg.Log,
		}
		to.RegisterActivityWithOptions(apply.Fix, name(workflows.ApplyFixActivity))
		remedies := &activities.Remedies{Prepare: w.prepare(), Cluster: w.cfg.Cluster}
		to.RegisterActivityWithOptions(remedies.Fix, name(workflows.PrepareRemedyActivity))
	case Notify:
		notify := &activities.Notify{DB: w.cfg.Metadata, To: w.cfg.Notifier, Key: w.cfg.PseudonymKey, Hosts: w.cfg.Hosts, Log: w.cfg.Log}
		to.RegisterActivityWithOptions(notify.Announce, name(workflows.AnnounceActivity))
	}
}

// registerGitHub gives a worker the tools that read a code host, and what watches over pull requests.
func (w *Workers) registerGitHub(to worker.Registry) {
	w.registerCalls(to, workflows.GitHubQueue)
	pulls := &activities.PullRequests{DB: w.cfg.Metadata, Host: w.cfg.Host, Watcher: w.cfg.Watcher, Quorum: w.cfg.Quorum, SameCulprit: w.cfg.SameCulprit, Key: w.cfg.PseudonymKey, Hosts: w.cfg.Hosts}
	to.RegisterActivityWithOptions(pulls.Prepare, name(workflows.PreparePullRequestActivity))
	to.RegisterActivityWithOptions(pulls.State, name(workflows.PullRequestStateActivity))
	to.RegisterActivityWithOptions(pulls.Contains, name(workflows.ContainsCommitActivity))
}

// registerCalls gives a worker the tools of a queue, each under its own name.
func (w *Workers) registerCalls(to worker.Registry, queue string) {
	run := &activities.Tools{Registry: w.cfg.Registry, DB: w.cfg.Metadata}
	for _, tool := range w.cfg.Registry.Names() {
		if workflows.ToolQueue(tool) == queue {
			to.RegisterActivityWithOptions(run.Call, name(tool))
		}
	}
}

// registerTools gives a worker the tools of its queue and the metadata's bookkeeping.
func (w *Workers) registerTools(to worker.Registry) {
	w.registerCalls(to, workflows.ToolsQueue)
	run := &activities.Tools{Registry: w.cfg.Registry, DB: w.cfg.Metadata}
	to.RegisterActivityWithOptions(run.Control, name(workflows.ControlEvidenceActivity))

	incidents := &activities.Incidents{DB: w.cfg.Metadata, Actions: w.cfg.Actions}
	to.RegisterActivityWithOptions(incidents.Open, name(workflows.OpenIncidentActivity))
	to.RegisterActivityWithOptions(incidents.Join, name(workflows.JoinTriggerActivity))
	to.RegisterActivityWithOptions(incidents.Update, name(workflows.UpdateIncidentActivity))
	to.RegisterActivityWithOptions(incidents.OpenInvestigation, name(workflows.OpenInvestigationActivity))
	to.RegisterActivityWithOptions(incidents.EndInvestigation, name(workflows.EndInvestigationActivity))
	to.RegisterActivityWithOptions(incidents.UpdateFix, name(workflows.UpdateFixActivity))
	to.RegisterActivityWithOptions(incidents.AuditRefused, name(workflows.AuditRefusedActivity))

	answers := &activities.Answers{DB: w.cfg.Metadata}
	to.RegisterActivityWithOptions(answers.End, name(workflows.EndQuestionActivity))

	deployments := &activities.Deployments{DB: w.cfg.Metadata, Registry: w.cfg.Registry}
	to.RegisterActivityWithOptions(deployments.Since, name(workflows.DeployedSinceActivity))
	to.RegisterActivityWithOptions(deployments.StillFits, name(workflows.StillFitsActivity))

	prepare := w.prepare()
	to.RegisterActivityWithOptions(prepare.Fix, name(workflows.PrepareFixActivity))

	detect := &activities.Detect{Detector: w.cfg.Detector, DB: w.cfg.Metadata, Environment: w.cfg.Environment}
	to.RegisterActivityWithOptions(detect.Recovery, name(workflows.VerifyRecoveryActivity))
}

func (w *Workers) prepare() activities.Prepare {
	return activities.Prepare{DB: w.cfg.Metadata, Actions: w.cfg.Actions, Quorum: w.cfg.Quorum, SameCulprit: w.cfg.SameCulprit}
}

// registerScans gives a worker of the schedules' namespace what its role does there.
func (w *Workers) registerScans(to worker.Worker, r Role, incidents client.Client) {
	if r == Orchestrate {
		RegisterScans(to)
		return
	}
	detect := &activities.Detect{Detector: w.cfg.Detector, DB: w.cfg.Metadata, Environment: w.cfg.Environment, Log: w.cfg.Log}
	to.RegisterActivityWithOptions(detect.Alerts, name(workflows.EvaluateAlertsActivity))
	to.RegisterActivityWithOptions(detect.Anomalies, name(workflows.ScanAnomaliesActivity))
	to.RegisterActivityWithOptions(detect.Deployments, name(workflows.ScanDeploymentsActivity))
	to.RegisterActivityWithOptions(detect.KernelEvents, name(workflows.ScanKernelEventsActivity))
	raise := &activities.Raise{Client: incidents}
	to.RegisterActivityWithOptions(raise.Triggers, name(workflows.RaiseTriggersActivity))
}
