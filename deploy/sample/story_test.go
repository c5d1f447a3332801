package sample_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/api/client"
	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/deploy/demo"
	"github.com/midwatch/midwatch/deploy/sample"
	"github.com/midwatch/midwatch/deploy/testcluster"
	"github.com/midwatch/midwatch/deploy/testcluster/clustertest"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/workflows"
)

// night is a cluster with the application on it, and Midwatch watching.
type night struct {
	*testing.T
	cluster *testcluster.Cluster
	stage   *demo.Stage
	api     *client.Client
}

// TestNight breaks an application on a real cluster, in eight namespaces, in every way there is. Each fault must raise exactly one incident, whose report names
// the workload and the change. The bad rollout is mended by the remedy that Midwatch proposes and a person approves; the others as a person would.
func TestNight(t *testing.T) {
	if os.Getenv("MIDWATCH_NIGHT") == "" {
		t.Skip("ten minutes on a machine that does nothing else: make night")
	}
	n := begin(t)
	before := n.incidents()
	t.Run("together", func(t *testing.T) { // needs -parallel 7: a fault that waits for another is not together with it
		for _, f := range sample.Faults() {
			if !f.Node {
				t.Run(f.Name, func(t *testing.T) {
					t.Parallel()
					n.of(t).play(f, before)
				})
			}
		}
	})
	for _, f := range sample.Faults() {
		if f.Node { // it would keep the others from mending
			t.Run(f.Name, func(t *testing.T) { n.of(t).play(f, n.incidents()) })
		}
	}
	n.alone(before)
}

// of is the same night in a test of its own.
func (n night) of(t *testing.T) *night { n.T = t; return &n }

func begin(t *testing.T) *night {
	t.Helper()
	dir := t.TempDir()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	image := clustertest.Image(t, sample.Image, "github.com/midwatch/midwatch/deploy/sample/cmd/sample")
	n := &night{T: t, cluster: clustertest.Start(t, image)}
	n.stage = &demo.Stage{
		Midwatch: filepath.Join(root, "bin/midwatch"), Data: filepath.Join(dir, "midwatch"), Say: demo.NewNarrator(t.Output()),
		Settings: map[string]any{
			"exporter": map[string]any{"kubeconfig": n.cluster.Kubeconfig()},
			"remedies": map[string]any{"kubeconfig": n.cluster.Kubeconfig(), "kinds": []investigation.ActionKind{investigation.RollbackWorkload}},
		},
	}
	n.must(os.MkdirAll(n.stage.Data, 0o700))
	n.must(n.stage.Configure(t.Context()))
	n.must(n.stage.StartMidwatch(t.Context()))
	t.Cleanup(n.stage.Stop)
	var services []string
	for _, f := range sample.Faults() {
		n.kubectl(sample.Manifests(f.Name), "apply", "-f", "-")
		services = append(services, "front."+f.Name, "back."+f.Name)
	}
	for _, f := range sample.Faults() {
		n.settled(f.Name)
	}
	if n.api, err = n.stage.Client(t.Context(), "approver"); err != nil {
		t.Fatal(err)
	}
	n.wait("requests of every workload", 2*time.Minute, func() bool { return n.seen(services...) })
	healthy := time.Now().Add(90 * time.Second)
	n.wait("healthy time", 3*time.Minute, func() bool { return time.Now().After(healthy) })
	return n
}

// play breaks the application of one namespace, reads the report and mends it.
func (n *night) play(f sample.Fault, before []wire.IncidentRow) {
	n.Helper()
	broken := time.Now()
	for _, command := range f.Break {
		n.kubectl("", command...)
	}
	var inc wire.IncidentDetail
	n.wait("an incident with a report", 4*time.Minute, func() bool {
		for _, row := range n.incidents() {
			if !contains(before, row.ID) && row.Verdict != "" && concerns(row, f) {
				inc = n.incident(row.ID)
				return inc.Incident.Investigation != ""
			}
		}
		return false
	})
	inv, err := n.api.Investigation(n.Context(), inc.Incident.Investigation)
	n.must(err)
	n.Logf("report %s after the fault: %s [%s, %s, %.2f]\n%s", time.Since(broken).Round(time.Second), inv.Report.Title, inv.Report.Culprit, inv.Report.Mechanism,
		inv.Report.Confidence, story(*inv.Report))
	n.judge(f, *inv.Report)
	n.mend(f, inc)
}

// concerns tells whether an incident is about the namespace, or the node, that a fault broke.
func concerns(row wire.IncidentRow, f sample.Fault) bool {
	return slices.ContainsFunc(row.Triggers, func(t investigation.Trigger) bool {
		return strings.HasSuffix(t.Service, "."+f.Name) || strings.Contains(string(t.Entity), "/"+f.Name+"/") || f.Node && t.Entity.Kind() == "host"
	})
}

// alone checks that each fault has one incident and no more, once everything is over.
func (n *night) alone(before []wire.IncidentRow) {
	n.Helper()
	for _, f := range sample.Faults() {
		var titles []string
		for _, row := range n.incidents() {
			if !contains(before, row.ID) && concerns(row, f) {
				titles = append(titles, row.Title)
			}
		}
		if len(titles) != 1 {
			n.Errorf("%s: %d incidents, want one: %q", f.Name, len(titles), titles)
		}
	}
}

// settled waits until every rollout of a namespace is done.
func (n *night) settled(namespace string) {
	n.Helper()
	for _, name := range []string{"back", "front", "load"} {
		n.kubectl("", "--namespace", namespace, "rollout", "status", "deployment/"+name, "--timeout=180s")
	}
}

func (n *night) judge(f sample.Fault, r investigation.Report) {
	n.Helper()
	if r.Verdict != investigation.RootCause {
		n.Errorf("verdict %s, missing %v", r.Verdict, r.Missing)
	}
	if !slices.Contains(f.Culprit, string(r.Culprit)) {
		n.Errorf("culprit %s, want one of %v", r.Culprit, f.Culprit)
	}
	if !strings.Contains(story(r), f.Change) {
		n.Errorf("the report does not name the change %q", f.Change)
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
	if f.Name == "bad-rollout" {
		n.approve(inc.Incident.ID)
	} else {
		n.reject(inc.Incident.ID)
		for _, command := range f.Mend {
			n.kubectl("", command...)
		}
	}
	n.settled(f.Name)
	n.wait("the incident's end", 5*time.Minute, func() bool {
		status := n.incident(inc.Incident.ID).Incident.Status
		return status == workflows.Resolved || status == workflows.Closed || status == workflows.Failed
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

func (n *night) reject(incident string) {
	n.Helper()
	for _, fix := range n.incident(incident).Fixes {
		if fix.Status == workflows.FixAwaiting {
			_, err := n.api.Reject(n.Context(), fix.ID, fix.Digest, "mended by hand")
			n.must(err)
		}
	}
}

func (n *night) kubectl(stdin string, args ...string) {
	n.Helper()
	if _, err := n.cluster.Kubectl(n.Context(), stdin, args...); err != nil {
		n.Fatal(err)
	}
}

func (n *night) incidents() []wire.IncidentRow {
	n.Helper()
	list, err := n.api.Incidents(n.Context())
	n.must(err)
	return list.Incidents
}

func (n *night) incident(id string) wire.IncidentDetail {
	n.Helper()
	d, err := n.api.Incident(n.Context(), id)
	n.must(err)
	return d
}

func contains(rows []wire.IncidentRow, id string) bool {
	return slices.ContainsFunc(rows, func(r wire.IncidentRow) bool { return r.ID == id })
}

// seen tells whether services answered requests in the last half minute.
func (n *night) seen(services ...string) bool {
	n.Helper()
	list, err := n.api.Services(n.Context(), client.Range{From: time.Now().Add(-30 * time.Second), To: time.Now()})
	n.must(err)
	for _, row := range list.Services {
		if row.Requests > 0 {
			services = slices.DeleteFunc(services, func(s string) bool { return s == row.Service.Service })
		}
	}
	return len(services) == 0
}

func (n *night) wait(what string, limit time.Duration, done func() bool) {
	n.Helper()
	ctx, cancel := context.WithTimeout(n.Context(), limit)
	defer cancel()
	for !done() {
		select {
		case <-ctx.Done():
			n.Fatalf("waited %s for %s", limit, what)
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func (n *night) must(err error) {
	n.Helper()
	if err != nil {
		n.Fatal(err)
	}
}
