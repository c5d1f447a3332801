package detect_test

import (
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/activities/detect"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/tools/toolstest"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// lag is how far the store is behind the world.
const lag = 2 * time.Second

func newDetector(t testing.TB, db *store.DB) *detect.Detector {
	t.Helper()
	d, err := detect.New(detect.Config{Store: db, Environment: toolstest.Environment})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// scan runs the shop and all detectors every five seconds, as the schedule does, until one raises something but a
// deployment or the time is over. Rows arrive lag after they happened.
func scan(t testing.TB, db *store.DB, d *detect.Detector, shop *toolstest.Shop, from, to time.Time) (all []investigation.Trigger, at time.Time) {
	t.Helper()
	written := from
	for now := from.Add(5 * time.Second); !now.After(to); now = now.Add(5 * time.Second) {
		shop.Run(written, now.Add(-lag))
		written = now.Add(-lag)
		shop.Write(t, db)
		raised := evaluate(t, d, now)
		for _, r := range raised {
			if r.Kind != investigation.Deployment {
				return append(all, raised...), now
			}
		}
		all = append(all, raised...)
	}
	return all, time.Time{}
}

func evaluate(t testing.TB, d *detect.Detector, now time.Time) []investigation.Trigger {
	t.Helper()
	var all []investigation.Trigger
	for _, look := range []func() ([]investigation.Trigger, error){
		func() ([]investigation.Trigger, error) { return d.Alerts(t.Context(), now) },
		func() ([]investigation.Trigger, error) { return d.Anomalies(t.Context(), now) },
		func() ([]investigation.Trigger, error) { return d.Deployments(t.Context(), now) },
		func() ([]investigation.Trigger, error) { return d.KernelEvents(t.Context(), now) },
	} {
		raised, err := look()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, raised...)
	}
	return all
}

func TestFaultsAreRaisedWithinThirtySeconds(t *testing.T) {
	n := toolstest.Odd
	for name, fault := range map[string]toolstest.Fault{
		"missing index":       toolstest.MissingIndex(n),
		"writes refused":      toolstest.WritesRefused(n),
		"bad deployment":      toolstest.BadDeployment(n),
		"cpu contention":      toolstest.CPUContention(n, "cruncher"),
		"memory leak":         toolstest.MemoryLeak(n),
		"pool exhausted":      toolstest.PoolExhausted(n, true),
		"wrong configuration": toolstest.WrongConfiguration(n),
		"slow payment":        toolstest.SlowPayment(n),
		"table gone":          toolstest.TableGone(n),
		"payment down":        toolstest.PaymentDown(n),
	} {
		t.Run(name, func(t *testing.T) {
			db := storetest.Open(t)
			faultAt := start.Add(40 * time.Second)
			shop := toolstest.New(n, 3, start, faultAt, fault)
			raised, at := scan(t, db, newDetector(t, db), shop, start, faultAt.Add(40*time.Second))
			if at.IsZero() {
				t.Fatal("nothing was raised")
			}
			if at.Before(faultAt) || at.Sub(faultAt) > 30*time.Second {
				t.Errorf("raised %s after the fault, want 0 to 30 s", at.Sub(faultAt))
			}
			for _, r := range raised {
				if r.ID == "" || strings.ContainsAny(r.ID, " /:") || r.Summary == "" || r.Service == "" {
					t.Errorf("trigger %+v lacks something", r)
				}
				t.Logf("%s after the fault: %s (%s), onset %s after it", at.Sub(faultAt), r.Summary, r.ID, r.Onset.Sub(faultAt))
				if d := r.Onset.Sub(faultAt); r.Kind == investigation.Alert && (d < -5*time.Second || d > 10*time.Second) {
					t.Errorf("onset of %s is %s off", r.ID, d)
				}
			}
		})
	}
}

func TestTenHealthyMinutesRaiseNothing(t *testing.T) {
	db := storetest.Open(t)
	shop := toolstest.New(toolstest.Plain, 5, start, start.Add(time.Hour), toolstest.Healthy())
	shop.Rate = 20
	raised, _ := scan(t, db, newDetector(t, db), shop, start, start.Add(10*time.Minute))
	for _, r := range raised {
		t.Errorf("raised %s: %s", r.ID, r.Summary)
	}
}

func TestHarmlessChangesRaiseNoAlert(t *testing.T) {
	n := toolstest.Plain
	for name, fault := range map[string]toolstest.Fault{"deployment": toolstest.HarmlessDeployment(n), "warnings": toolstest.HarmlessWarnings(n)} {
		t.Run(name, func(t *testing.T) {
			db := storetest.Open(t)
			shop := toolstest.New(n, 5, start, start.Add(45*time.Second), fault)
			raised, _ := scan(t, db, newDetector(t, db), shop, start, start.Add(2*time.Minute))
			deployments := 0
			for _, r := range raised {
				if r.Kind != investigation.Deployment {
					t.Errorf("raised %s: %s", r.ID, r.Summary)
				}
				deployments++
			}
			if name == "deployment" && deployments == 0 {
				t.Error("the deployment was not raised")
			}
		})
	}
}

func TestATriggerKeepsItsIDWhileTheConditionLasts(t *testing.T) {
	db := storetest.Open(t)
	d := newDetector(t, db)
	shop := toolstest.New(toolstest.Plain, 5, start, start.Add(50*time.Second), toolstest.WritesRefused(toolstest.Plain))
	first, at := scan(t, db, d, shop, start, start.Add(90*time.Second))
	if at.IsZero() {
		t.Fatal("nothing was raised")
	}
	known := map[string]bool{}
	for _, r := range first {
		known[r.Rule+r.Service] = true
	}
	shop.Run(at.Add(-lag), at.Add(20*time.Second))
	shop.Write(t, db)
	for now := at.Add(5 * time.Second); now.Before(at.Add(20 * time.Second)); now = now.Add(5 * time.Second) {
		ids := map[string]string{}
		for _, r := range first {
			ids[r.Rule+r.Service] = r.ID
		}
		for _, r := range evaluate(t, d, now) {
			if known[r.Rule+r.Service] && ids[r.Rule+r.Service] != r.ID {
				t.Errorf("%s became %s", ids[r.Rule+r.Service], r.ID)
			}
		}
	}
}
