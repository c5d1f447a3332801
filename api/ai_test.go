package api_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/midwatch/midwatch/api"
	"github.com/midwatch/midwatch/api/client"
	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/tools"
)

func provider(name, environment string) llm.ProviderConfig {
	return llm.ProviderConfig{
		Name: name, Kind: llm.KindAnthropic, Environment: environment, Account: name + " account", Model: "m-1", Terms: name + ": no training",
		KeyFile: "/etc/keys/" + name, ExternalID: "external-secret", RoleARN: "arn:secret", Price: llm.Price{Input: 3, Output: 15},
	}
}

// withProviders configures ours (the installation's), own (of dev), theirs (of prod), and one that cannot be used.
func withProviders(c *api.Config) {
	broken := provider("broken", "")
	broken.BaseURL = "http://user:secret@models.example/v1"
	c.Providers = []llm.ProviderConfig{provider("ours", ""), provider("own", environment), provider("theirs", "prod"), broken}
	c.Tools = tools.New(tools.Tool{Name: "search_logs", DataTypes: []investigation.DataType{investigation.Logs}})
}

func on(v bool) *bool { return &v }

func confirm(names ...string) []wire.Confirm {
	var list []wire.Confirm
	for _, n := range names {
		list = append(list, wire.Confirm{Provider: n, Terms: n + ": no training"})
	}
	return list
}

func TestAISwitch(t *testing.T) {
	in := start(t, withProviders)
	admin, ctx := in.as(auth.Admin), t.Context()
	ai := get(in.as(auth.Viewer).AI(ctx, environment))(t)
	if ai.Enabled || ai.Active || ai.Inactive == "" || len(ai.Providers) != 0 || len(ai.DataTypes) != 0 || len(ai.Kinds) != 7 {
		t.Errorf("at first: %+v", ai)
	}
	for _, k := range ai.Kinds {
		if k.Includes == "" || (k.Name == investigation.Logs) != slices.Contains(k.Tools, "search_logs") {
			t.Errorf("kind %+v", k)
		}
	}

	ai = get(admin.PutAI(ctx, environment, wire.PutAI{Enabled: on(true), Providers: []string{"own", "ours"}, DataTypes: []string{"logs"}, Confirm: confirm("own")}))(t)
	if !ai.Active || ai.Inactive != "" || ai.UpdatedBy != "admin person" || ai.UpdatedAt.IsZero() || !slices.Equal(ai.DataTypes, []investigation.DataType{"logs"}) {
		t.Errorf("on: %+v", ai)
	}
	if p := ai.Providers; len(p) != 2 || !p[0].Asked || p[0].ConfirmedBy != "admin person" || p[0].ConfirmedAt.IsZero() || p[1].Asked || !strings.Contains(p[1].Why, "not confirmed") {
		t.Errorf("listed: %+v", ai.Providers)
	}
	stored := get(in.db.AIPolicy(ctx, environment))(t)
	if !stored.Enabled || len(stored.Confirmed) != 1 || stored.Confirmed[0].By != "admin person" || stored.Confirmed[0].Terms != "own: no training" || stored.UpdatedBy != "admin person" {
		t.Errorf("stored: %+v", stored)
	}
	if s := get(in.as(auth.Viewer).Settings(ctx))(t); !s.AIActive || s.AIInactive != "" {
		t.Errorf("settings: %+v", s)
	}

	// Own keys come first: the installation's account is confirmed, and yet not asked.
	ai = get(admin.PutAI(ctx, environment, wire.PutAI{Confirm: confirm("ours")}))(t)
	if p := ai.Providers[1]; !ai.Enabled || p.Asked || p.ConfirmedBy == "" || !strings.Contains(p.Why, "never falls back") {
		t.Errorf("own keys first: %+v", ai)
	}

	// Off keeps what was chosen and needs nothing else.
	ai = get(admin.PutAI(ctx, environment, wire.PutAI{Enabled: on(false)}))(t)
	if ai.Enabled || ai.Active || len(ai.Providers) != 2 || len(ai.DataTypes) != 1 || ai.Providers[0].ConfirmedBy == "" {
		t.Errorf("off: %+v", ai)
	}
	// A provider that leaves the list takes its confirmation along.
	get(admin.PutAI(ctx, environment, wire.PutAI{Providers: []string{"ours"}}))(t)
	ai = get(admin.PutAI(ctx, environment, wire.PutAI{Providers: []string{"own", "ours"}}))(t)
	if ai.Enabled || ai.Providers[0].ConfirmedBy != "" || ai.Providers[1].ConfirmedBy == "" {
		t.Errorf("listed again: %+v", ai.Providers)
	}
	in.auditedAI()
}

// auditedAI looks for who switched what, from what, to what, and for the words that were confirmed.
func (in *installation) auditedAI() {
	in.t.Helper()
	var text strings.Builder
	for _, e := range get(in.db.AuditLog(in.t.Context(), 1000))(in.t) {
		if e.Subject == "admin person" && e.Object == "environments/"+environment+"/ai" {
			text.WriteString(e.Action + " " + e.Outcome + " " + e.Detail + "\n")
		}
	}
	for _, want := range []string{
		"ai.change allowed before: off, providers none, data types none, confirmed none; after: on, providers own, ours, data types logs, confirmed own",
		"ai.change allowed before: on, providers own, ours, data types logs, confirmed own, ours; after: off, providers own, ours, data types logs, confirmed own, ours",
		`ai.confirm allowed provider="own" terms="own: no training"`,
	} {
		if !strings.Contains(text.String(), want) {
			in.t.Errorf("the audit log does not say %s\n%s", want, &text)
		}
	}
}

func TestAIRefuses(t *testing.T) {
	in := start(t, withProviders)
	admin, ctx := in.as(auth.Admin), t.Context()
	cases := map[string]struct {
		change wire.PutAI
		status int
		says   string
	}{
		"no provider":          {wire.PutAI{Enabled: on(true)}, 409, "no provider is listed"},
		"not confirmed":        {wire.PutAI{Enabled: on(true), Providers: []string{"ours"}}, 409, "confirmed"},
		"other words":          {wire.PutAI{Enabled: on(true), Providers: []string{"ours"}, Confirm: []wire.Confirm{{Provider: "ours", Terms: "ours: no training "}}}, 409, "read them again"},
		"confirmed, unlisted":  {wire.PutAI{Enabled: on(true), Providers: []string{"ours"}, Confirm: confirm("ours", "own")}, 422, "not listed"},
		"unknown provider":     {wire.PutAI{Providers: []string{"nobody"}}, 422, "not configured"},
		"listed twice":         {wire.PutAI{Providers: []string{"ours", "ours"}}, 422, "twice"},
		"another environment":  {wire.PutAI{Enabled: on(true), Providers: []string{"theirs"}, Confirm: confirm("theirs")}, 422, "environment prod"},
		"cannot be used":       {wire.PutAI{Providers: []string{"broken"}}, 422, "base_url"},
		"unknown type":         {wire.PutAI{DataTypes: []string{"logs", "minds"}}, 422, "minds"},
		"type twice":           {wire.PutAI{DataTypes: []string{"logs", "logs"}}, 422, "twice"},
		"confirmed before, no": {wire.PutAI{Enabled: on(true), Confirm: confirm("ours")}, 422, "not listed"},
	}
	for name, c := range cases {
		_, err := admin.PutAI(ctx, environment, c.change)
		var refused *client.Error
		if !errors.As(err, &refused) || refused.Status != c.status || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if p := get(in.db.AIPolicy(ctx, environment))(t); p.Enabled || len(p.Providers) != 0 {
		t.Errorf("changed nevertheless: %+v", p)
	}
	if _, err := in.as(auth.Approver).PutAI(ctx, environment, wire.PutAI{Enabled: on(false)}); !errors.Is(err, client.ErrForbidden) {
		t.Errorf("as approver: %v", err)
	}
	if !in.audited("admin person", "ai.put", "refused") || !in.audited("approver person", "ai.put", "denied") {
		t.Error("not audited")
	}
}

// TestAIOffAlwaysWorks switches off with a provider that is configured no more.
func TestAIOffAlwaysWorks(t *testing.T) {
	in := start(t, withProviders)
	ctx := t.Context()
	must(t, in.db.PutAIPolicy(ctx, llm.Policy{Environment: environment, Enabled: true, Providers: []string{"gone", "ours"}, Confirmed: []llm.Confirmation{{Provider: "ours", Terms: "ours: old terms"}}}))
	ai := get(in.as(auth.Viewer).AI(ctx, environment))(t)
	if !ai.Enabled || ai.Active || !strings.Contains(ai.Providers[0].Why, "not configured") || !strings.Contains(ai.Providers[1].Why, "not confirmed") {
		t.Errorf("changed terms: %+v", ai)
	}
	ai = get(in.as(auth.Admin).PutAI(ctx, environment, wire.PutAI{Enabled: on(false)}))(t)
	if ai.Enabled || get(in.db.AIPolicy(ctx, environment))(t).Enabled {
		t.Errorf("off: %+v", ai)
	}
}

func TestProvidersHoldNoSecret(t *testing.T) {
	in := start(t, withProviders)
	var doc json.RawMessage
	must(t, in.as(auth.Viewer).Do(t.Context(), http.MethodGet, "/api/v1/ai/providers", nil, &doc))
	if text := string(doc); strings.Contains(text, "secret") || strings.Contains(text, "/etc/keys") {
		t.Errorf("providers %s", text)
	}
	list := get(in.as(auth.Viewer).Providers(t.Context()))(t).Providers
	unusable := map[string]string{"ours": "", "own": "", "theirs": "environment prod", "broken": "base_url"}
	for _, p := range list {
		want := unusable[p.Name]
		if (p.Unusable == "") != (want == "") || !strings.Contains(p.Unusable, want) || p.Terms == "" || p.Price.Output != 15 || p.Context == 0 {
			t.Errorf("%+v", p)
		}
	}
	if len(list) != 4 || list[0].Address != "api.anthropic.com" || list[3].Address != "models.example" {
		t.Errorf("providers %+v", list)
	}
}
