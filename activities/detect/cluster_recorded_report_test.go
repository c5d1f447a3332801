package detect_test

import (
	"testing"
	"time"

	"github.com/midwatch/midwatch/activities/detect"
	"github.com/midwatch/midwatch/ingest/ingesttest"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/kubernetes/kubernetestest"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools"
	"github.com/midwatch/midwatch/internal/tools/toolstest"
)

// TestRecordedClusterIsExplained investigates what is raised about each workload of the recorded cluster, of which no change was told: the
// objects alone must do.
func TestRecordedClusterIsExplained(t *testing.T) {
	told, err := kubernetestest.Recording()
	if err != nil {
		t.Fatal(err)
	}
	db := storetest.Open(t)
	start := time.Now().UTC().Truncate(time.Minute).Add(-time.Hour)
	ingesttest.Logs(t, ingesttest.Client(t, db), kubernetestest.New(toolstest.Environment).Play(told, start).Logs)
	d, err := detect.New(detect.Config{Store: db, Environment: toolstest.Environment})
	if err != nil {
		t.Fatal(err)
	}
	registry := tools.All(db, tools.Kubernetes(db)...)
	for _, c := range []struct {
		service   string
		at        int // second
		culprit   telemetry.Entity
		mechanism investigation.Mechanism
	}{
		{"oom.shop", 20, "workload/shop/deployment/oom", investigation.OutOfMemory},
		{"crash.shop", 30, "workload/shop/deployment/crash", investigation.CrashLoop},
		{"image.shop", 50, "workload/shop/statefulset/image", investigation.BadImage},
		{"config.shop", 50, "workload/shop/deployment/config", investigation.WrongConfiguration},
		{"unlive.shop", 20, "workload/shop/deployment/unlive", investigation.FailingProbe},
		{"unready.shop", 110, "workload/shop/daemonset/unready", investigation.FailingProbe},
		{"pending.shop", 70, "workload/shop/deployment/pending", investigation.Unschedulable},
		{"web.shop", 150, "host/node1", investigation.Unschedulable},
	} {
		t.Run(c.service, func(t *testing.T) {
			now := start.Add(time.Duration(c.at) * time.Second)
			found, err := d.KernelEvents(t.Context(), now)
			if err != nil {
				t.Fatal(err)
			}
			var raised []investigation.Trigger
			for _, f := range found {
				if f.Service == c.service {
					raised = append(raised, f)
				}
			}
			r, _ := investigateWith(t, registry, request(toolstest.Plain, raised, now))
			t.Logf("%.2f %s\n%s", r.Confidence, r.Title, r.Summary)
			for _, claim := range r.Chain {
				t.Log(claim.Text, claim.Struck)
				if claim.Struck != "" {
					t.Errorf("claim %q was struck: %s", claim.Text, claim.Struck)
				}
			}
			if r.Verdict != investigation.RootCause || r.Culprit != c.culprit || r.Mechanism != c.mechanism {
				t.Errorf("got %s %s %s, want %s %s; missing %v", r.Verdict, r.Culprit, r.Mechanism, c.culprit, c.mechanism, r.Missing)
			}
		})
	}
}
