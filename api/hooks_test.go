package api_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/workflows"
)

// post sends a body as another alerting system would, and returns status and answer.
func (in *installation) post(path, body string, role auth.Role) (int, wire.Posted, string) {
	in.t.Helper()
	req := get(http.NewRequest(http.MethodPost, in.url+path, strings.NewReader(body)))(in.t)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+in.token(role))
	res := get(in.http.Do(req))(in.t)
	defer res.Body.Close()
	text := get(io.ReadAll(res.Body))(in.t)
	var posted wire.Posted
	if res.StatusCode == http.StatusAccepted {
		must(in.t, json.Unmarshal(text, &posted))
	}
	return res.StatusCode, posted, string(text)
}

func payload(t *testing.T, name string) string {
	t.Helper()
	return string(get(os.ReadFile("hook/testdata/" + name))(t))
}

func TestHooks(t *testing.T) {
	for path, c := range map[string]struct {
		file string
		want wire.Posted
	}{
		"/hooks/alertmanager": {"alertmanager_group.json", wire.Posted{Raised: 2, Resolved: 1, Cut: 3}},
		"/hooks/grafana":      {"grafana_unified.json", wire.Posted{Raised: 2}},
	} {
		t.Run(path, func(t *testing.T) {
			in := start(t)
			status, got, text := in.post(path, payload(t, c.file), auth.Reporter)
			if diff := cmp.Diff(c.want, got); status != http.StatusAccepted || diff != "" {
				t.Fatalf("%d %s\n%s", status, text, diff)
			}
			sent := in.temporal.all()
			if len(sent) != 1 || sent[0].workflow != workflows.IntakeID(environment) || sent[0].name != workflows.TriggerSignal || sent[0].started != workflows.IntakeWorkflow {
				t.Fatalf("signals %+v", sent)
			}
			first := sent[0].arg.([]investigation.Trigger)
			if len(first) != 2 || first[0].Environment != environment || first[0].Service == "" {
				t.Errorf("triggers %+v", first)
			}
			// A retry is the same triggers under the same ids, which Intake ignores.
			if _, again, _ := in.post(path, payload(t, c.file), auth.Reporter); again != got {
				t.Errorf("a retry: %+v", again)
			}
			for n, again := range in.temporal.all()[1].arg.([]investigation.Trigger) {
				if again.ID != first[n].ID {
					t.Errorf("a retry raised %s, first %s", again.ID, first[n].ID)
				}
			}
			action := strings.ReplaceAll(strings.Trim(path, "/"), "/", ".")
			if !in.audited("reporter person", action, "allowed") || in.audited("reporter person", action, "noted") != (c.want.Resolved > 0) {
				t.Error("not audited")
			}
		})
	}
}

func TestHooksTellTheSenderToComeBack(t *testing.T) {
	in := start(t)
	in.temporal.down = true
	if status, _, text := in.post("/hooks/alertmanager", payload(t, "alertmanager_group.json"), auth.Reporter); status != http.StatusServiceUnavailable {
		t.Errorf("Temporal is down: %d %s", status, text)
	}
	in.temporal.down = false
	for range 5000 { // many more than the rate, however slow this machine is
		if status, _, _ := in.post("/hooks/alertmanager", "{}", auth.Reporter); status == http.StatusServiceUnavailable {
			return
		}
	}
	t.Error("a flood of messages was let through")
}

func TestHooksWithoutMarkup(t *testing.T) {
	in := start(t)
	hostile := `{"version":"4","status":"firing","alerts":[{"status":"firing","labels":{"alertname":"A","service":"\u001b[2Jx"},` +
		`"annotations":{"summary":"one\ntwo\u202e <!channel> \u0000"},"startsAt":"2026-03-01T01:59:00Z","fingerprint":"../../etc"},{"status":"firing"}]}`
	status, got, text := in.post("/hooks/alertmanager", hostile, auth.Reporter)
	if status != http.StatusAccepted || got.Raised != 1 || got.Skipped != 1 || got.Reason == "" {
		t.Fatalf("%d %s", status, text)
	}
	raised := in.temporal.all()[0].arg.([]investigation.Trigger)[0]
	if raised.Service != "[2Jx" || raised.Summary != "[2Jx: one two <!channel>" || strings.ContainsAny(raised.ID, "./") {
		t.Errorf("%+v", raised)
	}
}
