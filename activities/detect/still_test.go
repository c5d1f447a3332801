package detect_test

import (
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/tools/toolstest"
)

// A fault that lasts is what Alerts compare with after some minutes; whether it is over must not be asked of them.
func TestStillKnowsAFaultThatLasts(t *testing.T) {
	n := toolstest.Plain
	db := storetest.Open(t)
	d := newDetector(t, db)
	faultAt, fixedAt := start.Add(time.Minute), start.Add(6*time.Minute)
	healthy := investigation.Window{From: start, To: faultAt.Add(-10 * time.Second)}

	shop := toolstest.New(n, 5, start, faultAt, toolstest.BadDeployment(n))
	shop.Run(start, fixedAt)
	shop.Write(t, db)
	alerts, err := d.Alerts(t.Context(), fixedAt)
	if err != nil {
		t.Fatal(err)
	}
	still, err := d.Still(t.Context(), healthy, fixedAt, fixedAt)
	if err != nil {
		t.Fatal(err)
	}
	if len(alerts) > 0 || len(still) == 0 {
		t.Errorf("five minutes into the fault: %d alerts, want none, and %d conditions that still hold, want some", len(alerts), len(still))
	}

	mended := toolstest.New(n, 6, fixedAt, fixedAt.Add(time.Hour), toolstest.Healthy())
	mended.Run(fixedAt, fixedAt.Add(time.Minute))
	mended.Write(t, db)
	now := fixedAt.Add(time.Minute)
	if still, err = d.Still(t.Context(), healthy, fixedAt, now); err != nil || len(still) > 0 {
		t.Errorf("a minute after the end of the fault: %+v, %v", still, err)
	}
	served, err := d.Served(t.Context(), fixedAt, now)
	if err != nil || served[n.Payment] == 0 {
		t.Errorf("served %v, %v", served, err)
	}
	if served, err = d.Served(t.Context(), now.Add(time.Minute), now.Add(2*time.Minute)); err != nil || len(served) > 0 {
		t.Errorf("served %v after the end of all telemetry, %v", served, err)
	}
}
