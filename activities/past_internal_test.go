package activities

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/workflows"
)

// past stores a concluded investigation, its incident and, with a status, its fix.
func (b *bench) past(id string, report investigation.Report, incident, fix string, ts ...investigation.Trigger) {
	b.t.Helper()
	ctx, now := b.t.Context(), time.Now().UTC()
	must := func(err error) {
		b.t.Helper()
		if err != nil {
			b.t.Fatal(err)
		}
	}
	i := investigation.Incident{ID: "inc-" + id, Environment: "test", Status: incident, Investigation: "inv-" + id, OpenedAt: now.Add(-time.Minute), Triggers: ts}
	if incident == workflows.Resolved || incident == workflows.Closed {
		i.ClosedAt = now
	}
	must(b.db.PutIncident(ctx, i))
	must(b.db.CreateInvestigation(ctx, investigation.Request{ID: "inv-" + id, Incident: i.ID, Environment: "test", Triggers: ts}))
	must(b.db.PutReport(ctx, "inv-"+id, report))
	must(b.db.SetInvestigationStatus(ctx, "inv-"+id, workflows.InvestigationConcluded))
	if fix != "" {
		f := investigation.Fix{ID: "fix-" + id, Incident: i.ID, Investigation: "inv-" + id, Environment: "test", Content: "restart " + id, CreatedAt: now, Status: fix}
		f.Digest = f.ContentDigest()
		must(b.db.PutFix(ctx, f))
	}
}

func found(culprit string, m investigation.Mechanism) investigation.Report {
	return investigation.Report{Verdict: investigation.RootCause, Title: culprit + " broke", Culprit: telemetry.Service(culprit), Mechanism: m}
}

func seen(rule, service string, peers ...string) investigation.Trigger {
	return investigation.Trigger{ID: rule + service, Kind: investigation.Alert, Rule: rule, Service: service, Peers: peers}
}

func TestRecall(t *testing.T) {
	b := newBench(t)
	b.past("same", found("catalog", investigation.MissingIndex), workflows.Resolved, workflows.FixVerified, seen("latency", "gateway", "catalog"))
	b.past("rule", found("catalog", investigation.BadDeployment), workflows.Closed, "", seen("error_ratio", "gateway", "catalog"))
	b.past("else", found("mail", investigation.MemoryLeak), workflows.Resolved, "", seen("oom_kill", "mail"))
	b.past("nothing", investigation.Report{Verdict: investigation.NoProblem}, workflows.Closed, "", seen("latency", "gateway", "catalog"))
	for n := range 3 {
		b.past(fmt.Sprint("partly", n), found("catalog", investigation.CPUContention), workflows.Closed, "", seen("latency", "gateway", "catalog", "cart"))
	}
	incidents := &Incidents{DB: b.db}
	request := investigation.Request{ID: "inv-now", Incident: "inc-now", Environment: "test", Triggers: []investigation.Trigger{seen("latency", "gateway", "catalog")}}
	if err := incidents.OpenInvestigation(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	stored, err := b.db.Investigation(t.Context(), "inv-now")
	if err != nil {
		t.Fatal(err)
	}
	got := stored.Request.Past
	if len(got) != 3 {
		t.Fatalf("%+v", got)
	}
	first := got[0]
	if first.Incident != "inc-same" || first.Alike < 0.99 || first.Outcome != workflows.FixVerified || first.Fix != "restart same" || first.Mechanism != investigation.MissingIndex {
		t.Errorf("first %+v", first)
	}
	for _, p := range got[1:] {
		if !strings.HasPrefix(p.Incident, "inc-partly") || p.Alike >= first.Alike || p.Outcome != workflows.Closed {
			t.Errorf("then %+v", p)
		}
	}
	elsewhere := investigation.Request{ID: "inv-x", Environment: "other", Triggers: request.Triggers}
	if got, err := recall(t.Context(), b.db, elsewhere); err != nil || len(got) != 0 {
		t.Errorf("another environment: %+v, %v", got, err)
	}
	question := investigation.Request{ID: "inv-q", Environment: "test", Triggers: []investigation.Trigger{{Kind: investigation.Manual, Rule: "manual", Summary: "why?"}}}
	if got, err := recall(t.Context(), b.db, question); err != nil || len(got) != 0 {
		t.Errorf("a question about nothing in particular: %+v, %v", got, err)
	}
}

func TestPrepareRefersToTheSameCulprit(t *testing.T) {
	for name, c := range map[string]struct {
		status  string
		report  investigation.Report
		within  time.Duration
		refused bool
	}{
		"resolved just now":   {workflows.Resolved, found("a", investigation.MemoryLeak), 0, true},
		"resolved, long ago":  {workflows.Resolved, found("a", investigation.MemoryLeak), time.Nanosecond, false},
		"switched off":        {workflows.Resolved, found("a", investigation.MemoryLeak), -1, false},
		"awaits approval":     {workflows.AwaitingApproval, found("a", investigation.MemoryLeak), 0, true},
		"nobody wanted it":    {workflows.Closed, found("a", investigation.MemoryLeak), 0, false},
		"another mechanism":   {workflows.Resolved, found("a", investigation.CrashLoop), 0, false},
		"another culprit":     {workflows.Resolved, found("b", investigation.MemoryLeak), 0, false},
		"nothing looked into": {workflows.Investigating, found("a", investigation.MemoryLeak), 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			if err := b.db.SetFixStatus(t.Context(), b.fix.ID, workflows.FixRejected, "no"); err != nil { // the bench's own
				t.Fatal(err)
			}
			b.past("before", c.report, c.status, "")
			b.concluded("inv-now")
			now := found("a", investigation.MemoryLeak)
			now.Fix = &investigation.FixDraft{Action: "mark"}
			if err := b.db.PutReport(t.Context(), "inv-now", now); err != nil {
				t.Fatal(err)
			}
			ref, err := (&Prepare{DB: b.db, Actions: b.Actions, SameCulprit: c.within}).Fix(t.Context(), "inv-now")
			if err != nil || (ref.Invalid != "") != c.refused || c.refused && !strings.Contains(ref.Invalid, "inc-before") {
				t.Errorf("%+v, %v", ref, err)
			}
		})
	}
}
