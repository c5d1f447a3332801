package activities

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/activities/action"
	"github.com/midwatch/midwatch/activities/remedy"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/workflows"
)

// counted stands for a cluster and counts; package remedy is tested on a real one.
type counted struct {
	prepared int
	applied  []string
	carries  bool // the object is what a fix made of it
	err      error
}

func (c *counted) Prepare(_ context.Context, kind investigation.ActionKind, parameters map[string]string, _ time.Time) (remedy.Planned, error) {
	c.prepared++
	diff := fmt.Sprintf("-a\n+%d\n", c.prepared) // a restart's holds the time
	return remedy.Planned{Summary: fmt.Sprint(kind, " ", parameters["workload"]), Change: investigation.ClusterChange{Name: "web", UID: "u", Spec: "s", Diff: diff}}, nil
}

func (c *counted) Apply(_ context.Context, fix string, _ investigation.ClusterChange) (string, error) {
	c.applied = append(c.applied, fix)
	return "changed", c.err
}

func (c *counted) Applied(context.Context, string, investigation.ClusterChange) (bool, error) {
	return c.carries, c.err
}

func (b *bench) allowed(namespaces ...string) *counted {
	b.Actions = investigation.Remedies{Kinds: []investigation.ActionKind{investigation.RestartWorkload}, Namespaces: namespaces}.Actions()
	c := &counted{}
	b.Cluster = c
	return c
}

// remedied stores a fix that restarts a workload, in place of the bench's.
func (b *bench) remedied(workload string) {
	b.t.Helper()
	b.fix.ID, b.fix.Action, b.fix.Kind = "fix-r", string(investigation.RestartWorkload), investigation.RestartWorkload
	b.fix.Parameters, b.fix.Cluster = map[string]string{"workload": workload}, &investigation.ClusterChange{Name: "web"}
	b.fix.Digest = b.fix.ContentDigest()
	if err := b.db.PutFix(b.t.Context(), b.fix); err != nil {
		b.t.Fatal(err)
	}
}

func TestARemedyIsAppliedOnceApproved(t *testing.T) {
	b := newBench(t)
	c := b.allowed()
	b.remedied("shop/deployment/web")
	in := b.signed(nil)
	if r := b.do(in, false); r.Status != workflows.FixApplied || len(c.applied) != 1 || c.applied[0] != "fix-r" {
		t.Fatalf("%+v, applied %v", r, c.applied)
	}
	if r := b.do(in, true); r.Status != workflows.FixApplied || len(c.applied) != 1 {
		t.Errorf("again: %+v, applied %v", r, c.applied)
	}
}

// An attempt that was lost after it had begun goes on: the object knows whether it was changed.
func TestALostRemedyGoesOn(t *testing.T) {
	b := newBench(t)
	c := b.allowed()
	b.remedied("shop/deployment/web")
	in := b.signed(nil)
	if err := b.db.SpendNonces(t.Context(), b.fix.ID, in.Approval.Nonce, "fix/"+b.fix.ID); err != nil {
		t.Fatal(err)
	}
	if err := b.db.SetFixStatus(t.Context(), b.fix.ID, workflows.FixApplying, ""); err != nil {
		t.Fatal(err)
	}
	if r := b.do(in, true); r.Status != workflows.FixApplied || len(c.applied) != 1 {
		t.Errorf("%+v, applied %v", r, c.applied)
	}
}

// An attempt that was lost and comes back when the approval is over changes nothing, and says what the object says.
func TestALostRemedyThatComesBackLate(t *testing.T) {
	for name, c := range map[string]struct {
		carries      bool
		err          error
		status, says string
	}{
		"made":       {true, nil, workflows.FixApplied, "was made"},
		"not made":   {false, nil, workflows.FixFailed, "Not applied"},
		"unclear":    {false, remedy.ErrUnclear, workflows.FixFailed, "unknown"},
		"may not":    {false, remedy.ErrRefused, workflows.FixFailed, "unknown"},
		"no answer":  {false, errors.New("connection reset"), "", ""},
		"no cluster": {false, nil, workflows.FixFailed, "unknown"},
	} {
		b := newBench(t)
		cluster := b.allowed()
		cluster.carries, cluster.err = c.carries, c.err
		if name == "no cluster" {
			b.Cluster = nil
		}
		b.remedied("shop/deployment/web")
		in := b.signed(func(a *investigation.Approval) {
			a.IssuedAt, a.ExpiresAt = a.IssuedAt.Add(-time.Hour), a.ExpiresAt.Add(-time.Hour)
		})
		if err := errors.Join(b.db.SpendNonces(t.Context(), b.fix.ID, in.Approval.Nonce, "fix/"+b.fix.ID), b.db.SetFixStatus(t.Context(), b.fix.ID, workflows.FixApplying, "")); err != nil {
			t.Fatal(err)
		}
		r, err := b.decide(t.Context(), in, true)
		if r.Status != c.status || !strings.Contains(r.Output, c.says) || (err != nil) != (c.status == "") || len(cluster.applied) != 0 {
			t.Errorf("%s: %+v, %v, applied %v", name, r, err, cluster.applied)
		}
	}
}

// Where nobody knows whether the change was made, the next attempt asks the object; what the API server refuses is over.
func TestARemedyWithoutAnAnswerIsTriedAgain(t *testing.T) {
	b := newBench(t)
	c := b.allowed()
	b.remedied("shop/deployment/web")
	in := b.signed(nil)
	c.err = errors.New("connection reset")
	if _, err := b.decide(t.Context(), in, false); !errors.Is(err, c.err) {
		t.Fatalf("got %v, want the activity to fail", err)
	}
	c.err = nil
	if r := b.do(in, true); r.Status != workflows.FixApplied || len(c.applied) != 2 {
		t.Errorf("%+v, applied %v", r, c.applied)
	}
	b = newBench(t)
	c = b.allowed()
	b.remedied("shop/deployment/web")
	c.err = remedy.ErrRefused
	if r := b.do(b.signed(nil), false); r.Status != workflows.FixFailed {
		t.Errorf("%+v", r)
	}
}

func TestARemedyThatIsNotAllowedIsNotApplied(t *testing.T) {
	for name, set := range map[string]func(b *bench) *counted{
		"another namespace": func(b *bench) *counted { return b.allowed("staging") },
		"another kind": func(b *bench) *counted {
			c := b.allowed()
			b.Actions = investigation.Remedies{Kinds: []investigation.ActionKind{investigation.CordonNode}}.Actions()
			return c
		},
		"no rights": func(b *bench) *counted { c := b.allowed(); b.Cluster = nil; return c },
	} {
		b := newBench(t)
		c := set(b)
		b.remedied("shop/deployment/web")
		if r := b.do(b.signed(nil), false); r.Status != workflows.FixFailed || len(c.applied) != 0 {
			t.Errorf("%s: %+v, applied %v", name, r, c.applied)
		}
	}
}

func TestARemedyIsPreparedForWhatWasSeen(t *testing.T) {
	b := newBench(t)
	c := b.allowed()
	now := time.Now().UTC()
	prepared := func(id string, entity telemetry.Entity, workload string) workflows.FixRef {
		t.Helper()
		window := investigation.Window{From: now.Add(-time.Minute), To: now}
		request := investigation.Request{ID: id, Incident: "inc-" + id, Environment: "test", Fault: window, Healthy: window, Triggers: []investigation.Trigger{{Entity: entity}}}
		if err := b.db.CreateInvestigation(t.Context(), request); err != nil {
			t.Fatal(err)
		}
		report := investigation.Report{Verdict: investigation.RootCause, Culprit: entity, Fix: &investigation.FixDraft{
			Action: string(investigation.RestartWorkload), Parameters: map[string]string{"workload": workload},
		}}
		if err := b.db.PutReport(t.Context(), id, report); err != nil {
			t.Fatal(err)
		}
		a := &Remedies{Prepare: Prepare{DB: b.db, Actions: b.Actions}, Cluster: c}
		ref, err := a.prepare(t.Context(), id, a.preparer(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		return ref
	}
	seen := telemetry.Workload("shop", "deployment/web")
	ref := prepared("inv-a", seen, "shop/deployment/web")
	if ref.Content != "kubernetes_restart shop/deployment/web" || ref.Target != string(seen) {
		t.Errorf("%+v", ref)
	}
	if again := prepared("inv-again", seen, "shop/deployment/web"); !strings.Contains(again.Invalid, "under way already, with incident inc-inv-a") {
		t.Errorf("the same once more: %+v", again)
	}
	for id, workload := range map[string]string{"inv-b": "shop/deployment/other", "inv-c": "not a workload"} {
		if ref := prepared(id, seen, workload); ref.ID != "" || !strings.Contains(ref.Invalid, action.ErrDraft.Error()) {
			t.Errorf("%s: %+v", workload, ref)
		}
	}
}

// TestWhatMayBeRemedied: a cluster's own rows count as sightings, of workloads and of nodes, each as what it is.
func TestWhatMayBeRemedied(t *testing.T) {
	rows := `{"kind":"Pod","namespace":"asked","objects":[{"namespace":"shop","workload":"statefulset/db","name":"db-0","node":"n1","message":"deployment/told"}],"node":"asked"}`
	edges := `{"services":[{"service":"web.shop"},{"service":"n2"}]}`
	evidence := []investigation.Evidence{{Result: []byte(rows)}, {Result: []byte(edges)}}
	for _, c := range []struct {
		parameter, value string
		namespaces       []string
		want             bool
	}{
		{"workload", "shop/statefulset/db", nil, true},
		{"workload", "shop/deployment/web", nil, true}, // by its service
		{"workload", "shop/deployment/told", nil, false},
		{"workload", "other/statefulset/db", nil, false},
		{"workload", "shop/statefulset/db", []string{"shop"}, true},
		{"workload", "shop/statefulset/db", []string{"other"}, false},
		{"node", "n1", nil, true},
		{"node", "n1", []string{"shop"}, false},
		{"node", "n2", nil, false}, // the name of a service
		{"node", "asked", nil, false},
	} {
		inv := metadata.Investigation{Request: investigation.Request{Environment: "test", Namespaces: c.namespaces}}
		if _, err := remedied(map[string]string{c.parameter: c.value}, inv, evidence); (err == nil) != c.want {
			t.Errorf("%s %s within %v: %v", c.parameter, c.value, c.namespaces, err)
		}
	}
}
