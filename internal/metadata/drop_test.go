package metadata_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/metadata"
)

// past is an incident with one of everything that belongs to it. Its investigation ends now.
func past(t *testing.T, db *metadata.DB, name string) (incident, inv string) {
	t.Helper()
	ctx, now := t.Context(), time.Now().UTC()
	incident, inv = "inc-"+name, "inv-"+name
	must(t, db.PutIncident(ctx, investigation.Incident{ID: incident, Environment: "dev", Status: "resolved", Investigation: inv, OpenedAt: now.Add(-time.Minute), ClosedAt: now}))
	must(t, db.CreateInvestigation(ctx, investigation.Request{ID: inv, Incident: incident, Environment: "dev"}))
	must(t, db.PutTurn(ctx, inv, investigation.Turn{Number: 1}))
	get(db.PutEvidence(ctx, investigation.Evidence{Investigation: inv, Call: "c", Result: json.RawMessage(`1`)}))(t)
	must(t, db.PutReport(ctx, inv, investigation.Report{Title: name}))
	must(t, db.PutAsk(ctx, llm.Call{Investigation: inv, Turn: 1}, llm.StoredAsk{}))
	begin(t, db, llm.Entry{Call: llm.Call{Investigation: inv, Turn: 1}, BegunAt: now})
	must(t, db.PutPseudonyms(ctx, inv, pseudonyms(t, "user="+name+"ski in")))
	get(added(db.AddQuestion(ctx, investigation.Question{ID: "ask-" + name, Investigation: inv, AskedAt: now, Status: investigation.QuestionAsked}, few)))(t)
	must(t, db.PutFix(ctx, investigation.Fix{ID: "fix-" + name, Incident: incident, Investigation: inv, Digest: "d", Status: "verified", CreatedAt: now}))
	must(t, db.Audit(ctx, "ada", "fix.approve", "fix-"+name, "allowed", ""))
	must(t, db.SetInvestigationStatus(ctx, inv, metadata.Concluded))
	return incident, inv
}

// testDrop: all of an incident goes once all of it is old enough, and nothing of another.
func testDrop(t *testing.T, db *metadata.DB, open func() *metadata.DB) {
	ctx := t.Context()
	incident, inv := past(t, db, "gone")
	kept := map[string]func(incident, inv string){ // why a part of it keeps an incident, other than its age
		"running": func(incident, _ string) {
			must(t, db.CreateInvestigation(ctx, investigation.Request{ID: "inv-replay", Incident: incident, Replays: "inv-running"}))
		},
		"open": func(incident, _ string) {
			must(t, db.UpdateIncident(ctx, incident, func(i *investigation.Incident) { i.ClosedAt, i.Status = time.Time{}, "verifying" }))
		},
		"waiting": func(string, string) { must(t, db.SetFixStatus(ctx, "fix-waiting", "awaiting_approval", "")) },
	}
	for name, keep := range kept {
		keep(past(t, db, name))
	}
	equal(t, 0, get(db.DropInvestigations(ctx, time.Now().Add(-time.Minute)))(t)) // opened a minute ago, ended now
	later := time.Now().Add(time.Second)
	equal(t, 1, get(open().DropInvestigations(ctx, later))(t))

	_, err := db.Incident(ctx, incident)
	is(t, err, metadata.ErrNotFound)
	_, err = db.Investigation(ctx, inv)
	is(t, err, metadata.ErrNotFound)
	_, err = db.Ask(ctx, llm.Call{Investigation: inv, Turn: 1})
	is(t, err, metadata.ErrNotFound)
	_, err = db.Fix(ctx, "fix-gone")
	is(t, err, metadata.ErrNotFound)
	equal(t, 0, len(get(db.EvidenceList(ctx, inv))(t)))
	equal(t, 0, len(get(db.Questions(ctx, inv))(t)))
	equal(t, 0, get(db.Pseudonyms(ctx, inv))(t).Len())
	equal(t, 1, len(get(db.Attempts(ctx, llm.Call{Investigation: inv, Turn: 1}))(t)))
	equal(t, 1+len(kept), len(get(db.AuditLog(ctx, 100))(t)))
	for name := range kept {
		inv := get(db.Investigation(ctx, "inv-"+name))(t)
		equal(t, name, inv.Report.Title)
		equal(t, 1, len(inv.Turns))
		equal(t, 1, len(get(db.EvidenceList(ctx, inv.Request.ID))(t)))
		equal(t, 1, get(db.Pseudonyms(ctx, inv.Request.ID))(t).Len())
		equal(t, 1, len(get(db.FixesOf(ctx, "inc-"+name))(t)))
		equal(t, 1, len(get(db.Questions(ctx, inv.Request.ID))(t)))
	}
	must(t, db.SetInvestigationStatus(ctx, "inv-replay", metadata.Failed))
	must(t, db.SetFixStatus(ctx, "fix-waiting", "expired", ""))
	equal(t, 3, get(db.DropInvestigations(ctx, time.Now().Add(time.Second)))(t)) // two and the replay
}

// testDropByAge: each part of an incident counts from its own end.
func testDropByAge(t *testing.T, db *metadata.DB, _ func() *metadata.DB) {
	ctx := t.Context()
	for _, younger := range []func(at time.Time){
		func(at time.Time) {
			must(t, db.UpdateIncident(ctx, "inc-a", func(i *investigation.Incident) { i.ClosedAt = at }))
		},
		func(at time.Time) {
			get(added(db.AddQuestion(ctx, investigation.Question{ID: "ask-late", Investigation: "inv-a", AskedAt: at}, few)))(t)
		},
		func(at time.Time) {
			must(t, db.PutFix(ctx, investigation.Fix{ID: "fix-late", Incident: "inc-a", Investigation: "inv-a", Status: "failed", CreatedAt: at}))
		},
	} {
		past(t, db, "a")
		before := time.Now().Add(time.Minute)
		younger(before.Add(time.Minute))
		equal(t, 0, get(db.DropInvestigations(ctx, before))(t))
		equal(t, 1, get(db.DropInvestigations(ctx, before.Add(2*time.Minute)))(t))
	}
}

// testDropMany: many go in several transactions, past those that stay.
func testDropMany(t *testing.T, db *metadata.DB, _ func() *metadata.DB) {
	ctx := t.Context()
	const all = 67
	for n := range all {
		id := fmt.Sprint(n)
		i := investigation.Incident{ID: "inc-" + id, Investigation: "inv-" + id, OpenedAt: at}
		if n%3 != 0 {
			i.ClosedAt = at.Add(time.Minute)
		}
		must(t, db.PutIncident(ctx, i))
		if n == 1 {
			continue // it was cancelled before its investigation began
		}
		must(t, db.CreateInvestigation(ctx, investigation.Request{ID: i.Investigation, Incident: i.ID}))
		must(t, db.SetInvestigationStatus(ctx, i.Investigation, metadata.Failed))
	}
	equal(t, 43, get(db.DropInvestigations(ctx, time.Now().Add(time.Second)))(t))
	equal(t, 23, len(get(db.ListIncidents(ctx, all))(t)))
	equal(t, 23, len(get(db.ListInvestigations(ctx, all))(t)))
	equal(t, 0, get(db.DropInvestigations(ctx, time.Now().Add(time.Second)))(t))
}
