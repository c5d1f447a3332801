package detect_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/rules"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/toolstest"
)

// TestANameServerIsNoPeer: everybody asks it, which says nothing of two that do, unless its answers fail.
func TestANameServerIsNoPeer(t *testing.T) {
	db := storetest.Open(t)
	now := start.Add(5 * time.Minute)
	gauge(t, db, "app.queue.length", start, now, 250, "cart")
	for _, s := range []struct{ peer, name, failure string }{
		{"payment", "POST /pay", ""},
		{"resolver", "DNS A", ""},
		{"broken-resolver", "DNS A", "servfail"},
	} {
		err := db.Exec(t.Context(), fmt.Sprintf("INSERT INTO spans (time, environment, service, kind, name, peer_service, error_type) VALUES ('%s', '%s', 'cart', 'client', '%s', '%s', '%s')",
			now.Add(-time.Minute).UTC().Format("2006-01-02 15:04:05"), toolstest.Environment, s.name, s.peer, s.failure))
		if err != nil {
			t.Fatal(err)
		}
	}
	d := withRules(t, db, rules.Alert{Name: "deep", Expr: "app_queue_length > 100", Severity: investigation.Critical})
	found := alertsAt(t, d, now)
	if len(found) != 1 || found[0].Entity != telemetry.Service("cart") {
		t.Fatalf("%+v", found)
	}
	slices.Sort(found[0].Peers)
	if want := []string{"broken-resolver", "payment"}; !slices.Equal(found[0].Peers, want) {
		t.Errorf("peers %v, want %v", found[0].Peers, want)
	}
}
