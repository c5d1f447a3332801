package api_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/midwatch/midwatch/api/client"
	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/workflows"
)

func TestInvestigation(t *testing.T) {
	in := start(t)
	fix, ctx, viewer := in.fix(), t.Context(), in.as(auth.Viewer)
	get(in.db.PutEvidence(ctx, investigation.Evidence{Investigation: "inv-1", Call: "t1c1", Tool: "list_services", Result: json.RawMessage(`{"services":[]}`)}))(t)
	must(t, in.db.PutTurn(ctx, "inv-1", investigation.Turn{Number: 1, Say: "look around", Evidence: []string{"e1"}}))
	must(t, in.db.PutReport(ctx, "inv-1", investigation.Report{Verdict: investigation.RootCause, Title: "cart leaks", Culprit: "service/cart"}))

	d := get(viewer.Investigation(ctx, "inv-1"))(t)
	if len(d.Turns) != 1 || d.Report == nil || d.Report.Title != "cart leaks" || len(d.Fixes) != 1 || d.Fixes[0].Digest != fix.Digest || d.Incident == nil {
		t.Errorf("investigation %+v", d)
	}
	if len(d.Evidence) != 1 || d.Evidence[0].Result != nil {
		t.Errorf("evidence %+v", d.Evidence)
	}
	if e := get(viewer.Evidence(ctx, "inv-1", "e1"))(t); string(e.Result) != `{"services":[]}` {
		t.Errorf("result %s", e.Result)
	}
	if i := get(viewer.Incidents(ctx))(t).Incidents; len(i) != 1 || i[0].Verdict != investigation.RootCause || i[0].Culprit != "service/cart" {
		t.Errorf("incidents %+v", i)
	}
	if i := get(viewer.Incident(ctx, "inc-1"))(t); i.Investigation == nil || i.Investigation.Title != "cart leaks" || len(i.Fixes) != 1 {
		t.Errorf("incident %+v", i)
	}
	if l := get(viewer.Investigations(ctx))(t).Investigations; len(l) != 1 || l[0].ID != "inv-1" {
		t.Errorf("investigations %+v", l)
	}
	if _, err := viewer.Investigation(ctx, "inv-2"); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("no such investigation: %v", err)
	}
	if err := viewer.Watch(ctx, "inv-2", nil); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("watch no such investigation: %v", err)
	}
}

// TestWatch changes an investigation while somebody watches, step by step.
func TestWatch(t *testing.T) {
	in := start(t)
	ctx, seen, left := t.Context(), make(chan wire.InvestigationDetail), make(chan error, 1)
	fix := in.fix()
	go func() {
		left <- in.as(auth.Viewer).Watch(ctx, "inv-1", func(d wire.InvestigationDetail) bool {
			seen <- d
			return d.Fixes[0].Status != workflows.FixVerified
		})
	}()
	steps := []struct {
		change func() error
		shows  func(wire.InvestigationDetail) bool
	}{
		{func() error { return nil }, func(d wire.InvestigationDetail) bool { return d.Status == metadata.Running && len(d.Turns) == 0 }},
		{func() error { return in.db.PutTurn(ctx, "inv-1", investigation.Turn{Number: 1}) }, func(d wire.InvestigationDetail) bool { return len(d.Turns) == 1 }},
		{func() error { return in.db.PutReport(ctx, "inv-1", investigation.Report{Title: "x"}) }, func(d wire.InvestigationDetail) bool { return d.Report != nil }},
		{func() error {
			return in.db.UpdateIncident(ctx, "inc-1", func(i *investigation.Incident) { i.Status = workflows.Applying })
		}, func(d wire.InvestigationDetail) bool { return d.Incident.Status == workflows.Applying }},
		{func() error { return in.db.SetFixStatus(ctx, fix.ID, workflows.FixVerified, "") }, func(d wire.InvestigationDetail) bool { return d.Fixes[0].Status == workflows.FixVerified }},
	}
	for i, s := range steps {
		must(t, s.change())
		select {
		case d := <-seen:
			if !s.shows(d) {
				t.Fatalf("step %d: %+v", i, d)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("step %d was not seen", i)
		}
	}
	must(t, <-left)
}

// TestWatchQuiet watches through a silence that is longer than the deadline of a write.
func TestWatchQuiet(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 12 seconds")
	}
	in := start(t)
	in.fix()
	seen, left := make(chan wire.InvestigationDetail, 2), make(chan error, 1)
	go func() {
		left <- in.as(auth.Viewer).Watch(t.Context(), "inv-1", func(d wire.InvestigationDetail) bool {
			seen <- d
			return len(d.Turns) == 0
		})
	}()
	<-seen
	select {
	case err := <-left:
		t.Fatalf("the stream ended in the silence: %v", err)
	case <-time.After(12 * time.Second):
	}
	must(t, in.db.PutTurn(t.Context(), "inv-1", investigation.Turn{Number: 1}))
	must(t, <-left)
	if d := <-seen; len(d.Turns) != 1 {
		t.Errorf("after the silence: %+v", d)
	}
}

// TestWatchRevoked takes the right to read away from somebody who watches.
func TestWatchRevoked(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 15 seconds")
	}
	in := start(t)
	in.fix()
	viewer, seen, left := in.as(auth.Viewer), make(chan struct{}, 1), make(chan error, 1)
	go func() {
		left <- viewer.Watch(t.Context(), "inv-1", func(wire.InvestigationDetail) bool { seen <- struct{}{}; return true })
	}()
	<-seen
	must(t, in.db.RevokeToken(t.Context(), get(in.db.ListTokens(t.Context()))(t)[0].ID))
	select {
	case err := <-left:
		must(t, err)
	case <-time.After(30 * time.Second):
		t.Error("still watching")
	}
}

func TestAsk(t *testing.T) {
	in := start(t)
	asked := get(in.as(auth.Operator).Ask(t.Context(), "why is checkout slow?", "checkout"))(t)
	sent := in.temporal.all()
	if len(sent) != 1 || sent[0].workflow != workflows.IntakeID(environment) || sent[0].started != workflows.IntakeWorkflow || sent[0].name != workflows.TriggerSignal {
		t.Fatalf("signals %+v", sent)
	}
	trigger := sent[0].arg.([]investigation.Trigger)[0]
	if trigger.Kind != investigation.Manual || trigger.Summary != "why is checkout slow?" || trigger.Service != "checkout" ||
		trigger.Entity != "service/checkout" || trigger.Attributes[workflows.RequesterAttribute] != "operator person" {
		t.Errorf("trigger %+v", trigger)
	}
	if asked.Trigger != trigger.ID || asked.Investigation != workflows.InvestigationID(workflows.IncidentID(environment, trigger.ID)) {
		t.Errorf("asked %+v", asked)
	}
	if !in.audited("operator person", "investigations.ask", "allowed") {
		t.Error("not audited")
	}
	token, _, err := auth.Create(t.Context(), in.db, auth.Grant{Subject: "bob", Role: auth.Operator, Namespaces: []string{"shop"}})
	must(t, err)
	get(client.New(in.url, in.trust, token).Ask(t.Context(), "why?", ""))(t)
	if trigger := in.temporal.all()[1].arg.([]investigation.Trigger)[0]; len(trigger.Namespaces) != 1 || trigger.Namespaces[0] != "shop" {
		t.Errorf("bob's question is about %v", trigger.Namespaces)
	}
}
