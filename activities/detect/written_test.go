package detect_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/activities/detect"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/rules"
	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/toolstest"
)

func withRules(t *testing.T, db *store.DB, alerts ...rules.Alert) *detect.Detector {
	t.Helper()
	d, err := detect.New(detect.Config{Store: db, Environment: toolstest.Environment, Alerts: alerts})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// gauge writes a metric of services every five seconds, from inclusive, to exclusive.
func gauge(t *testing.T, db *store.DB, name string, from, to time.Time, value float64, services ...string) {
	t.Helper()
	var rows []toolstest.Metric
	for at := from; at.Before(to); at = at.Add(5 * time.Second) {
		for _, s := range services {
			rows = append(rows, toolstest.Metric{Time: at, Env: toolstest.Environment, Service: s, Instance: s + "/1", Host: "h", Name: name, Kind: "gauge", Value: value})
		}
	}
	toolstest.WriteMetrics(t, db, rows)
}

func alertsAt(t *testing.T, d *detect.Detector, now time.Time) []investigation.Trigger {
	t.Helper()
	found, err := d.Alerts(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestAWrittenRuleIsRaisedOnceItHeldForItsTime(t *testing.T) {
	db := storetest.Open(t)
	deep := rules.Alert{
		Name: "queue-deep", Expr: "app_queue_length > 100", For: rules.Duration(time.Minute), Severity: investigation.Critical,
		Summary: "{{ $labels.service }} has {{ $value }} waiting", Labels: map[string]string{"team": "shop"},
	}
	fault := start.Add(5 * time.Minute)
	gauge(t, db, "app.queue.length", start, fault, 10, "cart", "mail")
	gauge(t, db, "app.queue.length", fault, fault.Add(4*time.Minute), 250, "cart")
	gauge(t, db, "app.queue.length", fault, fault.Add(5*time.Minute), 10, "mail")
	gauge(t, db, "app.queue.length", fault.Add(4*time.Minute), fault.Add(5*time.Minute), 10, "cart")
	d := withRules(t, db, deep)

	for _, early := range []time.Duration{-10 * time.Second, 10 * time.Second, 55 * time.Second} {
		if found := alertsAt(t, d, fault.Add(early)); len(found) > 0 {
			t.Errorf("%s after the fault: %+v", early, found)
		}
	}
	var id string
	for _, after := range []time.Duration{70 * time.Second, 2 * time.Minute, 3*time.Minute + 58*time.Second} {
		found := alertsAt(t, d, fault.Add(after))
		if len(found) != 1 {
			t.Fatalf("%s after the fault: %+v", after, found)
		}
		got := found[0]
		if got.Kind != investigation.Alert || got.Rule != "rule/queue-deep" || got.Service != "cart" || got.Entity != "service/cart" || got.Severity != investigation.Critical ||
			got.Summary != "cart has 250 waiting" || got.Value != 250 || got.Threshold != 100 || got.Attributes["label.team"] != "shop" || got.Attributes["label.__name__"] != "" {
			t.Errorf("%+v", got)
		}
		if off := got.Onset.Sub(fault).Abs(); off > 6*time.Second {
			t.Errorf("onset is %s off", off)
		}
		if id == "" {
			id = got.ID
		}
		// One who knows nothing of the ticks before decides the same.
		again := alertsAt(t, withRules(t, db, deep), fault.Add(after))
		if got.ID != id || len(again) != 1 || again[0].ID != id || strings.ContainsAny(id, " /:") {
			t.Errorf("%s after the fault: id %s, by another %+v, first %s", after, got.ID, again, id)
		}
	}
	if found := alertsAt(t, d, fault.Add(4*time.Minute+30*time.Second)); len(found) > 0 {
		t.Errorf("after the end of the fault: %+v", found)
	}
}

func TestABadRuleStopsNoOther(t *testing.T) {
	db := storetest.Open(t)
	now := start.Add(time.Minute)
	services := make([]string, 30)
	for i := range services {
		services[i] = fmt.Sprintf("s%02d", i)
	}
	gauge(t, db, "load", start, now, 5, services...)
	gauge(t, db, "used", start, now, 5, "a")
	d := withRules(t, db,
		rules.Alert{Name: "doubled", Expr: `load + on(host) group_left load`}, // many-to-many: only the data tells
		rules.Alert{Name: "everywhere", Expr: `load > 1`},
		rules.Alert{Name: "fine", Expr: `used > 1`, Service: "host"},
		rules.Alert{Name: "sum", Expr: `sum(load) > 100`},
		rules.Alert{Name: "never", Expr: `load > 100`},
	)
	for range 2 { // a second look takes the same of too many
		count, seen := map[string]int{}, map[string]bool{}
		for _, tr := range alertsAt(t, d, now) {
			count[tr.Rule]++
			if seen[tr.ID] {
				t.Error("twice", tr.ID)
			}
			seen[tr.ID] = true
			switch {
			case tr.Rule == "rule/fine" && tr.Service != "h", tr.Rule == "rule/sum" && (tr.Service != "" || tr.Entity != "" || tr.Value != 150),
				tr.Rule == "rule/everywhere" && tr.Service > "s19":
				t.Errorf("%+v", tr)
			}
		}
		if count["rule/everywhere"] != 20 || count["rule/fine"] != 1 || count["rule/sum"] != 1 || len(count) != 3 {
			t.Errorf("%v", count)
		}
	}
}

func TestARuleOfManySeriesIsRaisedOnceForEachService(t *testing.T) {
	db := storetest.Open(t)
	now := start.Add(2 * time.Minute)
	var rows []toolstest.Metric
	for at := start; at.Before(now); at = at.Add(5 * time.Second) {
		for i := range 15 {
			service := []string{"cart", "mail"}[i%2]
			rows = append(rows, toolstest.Metric{
				Time: at, Env: toolstest.Environment, Service: service, Instance: fmt.Sprintf("%s/%02d", service, i), Host: "h", Name: "depth", Kind: "gauge", Value: float64(10 + i),
			})
		}
	}
	toolstest.WriteMetrics(t, db, rows)
	d := withRules(t, db,
		rules.Alert{Name: "deep", Expr: "depth > 1", Summary: "{{ $labels.service }} is deep"},
		rules.Alert{Name: "whole", Expr: "sum by (instance) (depth) > 1", Service: "team", Labels: map[string]string{"team": "shop"}},
	)
	found := alertsAt(t, d, now)
	if len(found) != 3 {
		t.Fatalf("%d triggers: %+v", len(found), found)
	}
	for i, want := range []struct{ service, series, summary string }{
		{"cart", "8", "cart is deep (and 7 more series)"}, {"mail", "7", "mail is deep (and 6 more series)"}, {"shop", "15", "shop: whole holds, at 10 (and 14 more series)"},
	} {
		got := found[i]
		if got.Service != want.service || got.Attributes["series"] != want.series || got.Summary != want.summary || got.Size() > investigation.MaxTrigger {
			t.Errorf("%+v", got)
		}
	}
	a := found[0].Attributes
	if a["label.service"] != "cart" || a["label.instance"] != "" || !strings.Contains(a["series.01"], `instance="cart/00"`) || !strings.HasPrefix(a["series.01"], "10 {") {
		t.Errorf("%v", a)
	}
	if found[2].Attributes["series.10"] == "" || found[2].Attributes["series.11"] != "" {
		t.Errorf("ten series are listed: %v", found[2].Attributes)
	}
}

// Containers of one pod may have services of their own, and one service several workloads: none hides another.
func TestServicesOfOneWorkloadAreRaisedApart(t *testing.T) {
	db := storetest.Open(t)
	now := start.Add(2 * time.Minute)
	var rows []toolstest.Metric
	for at := start; at.Before(now); at = at.Add(5 * time.Second) {
		for _, of := range []struct{ service, workload string }{
			{"front", "deployment/web"}, {"cache", "deployment/web"}, {"web.shop", "deployment/web"}, {"web.shop", "statefulset/web"}, {"web.shop", ""},
		} {
			rows = append(rows, toolstest.Metric{
				Time: at, Env: toolstest.Environment, Service: of.service, Instance: of.service + of.workload, Host: "h", Name: "depth", Kind: "gauge", Value: 10,
				Attributes: map[string]string{telemetry.K8sNamespace: "shop", telemetry.K8sWorkload: of.workload},
			})
		}
	}
	toolstest.WriteMetrics(t, db, rows)
	seen := map[string]string{} // :: id → about whom
	for _, got := range alertsAt(t, withRules(t, db, rules.Alert{Name: "deep", Expr: "depth > 1"}), now) {
		if other, double := seen[got.ID]; double {
			t.Errorf("%s and %s have one id, %s", other, got.Service, got.ID)
		}
		seen[got.ID] = got.Service + " " + string(got.Entity)
	}
	want := []string{
		"cache workload/shop/deployment/web", "front workload/shop/deployment/web", "web.shop service/web.shop", "web.shop workload/shop/deployment/web",
		"web.shop workload/shop/statefulset/web",
	}
	if got := slices.Sorted(maps.Values(seen)); !slices.Equal(got, want) {
		t.Errorf("raised for %q, want %q", got, want)
	}
}

func TestWhatBecameOfRulesIsKnown(t *testing.T) {
	db := storetest.Open(t)
	now := start.Add(time.Minute)
	gauge(t, db, "level", start, now, 9, "a", "b")
	d := withRules(t, db,
		rules.Alert{Name: "blind", Expr: "unknown > 5"},
		rules.Alert{Name: "broken", Expr: "level + on(nothing) group_left level", Severity: investigation.Info},
		rules.Alert{Name: "holds", Expr: "level > 5"},
		rules.Alert{Name: "quiet", Expr: "level > 50"},
		rules.Alert{Name: "waits", Expr: "level > 5", For: rules.Duration(time.Hour)},
	)
	if s := d.RuleStates(); !s.At.IsZero() {
		t.Errorf("before the first look: %+v", s)
	}
	alertsAt(t, d, now)
	states := d.RuleStates()
	var got []string
	for _, s := range states.Rules {
		got = append(got, fmt.Sprint(s.Name, " ", s.Severity, " ", s.Reason(), " ", s.Series, " ", s.Raised))
	}
	want := []string{"blind warning no_data 0 0", "broken info failed 0 0", "holds warning raised 2 2", "quiet warning quiet 0 0", "waits warning waiting 2 0"}
	if !states.At.Equal(now) || !slices.Equal(got, want) {
		t.Errorf("%s %q, want %q", states.At, got, want)
	}
	if s, _ := states.Of("broken"); !strings.Contains(s.Error, "many-to-many") {
		t.Errorf("%q", s.Error)
	}
}

func TestHoldingIsWhatTheExpressionSaysNow(t *testing.T) {
	db := storetest.Open(t)
	fault, fixed := start.Add(time.Minute), start.Add(2*time.Minute)
	gauge(t, db, "level", fault, fixed, 9, "a")
	gauge(t, db, "level", fixed, fixed.Add(time.Minute), 1, "a")
	long := rules.Alert{Name: "level", Expr: "level > 5", For: rules.Duration(time.Hour)}
	d := withRules(t, db, long, rules.Alert{Name: "other", Expr: "level > 0"}, rules.Alert{Name: "broken", Expr: `level + on(nothing) group_left level`})
	names := []string{"rule/level", "rule/broken"}

	holds, unknown, err := d.Holding(t.Context(), names[:1], fixed.Add(-time.Second))
	if err != nil || len(holds) != 1 || holds[0].Rule != "rule/level" || holds[0].Service != "a" || len(unknown) != 0 {
		t.Errorf("before: %+v, %v, %v", holds, unknown, err)
	}
	gauge(t, db, "level", fixed, fixed.Add(time.Minute), 1, "b")
	holds, unknown, err = d.Holding(t.Context(), names, fixed.Add(30*time.Second))
	if err != nil || len(holds) != 0 || len(unknown) != 1 || unknown["rule/broken"] == nil {
		t.Errorf("after: %+v, %v, %v", holds, unknown, err)
	}
	holds, unknown, err = d.Holding(t.Context(), names, fixed.Add(time.Hour))
	if err != nil || len(holds) != 0 || unknown["rule/level"] == nil {
		t.Errorf("when nothing is measured any more, nobody knows: %+v, %v, %v", holds, unknown, err)
	}
}
