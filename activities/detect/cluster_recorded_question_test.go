package detect_test

import (
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/ingest/ingesttest"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/kubernetes/kubernetestest"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/toolstest"
)

// TestRecordedClusterAnswersQuestions asks about workloads of the recorded cluster, of which nothing was raised: their pods must do.
func TestRecordedClusterAnswersQuestions(t *testing.T) {
	told, err := kubernetestest.Recording()
	if err != nil {
		t.Fatal(err)
	}
	db := storetest.Open(t)
	start := time.Now().UTC().Truncate(time.Minute).Add(-time.Hour)
	ingesttest.Logs(t, ingesttest.Client(t, db), kubernetestest.New(toolstest.Environment).Play(told, start).Logs)
	registry := tools.All(db, tools.Kubernetes(db)...)
	for _, c := range []struct {
		workload  string
		at        int // second
		verdict   investigation.Verdict
		culprit   telemetry.Entity
		mechanism investigation.Mechanism
	}{
		{"deployment/oom", 20, investigation.RootCause, "workload/shop/deployment/oom", investigation.OutOfMemory},
		{"deployment/crash", 30, investigation.RootCause, "workload/shop/deployment/crash", investigation.CrashLoop},
		{"statefulset/image", 50, investigation.RootCause, "workload/shop/statefulset/image", investigation.BadImage},
		{"deployment/config", 50, investigation.RootCause, "workload/shop/deployment/config", investigation.WrongConfiguration},
		{"daemonset/unready", 110, investigation.RootCause, "workload/shop/daemonset/unready", investigation.FailingProbe},
		{"deployment/pending", 70, investigation.RootCause, "workload/shop/deployment/pending", investigation.Unschedulable},
		{"deployment/web", 60, investigation.NoProblem, "", ""},
	} {
		t.Run(c.workload, func(t *testing.T) {
			now := start.Add(time.Duration(c.at) * time.Second)
			entity := telemetry.Workload("shop", c.workload)
			_, name, _ := strings.Cut(c.workload, "/")
			question := investigation.Trigger{
				ID: "manual-1", Kind: investigation.Manual, Rule: "manual", Environment: toolstest.Environment, Entity: entity, Service: telemetry.ServiceOf("shop", name),
				Severity: investigation.Warning, Summary: "What is wrong with " + c.workload + "?", Onset: now.Add(-5 * time.Minute), At: now,
			}
			r, _ := investigateWith(t, registry, request(toolstest.Plain, []investigation.Trigger{question}, now))
			t.Logf("%.2f %s\n%s", r.Confidence, r.Title, r.Summary)
			for _, claim := range r.Chain {
				t.Log(claim.Text, claim.Struck)
				if claim.Struck != "" {
					t.Errorf("claim %q was struck: %s", claim.Text, claim.Struck)
				}
			}
			if r.Verdict != c.verdict || r.Culprit != c.culprit || r.Mechanism != c.mechanism {
				t.Errorf("got %s %s %s, want %s %s %s; missing %v", r.Verdict, r.Culprit, r.Mechanism, c.verdict, c.culprit, c.mechanism, r.Missing)
			}
			if c.verdict == investigation.NoProblem && !strings.Contains(r.Summary, "pods of "+c.workload+" in shop are as they should be") {
				t.Errorf("the report does not speak of the pods: %s", r.Summary)
			}
		})
	}
}
