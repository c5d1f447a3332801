package hook_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/api/hook"
	"github.com/midwatch/midwatch/internal/investigation"
)

var now = time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)

func recorded(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func read(t testing.TB, source hook.Source, body []byte) hook.Result {
	t.Helper()
	r, err := hook.Read(source, body, now, hook.Config{Environment: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAlertmanager(t *testing.T) {
	r := read(t, hook.Alertmanager, recorded(t, "alertmanager_group.json"))
	want := investigation.Trigger{
		Kind: investigation.Alert, Environment: "test", Rule: "alertmanager/HighErrorRate",
		Entity: "service/checkout", Service: "checkout", Severity: investigation.Critical, Summary: "High error rate on checkout",
		Onset: time.Date(2026, 3, 1, 1, 58, 12, 733e6, time.UTC), At: now,
		Attributes: map[string]string{
			"source": "alertmanager", "starts_at": "2026-03-01T01:58:12Z", "label.instance": "10.1.2.3:8080", "label.job": "shop/checkout",
			"label.namespace": "shop", "label.pod": "checkout-6c9f7b9d4-x2x5l", "label.service": "checkout", "label.severity": "critical",
		},
	}
	want.ID = r.Triggers[0].ID // its form is TestIDs'
	if diff := cmp.Diff(want, r.Triggers[0]); diff != "" {
		t.Errorf("first (-want +got):\n%s", diff)
	}
	if got := r.Triggers[1]; got.Service != "node" || got.Severity != investigation.Warning || got.Summary != "100% of the node targets are down." {
		t.Errorf("second %+v", got)
	}
	if len(r.Triggers) != 2 || len(r.Resolved) != 1 || r.Resolved[0].Service != "cart" || r.Skipped != 0 || r.Cut != 3 {
		t.Errorf("%d fire, resolved %+v, %d skipped, %d cut", len(r.Triggers), r.Resolved, r.Skipped, r.Cut)
	}
}

func TestGrafana(t *testing.T) {
	r := read(t, hook.Grafana, recorded(t, "grafana_unified.json"))
	if len(r.Triggers) != 2 || r.Skipped != 0 {
		t.Fatalf("%d triggers, %d skipped: %s", len(r.Triggers), r.Skipped, r.Reason)
	}
	got := r.Triggers[0]
	if got.Service != "catalog" || got.Rule != "grafana/High memory usage" || got.Summary != "catalog: This alert was triggered for zone us-1" ||
		got.Value != 44.23943737541908 || !got.Onset.Equal(time.Date(2026, 3, 1, 1, 51, 3, 157076e3, time.UTC)) {
		t.Errorf("first %+v", got)
	}
	if got := r.Triggers[1]; got.Service != "" || got.Entity != "" || got.Summary != "DatasourceNoData fires" {
		t.Errorf("second %+v", got)
	}
}

// message wraps alerts in Alertmanager's envelope.
func message(alerts ...string) []byte {
	return []byte(`{"version":"4","status":"firing","alerts":[` + strings.Join(alerts, ",") + `]}`)
}

func one(labels map[string]string, more string) string {
	b, err := json.Marshal(labels)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf(`{"status":"firing","labels":%s,"startsAt":"2026-03-01T01:59:00Z"%s}`, b, more)
}

var safe = regexp.MustCompile(`^[a-z0-9-]{1,120}$`)

func TestIDs(t *testing.T) {
	a := map[string]string{"alertname": "A", "service": "x"}
	ids := map[string]string{}
	for name, body := range map[string]string{
		"fingerprint":         one(a, `,"fingerprint":"1a30ba71cca2921f"`),
		"other fingerprint":   one(a, `,"fingerprint":"1a30ba71cca29210"`),
		"later":               strings.Replace(one(a, `,"fingerprint":"1a30ba71cca2921f"`), "01:59:00Z", "01:59:01Z", 1),
		"none":                one(a, ""),
		"none, other labels":  one(map[string]string{"alertname": "A", "service": "y"}, ""),
		"none, shifted bytes": one(map[string]string{"alertname": "A", "servic": "ex"}, ""),
		"hostile":             one(a, `,"fingerprint":"../../x\u0000; DROP"`),
		"long":                one(a, `,"fingerprint":"`+strings.Repeat("a", 1000)+`"`),
	} {
		got := read(t, hook.Alertmanager, message(body)).Triggers[0].ID
		if !safe.MatchString(got) {
			t.Errorf("%s: id %q", name, got)
		}
		if other, ok := ids[got]; ok {
			t.Errorf("%s and %s share %s", name, other, got)
		}
		ids[got] = name
		if again := read(t, hook.Alertmanager, message(body, body)).Triggers; len(again) != 1 || again[0].ID != got {
			t.Errorf("%s: twice in a message, then: %+v", name, again)
		}
	}
}

func TestHostileTexts(t *testing.T) {
	cases := map[string]string{
		"terminal":   "\x1b[2Jgone\x07",
		"lines":      "a\r\nb\u2028c\td",
		"direction":  "safe\u202egnp.exe\u2066",
		"zero width": "ig\u200bnore\ufeff",
		"nul":        "a\x00b",
		"long":       strings.Repeat("ü", 100_000),
		"private":    "a\ue000b",
	}
	for name, text := range cases {
		labels := map[string]string{"alertname": text, "service": text, "severity": text, text: text}
		notes, err := json.Marshal(map[string]string{"summary": text})
		if err != nil {
			t.Fatal(err)
		}
		r := read(t, hook.Alertmanager, message(one(labels, `,"annotations":`+string(notes))))
		if len(r.Triggers) != 1 {
			t.Fatalf("%s: %d triggers", name, len(r.Triggers))
		}
		harmless(t, name, r.Triggers[0])
	}
	many := map[string]string{}
	for n := range 1000 {
		many[fmt.Sprint("label", n)] = "v"
	}
	harmless(t, "many labels", read(t, hook.Alertmanager, message(one(many, ""))).Triggers[0])
}

// harmless fails unless every text of a trigger is short and plain.
func harmless(t testing.TB, name string, got investigation.Trigger) {
	t.Helper()
	texts := []string{got.Rule, got.Service, got.Summary, string(got.Entity)}
	for k, v := range got.Attributes {
		texts = append(texts, k, v)
	}
	for _, text := range texts {
		if len(text) > 400 || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return unicode.In(r, unicode.C, unicode.Zl, unicode.Zp) }) {
			t.Errorf("%s: %.60q, %d bytes", name, text, len(text))
		}
	}
	if b, err := json.Marshal(got); err != nil || len(b) > 6<<10 || len(got.Attributes) > 12 {
		t.Errorf("%s: %d bytes, %d attributes, %v", name, len(b), len(got.Attributes), err)
	}
	if !safe.MatchString(got.ID) || got.Onset.After(got.At) || got.At.Sub(got.Onset) > time.Hour {
		t.Errorf("%s: id %q, onset %s", name, got.ID, got.Onset)
	}
	switch got.Severity {
	case investigation.Info, investigation.Warning, investigation.Critical:
	default:
		t.Errorf("%s: severity %q", name, got.Severity)
	}
}

func TestBrokenAlertsAreSkipped(t *testing.T) {
	good := one(map[string]string{"alertname": "A"}, "")
	for name, bad := range map[string]string{
		"no object":   `"x"`,
		"null":        `null`,
		"no labels":   `{"status":"firing","startsAt":"2026-03-01T01:59:00Z"}`,
		"label types": `{"status":"firing","labels":{"a":{"b":1}},"startsAt":"2026-03-01T01:59:00Z"}`,
		"no start":    `{"status":"firing","labels":{"a":"b"}}`,
		"bad start":   `{"status":"firing","labels":{"a":"b"},"startsAt":"yesterday"}`,
		"bad status":  `{"status":"pending","labels":{"a":"b"},"startsAt":"2026-03-01T01:59:00Z"}`,
	} {
		r := read(t, hook.Alertmanager, message(bad, good))
		if len(r.Triggers) != 1 || r.Skipped != 1 || r.Reason == "" {
			t.Errorf("%s: %d triggers, %d skipped (%s)", name, len(r.Triggers), r.Skipped, r.Reason)
		}
	}
	storm := make([]string, 1500)
	for n := range storm {
		storm[n] = one(map[string]string{"alertname": fmt.Sprint(n)}, "")
	}
	if r := read(t, hook.Alertmanager, message(storm...)); len(r.Triggers) != 1000 || r.Skipped != 500 {
		t.Errorf("%d triggers, %d skipped", len(r.Triggers), r.Skipped)
	}
}

func TestRefusesOtherMessages(t *testing.T) {
	grafana := string(recorded(t, "grafana_unified.json"))
	for name, body := range map[string]string{
		"empty": "", "no json": "alert!", "null": "null", "list": "[]", "object": "{}", "deep": strings.Repeat("[", 100_000),
		"other version": `{"version":"3","status":"firing","alerts":[{}]}`, "number as version": `{"version":4,"status":"firing","alerts":[{}]}`,
		"no alerts": `{"version":"4","status":"firing","alerts":[]}`, "no status": `{"version":"4","alerts":[{}]}`,
		"two": string(message(one(map[string]string{"a": "b"}, ""))) + "{}", "Grafana's": grafana, "too long": strings.Repeat(" ", hook.MaxBody) + "{}",
	} {
		if r, err := hook.Read(hook.Alertmanager, []byte(body), now, hook.Config{}); !errors.Is(err, hook.ErrMessage) {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

func TestServiceLabels(t *testing.T) {
	body := message(one(map[string]string{"team": "blue", "service": "cart", "job": "j"}, ""))
	r, err := hook.Read(hook.Alertmanager, body, now, hook.Config{ServiceLabels: []string{"missing", "team"}})
	if err != nil || r.Triggers[0].Service != "blue" {
		t.Errorf("%+v, %v", r.Triggers, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(recorded(f, "alertmanager_group.json"))
	f.Add(recorded(f, "grafana_unified.json"))
	f.Add(message(one(map[string]string{"alertname": "\u202e", "severity": "P1"}, `,"values":{"B":null},"fingerprint":"zz"`)))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, source := range []hook.Source{hook.Alertmanager, hook.Grafana} {
			r, err := hook.Read(source, body, now, hook.Config{Environment: "test"})
			if err != nil {
				if !errors.Is(err, hook.ErrMessage) {
					t.Errorf("%v", err)
				}
				continue
			}
			for _, got := range append(r.Triggers, r.Resolved...) {
				harmless(t, "fuzzed", got)
			}
			again, err := hook.Read(source, body, now, hook.Config{Environment: "test"})
			if diff := cmp.Diff(r, again); err != nil || diff != "" {
				t.Errorf("the same body again: %v\n%s", err, diff)
			}
		}
	})
}
