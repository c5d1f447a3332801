package api_test

import (
	"errors"
	"net/http"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"
	temporal "go.temporal.io/sdk/client"

	"github.com/midwatch/midwatch/api"
	"github.com/midwatch/midwatch/api/client"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/auth/pki"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/seal/codec"
	"github.com/midwatch/midwatch/workers/temporaltest"
	"github.com/midwatch/midwatch/workflows"
)

// TestTemporal approves and asks with a real Temporal behind the api, whose certificate is that of the part "api". No worker
// runs: what is looked at is what arrived.
func TestTemporal(t *testing.T) {
	server := temporaltest.Start(t)
	c := server.Client(pki.API)
	in := start(t, func(cfg *api.Config) { cfg.Temporal = c })
	fix, ctx, approver := in.fix(), t.Context(), in.as(auth.Approver)

	var refused *client.Error
	if _, err := approver.Approve(ctx, fix.ID, fix.Digest); !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable {
		t.Errorf("nothing waits, and yet: %v", err)
	}
	id := workflows.RemediationWorkflowID(environment, fix.ID)
	get(server.Client(pki.Worker).ExecuteWorkflow(ctx, temporal.StartWorkflowOptions{ID: id, TaskQueue: workflows.OrchestrateQueue},
		workflows.RemediationWorkflow, workflows.RemediationInput{Environment: environment}))(t)
	get(approver.Approve(ctx, fix.ID, fix.Digest))(t)
	var approval investigation.Approval
	arrived(t, c, server, id, workflows.ApprovalSignal, &approval)
	if err := auth.VerifyApproval(in.public, approval); err != nil || approval.Fix != fix.ID {
		t.Errorf("approval %+v: %v", approval, err)
	}

	get(approver.Ask(ctx, "why?", ""))(t)
	var triggers []investigation.Trigger
	arrived(t, c, server, workflows.IntakeID(environment), workflows.TriggerSignal, &triggers)
	if len(triggers) != 1 || triggers[0].Summary != "why?" {
		t.Errorf("triggers %+v", triggers)
	}

	must(t, c.TerminateWorkflow(ctx, id, "", "test"))
	if _, err := approver.Approve(ctx, fix.ID, fix.Digest); !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable {
		t.Errorf("the workflow ended, and yet: %v", err)
	}
}

// TestTemporalHooks posts a message of Alertmanager's twice, with a real Temporal behind the api.
func TestTemporalHooks(t *testing.T) {
	server := temporaltest.Start(t)
	c := server.Client(pki.API)
	in := start(t, func(cfg *api.Config) { cfg.Temporal = c })
	for range 2 {
		if status, got, text := in.post("/hooks/alertmanager", payload(t, "alertmanager_group.json"), auth.Reporter); status != 202 || got.Raised != 2 {
			t.Fatalf("%d %s", status, text)
		}
	}
	var triggers []investigation.Trigger
	arrived(t, c, server, workflows.IntakeID(environment), workflows.TriggerSignal, &triggers)
	if len(triggers) != 2 || triggers[0].Service != "checkout" || triggers[0].Severity != investigation.Critical {
		t.Errorf("triggers %+v", triggers)
	}
}

// arrived decodes the first signal of a workflow's history.
func arrived(t *testing.T, c temporal.Client, server *temporaltest.Server, id, name string, into any) {
	t.Helper()
	history := c.GetWorkflowHistory(t.Context(), id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for history.HasNext() {
		e := get(history.Next())(t)
		if s := e.GetWorkflowExecutionSignaledEventAttributes(); s.GetSignalName() == name {
			must(t, codec.DataConverter(server.Ring).FromPayloads(s.GetInput(), into))
			return
		}
	}
	t.Fatalf("%s was not signalled %s", id, name)
}
