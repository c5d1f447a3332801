package detect_test

import (
	"testing"
	"time"

	"github.com/midwatch/midwatch/activities/detect"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/tools/toolstest"
)

// TestBegan: what nobody gave a time for is found within seconds of when it began, whatever is asked about, and how it ended.
func TestBegan(t *testing.T) {
	n := toolstest.Plain
	for name, c := range map[string]struct {
		fault    toolstest.Fault
		services []string
		found    bool
	}{
		"errors":                  {toolstest.WritesRefused(n), nil, true},
		"latency, of one service": {toolstest.SlowPayment(n), []string{n.Payment}, true},
		"latency, of its caller":  {toolstest.SlowPayment(n), []string{n.Checkout}, true},
		"of another":              {toolstest.SlowPayment(n), []string{n.Redis}, false},
		"nothing":                 {toolstest.Healthy(), nil, false},
		"a harmless release":      {toolstest.HarmlessDeployment(n), nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			db := storetest.Open(t)
			faultAt := start.Add(4 * time.Minute)
			now := faultAt.Add(6 * time.Minute)
			shop := toolstest.New(n, 3, start, faultAt, c.fault)
			shop.Rate = 20
			shop.Run(start, now)
			shop.Write(t, db)
			w, ok, err := newDetector(t, db).Began(t.Context(), detect.Scope{Services: c.services}, now)
			if err != nil || ok != c.found {
				t.Fatalf("found %v from %s to %s, %v", ok, w.From, w.To, err)
			}
			if off := w.From.Sub(faultAt); ok && (off < -3*time.Second || off > 10*time.Second || !w.To.Equal(now)) {
				t.Errorf("from %s after the fault to %s, want %s", off, w.To, now)
			}
			if _, ok, err = newDetector(t, db).Began(t.Context(), detect.Scope{Namespaces: []string{"of-others"}}, now); ok || err != nil {
				t.Errorf("of a namespace that nothing is in: %v, %v", ok, err)
			}
		})
	}
}
