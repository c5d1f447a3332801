package api_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/midwatch/midwatch/api/client"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/workflows"
)

var night = time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)

// called stores a model call that began some days after night and ended as end says; nil: it has not.
func (in *installation) called(turn, days int, end func(*llm.Entry)) llm.Entry {
	in.t.Helper()
	e := get(in.db.Begin(in.t.Context(), llm.Entry{
		Call: llm.Call{Investigation: "inv-1", Turn: turn, Ask: 1}, Environment: environment, Provider: "ours", Kind: llm.KindAnthropic,
		Account: "our account", Model: "m-1", BegunAt: night.AddDate(0, 0, days), Request: json.RawMessage(`{"system":"<find> it"}`),
		Usage: llm.Usage{Input: 1000, Output: 500}, Cost: 9000, DataTypes: []investigation.DataType{investigation.Logs, investigation.Traces},
		Redactions: map[string]int{"ip": 2, "secret:token": 1},
	}))(in.t)
	if end != nil {
		e.EndedAt = e.BegunAt.Add(2 * time.Second)
		end(&e)
		must(in.t, in.db.End(in.t.Context(), e))
	}
	return e
}

func answered(e *llm.Entry) {
	e.State, e.Response, e.Usage, e.Cost = llm.Answered, json.RawMessage(`{"model":"m-1"}`), llm.Usage{Input: 100, Output: 50, CacheRead: 10}, 1000
}

func failed(e *llm.Entry) {
	e.State, e.Error, e.Usage, e.Cost = llm.FailedAt, "throttled\x1b[31m, see https://evil.example", llm.Usage{}, 0
}

func TestLedger(t *testing.T) {
	in := start(t)
	first, second, third := in.called(1, 0, answered), in.called(2, 0, failed), in.called(3, 1, nil)
	admin, ctx := in.as(auth.Admin), t.Context()
	page := get(admin.Ledger(ctx, nil))(t)
	if len(page.Entries) != 3 || page.Entries[0].ID != third.ID || page.Entries[2].Request != nil || page.Entries[2].Response != nil || page.Next != "" {
		t.Errorf("ledger %+v", page)
	}
	if d := page.Days; len(d) != 2 || d[0].Day != "2026-03-02" || d[0].Cost != 9000 || d[1].Calls != 2 || d[1].Cost != 1000 || d[1].Usage.CacheRead != 10 {
		t.Errorf("days %+v", d)
	}
	for name, want := range map[string][]string{
		"state=answered":                  {first.ID},
		"state=failed&provider=ours":      {second.ID},
		"provider=theirs":                 nil,
		"environment=prod":                nil,
		"investigation=inv-1&state=begun": {third.ID},
		"from=2026-03-02T00:00:00Z":       {third.ID},
		"to=2026-03-02T00:00:00Z":         {second.ID, first.ID},
		"limit=2":                         {third.ID, second.ID},
		"cursor=" + second.ID:             {first.ID},
	} {
		page := get(admin.Ledger(ctx, get(url.ParseQuery(name))(t)))(t)
		var ids []string
		for _, e := range page.Entries {
			ids = append(ids, e.ID)
		}
		if !slices.Equal(ids, want) || (page.Next != "") != (name == "limit=2") || (page.Days == nil) != (name == "cursor="+second.ID || want == nil) {
			t.Errorf("%s: %v, next %q, days %v", name, ids, page.Next, page.Days)
		}
	}
	if in.audited("admin person", "ledger.read", "allowed") {
		t.Error("a list was audited as a read")
	}
	e := get(admin.LedgerEntry(ctx, first.ID))(t)
	if string(e.Request) != `{"system":"<find> it"}` || string(e.Response) != `{"model":"m-1"}` || e.State != llm.Answered {
		t.Errorf("entry %+v", e)
	}
	if !in.audited("admin person", "ledger.read", "allowed") {
		t.Error("the read was not audited")
	}
	if _, err := in.as(auth.Approver).LedgerEntry(ctx, first.ID); !errors.Is(err, client.ErrForbidden) {
		t.Errorf("as approver: %v", err)
	}
}

// TestModelUse looks at what a viewer sees of the calls: sums, no words.
func TestModelUse(t *testing.T) {
	in := start(t)
	in.fix()
	viewer, ctx := in.as(auth.Viewer), t.Context()
	if use := get(viewer.Investigation(ctx, "inv-1"))(t).Models; use != nil {
		t.Errorf("nobody was asked: %+v", use)
	}
	in.called(1, 0, answered)
	in.called(2, 0, answered)
	in.called(3, 0, failed)
	use := get(viewer.Investigation(ctx, "inv-1"))(t).Models
	if use == nil || use.Calls != 3 || use.Usage != (llm.Usage{Input: 200, Output: 100, CacheRead: 20}) || use.Cost != 2000 || use.Redactions["ip"] != 6 ||
		len(use.Answered) != 1 || use.Answered[0].Account != "our account" || len(use.DataTypes) != 2 {
		t.Errorf("use %+v", use)
	}
	if use.Trouble != "throttled, see hxxps[:]//evil.example" {
		t.Errorf("trouble %q", use.Trouble)
	}
}

func TestCancel(t *testing.T) {
	in := start(t)
	ctx, operator := t.Context(), in.as(auth.Operator)
	trigger := investigation.Trigger{ID: "alert-1", Environment: environment}
	incident := workflows.IncidentID(environment, trigger.ID)
	id := workflows.InvestigationID(incident)
	must(t, in.db.CreateInvestigation(ctx, investigation.Request{ID: id, Incident: incident, Environment: environment, Triggers: []investigation.Trigger{trigger}}))
	if c := get(operator.Cancel(ctx, id))(t); c.Workflow != workflows.IncidentWorkflowID(environment, "alert-1") {
		t.Errorf("%+v", c)
	}
	if sent := in.temporal.all(); len(sent) != 1 || sent[0].name != "cancel" || sent[0].workflow != "incident/dev/alert-1" {
		t.Errorf("%+v", sent)
	}
	if !in.audited("operator person", "investigations.cancel", "allowed") {
		t.Error("not audited")
	}
	replay := investigation.Request{ID: "inv-replay", Incident: incident, Environment: environment, Triggers: []investigation.Trigger{trigger}, Replays: id}
	must(t, in.db.CreateInvestigation(ctx, replay))
	if c := get(operator.Cancel(ctx, replay.ID))(t); c.Workflow != workflows.InvestigationWorkflowID(environment, replay.ID) {
		t.Errorf("cancelling a replay ends %s", c.Workflow)
	}
	in.temporal.gone = true
	if _, err := operator.Cancel(ctx, id); !errors.Is(err, client.ErrConflict) {
		t.Errorf("its workflow is gone: %v", err)
	}
	in.temporal.gone = false
	must(t, in.db.SetInvestigationStatus(ctx, id, metadata.Concluded))
	if _, err := operator.Cancel(ctx, id); !errors.Is(err, client.ErrConflict) {
		t.Errorf("concluded: %v", err)
	}
	if _, err := in.as(auth.Viewer).Cancel(ctx, id); !errors.Is(err, client.ErrForbidden) {
		t.Errorf("as viewer: %v", err)
	}
}
