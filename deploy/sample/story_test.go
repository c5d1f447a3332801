package sample_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/activities/detect"
	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/deploy/sample"
	"github.com/midwatch/midwatch/deploy/testcluster/clustertest"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/workflows"
)

// TestNight breaks an application on a real cluster, in eight namespaces, in every way there is. Each fault must raise exactly one incident, whose report names
// the workload and the change. The bad rollout is mended by the remedy that Midwatch proposes and a person approves; the others as a person would.
func TestNight(t *testing.T) {
	clustertest.Require(t)
	n := begin(t)
	t.Run("together", func(t *testing.T) {
		for _, f := range sample.Faults() {
			if !f.Node {
				t.Run(f.Name, func(t *testing.T) {
					t.Parallel()
					n.of(t).play(f)
				})
			}
		}
	})
	for _, f := range sample.Faults() {
		if f.Node { // it would keep the others from mending
			t.Run(f.Name, func(t *testing.T) { n.of(t).play(f) })
		}
	}
	n.alone()
	n.explain()
}

// play breaks the application of one namespace, reads the report and mends it.
func (n *night) play(f sample.Fault) {
	n.Helper()
	broken := n.breaks(f)
	var (
		found wire.IncidentRow
		inc   wire.IncidentDetail
	)
	n.wait("an incident with a cause", 4*time.Minute, func() bool {
		for _, row := range n.incidents() {
			if row.Verdict == investigation.RootCause && n.concerns(row, f) { // whatever else there is, alone finds
				found, inc = row, n.incident(row.ID)
				return inc.Incident.Investigation != ""
			}
		}
		return false
	})
	inv, err := n.api.Investigation(n.Context(), inc.Incident.Investigation)
	n.must(err)
	n.Logf("report %s after the fault: %s [%s, %s, %.2f]\n%s", time.Since(broken).Round(time.Second), inv.Report.Title, inv.Report.Culprit, inv.Report.Mechanism,
		inv.Report.Confidence, story(*inv.Report))
	if n.judge(f, *inv.Report); n.Failed() {
		n.note(told(found) + "; " + story(*inv.Report))
	}
	n.wait("pods to be "+f.Until, 3*time.Minute, func() bool {
		return f.Until == "" || strings.Contains(n.kubectl("", "--namespace", f.Name, "get", "pods", "--output", "yaml"), f.Until)
	})
	n.mend(f, inc)
}

// breaks breaks the application of one namespace, some time after the one before, and says when.
func (n *night) breaks(f sample.Fault) time.Time {
	n.Helper()
	n.turn.Lock()
	defer n.turn.Unlock()
	at := time.Now()
	n.broken.Store(f.Name, at)
	for _, command := range f.Break {
		n.kubectl("", command...)
	}
	n.wait("the next one's turn", 2*pace, func() bool { return time.Since(at) > pace })
	return at
}

// concerns tells whether an incident is about the namespace, or the node, that a fault broke, and was raised after that.
func (n *night) concerns(row wire.IncidentRow, f sample.Fault) bool {
	broken, known := n.broken.Load(f.Name)
	return known && slices.ContainsFunc(row.Triggers, func(t investigation.Trigger) bool {
		return t.At.After(broken.(time.Time)) && (strings.HasSuffix(t.Service, "."+f.Name) || strings.Contains(string(t.Entity), "/"+f.Name+"/") || f.Node && t.Entity.Kind() == "host")
	})
}

// verification tells whether an incident is that a change was looked at and nothing was found.
func verification(row wire.IncidentRow) bool {
	return row.Verdict == investigation.NoProblem && !slices.ContainsFunc(row.Triggers, func(t investigation.Trigger) bool { return t.Kind != investigation.Deployment })
}

// mending tells whether an incident is that the change which mended a fault was looked at, and nothing was found. That the one which broke
// it were found to be well would be wrong.
func (n *night) mending(row wire.IncidentRow, f sample.Fault) bool {
	at, mended := n.mended.Load(f.Name)
	return mended && verification(row) && !slices.ContainsFunc(row.Triggers, func(t investigation.Trigger) bool { return t.Onset.Before(at.(time.Time)) })
}

// passed tells whether an incident is that requests were slow or failed for some seconds, and did not when it was looked into, or that they were slow for what nobody
// is blamed for, as on a machine that others keep busy: that is told, and it is no fault's.
func passed(row wire.IncidentRow) bool {
	return row.Verdict != investigation.RootCause && !slices.ContainsFunc(row.Triggers, func(t investigation.Trigger) bool {
		return t.Kind != investigation.Alert || row.Verdict != investigation.NoProblem && t.Rule != detect.RuleLatency
	})
}

// alone checks that each fault has one incident and no more, once everything is over.
func (n *night) alone() {
	n.Helper()
	for _, f := range sample.Faults() {
		var found []string
		for _, row := range n.incidents() {
			if n.concerns(row, f) && !n.mending(row, f) && !passed(row) {
				found = append(found, told(row))
			}
		}
		if len(found) != 1 {
			n.Errorf("%s: %d incidents, want one:\n%s", f.Name, len(found), strings.Join(found, "\n"))
		}
	}
}

// explain tells of a failed night which incidents there were, and what raised them.
func (n *night) explain() {
	n.Helper()
	for _, row := range n.incidents() {
		if !n.Failed() {
			return
		}
		n.Log(told(row))
	}
}

// told is what there is to know of an incident, and what raised it.
func told(row wire.IncidentRow) string {
	lines := []string{fmt.Sprintf("%s %s %s %q", row.OpenedAt.Format(time.TimeOnly), row.Status, row.Verdict, row.Title)}
	for _, t := range row.Triggers {
		lines = append(lines, fmt.Sprintf("%s since %s: %s (%s; with %s)", t.At.Format(time.TimeOnly), t.Onset.Format(time.TimeOnly), t.Summary, t.ID, strings.Join(t.Peers, ", ")))
	}
	return strings.Join(lines, "\n\t")
}

func (n *night) judge(f sample.Fault, r investigation.Report) {
	n.Helper()
	if !slices.Contains(f.Culprit, string(r.Culprit)) {
		n.Errorf("culprit %s, want one of %v", r.Culprit, f.Culprit)
	}
	for _, word := range []string{f.Change, f.Says} {
		if !strings.Contains(story(r), word) {
			n.Errorf("the report does not say %q", word)
		}
	}
}

// story is all that a report says.
func story(r investigation.Report) string {
	lines := []string{r.Title, r.Summary}
	for _, c := range r.Chain {
		if c.Struck == "" {
			lines = append(lines, c.Text)
		}
	}
	return strings.Join(lines, "\n")
}

// mend approves the proposed remedy of the bad rollout and has the others mended by hand, and waits until the incident is over and
// the application is well again.
func (n *night) mend(f sample.Fault, inc wire.IncidentDetail) {
	n.Helper()
	n.mended.Store(f.Name, time.Now().Add(-time.Second)) // objects tell the time in whole seconds
	if f.Name == "bad-rollout" {
		n.approve(inc.Incident.ID)
		if now := n.kubectl("", "--namespace", f.Name, "get", "deployment", "back", "--output", "yaml"); strings.Contains(now, f.Change) {
			n.Errorf("rolled back, and still:\n%s", now)
		}
	} else {
		for _, command := range f.Mend {
			n.kubectl("", command...)
		}
	}
	n.settled(f.Name)
	n.wait("the incident's end", 5*time.Minute, func() bool {
		d := n.incident(inc.Incident.ID)
		if f.Name != "bad-rollout" {
			n.reject(d.Fixes)
		}
		return slices.Contains([]string{workflows.Resolved, workflows.Closed, workflows.Failed}, d.Incident.Status)
	})
}

func (n *night) approve(incident string) {
	n.Helper()
	var fix investigation.Fix
	n.wait("a remedy", time.Minute, func() bool {
		fixes := n.incident(incident).Fixes
		if len(fixes) > 0 {
			fix = fixes[0]
		}
		return fix.Status == workflows.FixAwaiting
	})
	n.Logf("remedy: %s", fix.Content)
	if _, err := n.api.Approve(n.Context(), fix.ID, fix.Digest); err != nil {
		n.Fatal(err)
	}
	n.wait("the recovery", 4*time.Minute, func() bool {
		f, err := n.api.Fix(n.Context(), fix.ID)
		n.must(err)
		if f.Status == workflows.FixFailed || f.Status == workflows.FixWorse {
			n.Fatalf("the remedy is %s: %s", f.Status, f.Result)
		}
		return f.Status == workflows.FixVerified
	})
}

// reject refuses what is proposed of what was mended by hand.
func (n *night) reject(fixes []investigation.Fix) {
	n.Helper()
	for _, fix := range fixes {
		if fix.Status == workflows.FixAwaiting {
			_, err := n.api.Reject(n.Context(), fix.ID, fix.Digest, "mended by hand")
			n.must(err)
		}
	}
}
