package detect_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/internal/rules"
	"github.com/midwatch/midwatch/internal/store"
	"github.com/midwatch/midwatch/internal/store/storetest"
	"github.com/midwatch/midwatch/internal/telemetry"
	"github.com/midwatch/midwatch/internal/tools/toolstest"
)

// versions of an AlertRule in namespace shop, as the exporter tells of them.
type versions struct {
	t  *testing.T
	db *store.DB
	n  int
}

func (v *versions) put(at time.Time, uid, name, action, spec string) {
	v.t.Helper()
	v.n++
	object := fmt.Sprintf(`{"apiVersion":"midwatch.dev/v1alpha1","kind":"AlertRule","metadata":{"name":%q},"spec":%s,"status":{}}`, name, spec)
	if err := v.db.Exec(v.t.Context(), `INSERT INTO k8s_objects (time, environment, api_version, kind, namespace, name, uid, resource_version, action, object)
VALUES (?, ?, 'midwatch.dev/v1alpha1', 'AlertRule', 'shop', ?, ?, ?, ?, ?)`, at, toolstest.Environment, name, uid, fmt.Sprint(v.n), action, object); err != nil {
		v.t.Fatal(err)
	}
}

// holding are the rules that hold at a moment.
func holding(t *testing.T, db *store.DB, now time.Time) []string {
	t.Helper()
	var out []string
	for _, tr := range alertsAt(t, withRules(t, db, rules.Alert{Name: "mine", Expr: "level > 100"}), now) {
		out = append(out, fmt.Sprint(tr.Rule, " ", tr.Threshold))
	}
	return out
}

func TestAlertRulesOfTheClusterAreWhatTheyWereAtTheMoment(t *testing.T) {
	db := storetest.Open(t)
	gauge(t, db, "level", start, start.Add(10*time.Minute), 50, "a")
	v := &versions{t: t, db: db}
	above := func(n int) string { return fmt.Sprintf(`{"expr":"level > %d"}`, n) }
	minute := func(n int) time.Time { return start.Add(time.Duration(n) * time.Minute) }

	v.put(start.Add(-26*time.Hour), "old", "forgotten", telemetry.ObjectAdded, above(1)) // nobody said since that it is there
	v.put(start.Add(-24*time.Hour), "u0", "steady", telemetry.ObjectSnapshot, above(5))
	v.put(minute(1), "u1", "deep", telemetry.ObjectAdded, above(10))
	v.put(minute(2), "u1", "deep", telemetry.ObjectModified, above(20))
	v.put(minute(3), "u1", "deep", telemetry.ObjectModified, `{"expr":"level > "}`) // the version before goes on
	v.put(minute(4), "u1", "deep", telemetry.ObjectDeleted, above(20))
	v.put(minute(5), "u2", "deep", telemetry.ObjectAdded, `{"expr":"level > 30","severity":"loud"}`) // never was a good one
	v.put(minute(6), "u2", "deep", telemetry.ObjectModified, `{"expr":"level > 30","unknown":1}`)
	v.put(minute(7), "u2", "deep", telemetry.ObjectSnapshot, above(30))

	steady := "rule/shop/steady 5"
	for at, want := range map[int][]string{
		1: {steady}, 2: {"rule/shop/deep 10", steady}, 3: {"rule/shop/deep 20", steady}, 4: {"rule/shop/deep 20", steady},
		5: {steady}, 6: {steady}, 7: {steady}, 8: {"rule/shop/deep 30", steady},
	} {
		got := holding(t, db, minute(at).Add(-time.Second))
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("just before minute %d: %q, want %q", at, got, want)
		}
	}
	for at, want := range map[int]string{ // what is told of it: why it is no rule, while there is no version before that goes on
		4: "shop/deep raised ", 6: `shop/deep failed severity: "loud"`, 7: "shop/deep failed spec: json: unknown field", 8: "shop/deep raised ",
	} {
		d := withRules(t, db)
		alertsAt(t, d, minute(at).Add(-time.Second))
		var told []string
		for _, s := range d.RuleStates().Rules {
			told = append(told, fmt.Sprint(s.Name, " ", s.Reason(), " ", s.Error))
		}
		if !slices.ContainsFunc(told, func(s string) bool { return strings.HasPrefix(s, want) }) || len(told) != 2 {
			t.Errorf("just before minute %d: %q, want %q", at, told, want)
		}
	}
	_, unknown, err := newDetector(t, db).Holding(t.Context(), []string{"rule/shop/deleted"}, minute(8))
	if err != nil || len(unknown) > 0 {
		t.Errorf("of a rule that is there no more: %v, %v", unknown, err)
	}
}
