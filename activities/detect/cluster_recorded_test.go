package detect_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/activities/detect"
	"github.com/midwatch/midwatch/ingest/ingesttest"
	"github.com/midwatch/midwatch/internal/kubernetes/kubernetestest"
	"github.com/midwatch/midwatch/internal/store/storetest"
)

// TestRecordedCluster plays what a real cluster told and scans it as the schedule does: each workload that is ill raises what it is named
// after, under one id, and the one that is well, which was rolled out anew, raises nothing but that no node took its third pod.
func TestRecordedCluster(t *testing.T) {
	told, err := kubernetestest.Recording()
	if err != nil {
		t.Fatal(err)
	}
	db := storetest.Open(t)
	start := time.Now().UTC().Truncate(time.Minute).Add(-time.Hour)
	ingesttest.Logs(t, ingesttest.Client(t, db), kubernetestest.New("prod").Play(told, start).Logs)
	d, err := detect.New(detect.Config{Store: db, Environment: "prod"})
	if err != nil {
		t.Fatal(err)
	}
	raised := map[string][]string{} // rule and entity → ids
	for now := start; now.Before(start.Add(told[len(told)-1].Time.Sub(told[0].Time))); now = now.Add(10 * time.Second) {
		found, err := d.KernelEvents(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			key := f.Rule + " " + string(f.Entity)
			if !slices.Contains(raised[key], f.ID) {
				raised[key] = append(raised[key], f.ID)
				t.Logf("%.0f s: %s", now.Sub(start).Seconds(), f.Summary)
			}
		}
	}
	want := []string{
		"container_start workload/shop/deployment/config",
		"crash_loop workload/shop/deployment/crash",
		"crash_loop workload/shop/deployment/unlive",
		"crash_loop workload/small/deployment/quota", // it does crash, too
		"failing_probe workload/shop/daemonset/unready",
		"failing_probe workload/shop/deployment/unlive",
		"image_pull workload/shop/statefulset/image",
		"job_failed workload/shop/job/job",
		"oom_kill workload/shop/deployment/oom",
		"pending workload/shop/deployment/pending",
		"pending workload/shop/deployment/web",
		"quota workload/small/deployment/quota",
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(raised))); diff != "" {
		t.Errorf("raised (-want +got):\n%s", diff)
	}
	for key, ids := range raised {
		if len(ids) > 1 {
			t.Errorf("%s has %d ids: %v", key, len(ids), ids)
		}
	}
}
