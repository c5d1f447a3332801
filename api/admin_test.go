package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/midwatch/midwatch/api"
	"github.com/midwatch/midwatch/api/client"
	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/metadata/metadatatest"
	"github.com/midwatch/midwatch/internal/seal/codec"
)

func TestTokens(t *testing.T) {
	in := start(t)
	admin, ctx := in.as(auth.Admin), t.Context()
	made := get(admin.CreateToken(ctx, wire.NewToken{Subject: "ci", Role: "operator"}))(t)
	ci := client.New(in.url, in.trust, made.Text)
	if me := get(ci.Whoami(ctx))(t); me.Subject != "ci" || me.Role != "operator" || me.Environment != environment {
		t.Errorf("whoami %+v", me)
	}
	var refused *client.Error
	if _, err := admin.CreateToken(ctx, wire.NewToken{Subject: "ci", Role: "operator", Namespaces: []string{"shop"}}); !errors.As(err, &refused) || refused.Status != http.StatusUnprocessableEntity {
		t.Errorf("a limit that nothing enforces: %v", err)
	}
	listed := string(get(json.Marshal(get(admin.Tokens(ctx))(t)))(t))
	if !strings.Contains(listed, made.ID) || strings.Contains(listed, made.Text) || strings.Contains(listed, "hash") {
		t.Errorf("tokens %s", listed)
	}
	must(t, admin.RevokeToken(ctx, made.ID))
	if _, err := ci.Whoami(ctx); !errors.Is(err, client.ErrUnauthenticated) {
		t.Errorf("revoked: %v", err)
	}
	if err := admin.RevokeToken(ctx, "nobody"); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("revoke nobody: %v", err)
	}
	log := get(admin.Audit(ctx))(t)
	if text := string(get(json.Marshal(log))(t)); !strings.Contains(text, "tokens.create") || !strings.Contains(text, "tokens.revoke") || strings.Contains(text, made.Text) {
		t.Errorf("audit log %s", text)
	}
}

func TestSettings(t *testing.T) {
	in := start(t)
	admin, ctx := in.as(auth.Admin), t.Context()
	if s := get(admin.Settings(ctx))(t); s.AIActive || !strings.Contains(s.AIInactive, "provider") || s.RetentionDays != 30 {
		t.Errorf("settings %+v", s)
	}
	if s := get(admin.PutSettings(ctx, wire.PutSettings{RetentionDays: 7}))(t); s.RetentionDays != 7 {
		t.Errorf("settings %+v", s)
	}
	if s := get(admin.PutSettings(ctx, wire.PutSettings{LedgerDays: 30, InvestigationDays: 60}))(t); s.LedgerDays != 30 || s.InvestigationDays != 60 {
		t.Errorf("settings %+v", s)
	}
	if _, err := admin.PutSettings(ctx, wire.PutSettings{LedgerDays: 61}); err == nil || !strings.Contains(err.Error(), "60 days") {
		t.Errorf("investigations younger than their calls: %v", err)
	}
	if s := get(in.db.Settings(ctx))(t); s.RetentionDays != 7 || s.LedgerDays != 30 || s.InvestigationDays != 60 {
		t.Errorf("kept %+v", s)
	}
}

// TestCodec opens a payload as the Temporal UI would.
func TestCodec(t *testing.T) {
	ring := metadatatest.Ring(t)
	in := start(t, func(c *api.Config) { c.Codec = codec.Handler(ring) })
	sealed := get(codec.New(ring).Encode([]*commonpb.Payload{{Data: []byte(`"plain"`)}}))(t)
	body := get(protojson.Marshal(&commonpb.Payloads{Payloads: sealed}))(t)
	req := get(http.NewRequest(http.MethodPost, in.url+"/codec/decode", bytes.NewReader(body)))(t)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+in.token(auth.Operator))
	res := get(in.http.Do(req))(t)
	defer res.Body.Close()
	var answer bytes.Buffer
	get(answer.ReadFrom(res.Body))(t)
	var opened commonpb.Payloads
	must(t, protojson.Unmarshal(answer.Bytes(), &opened))
	if len(opened.Payloads) != 1 || string(opened.Payloads[0].Data) != `"plain"` {
		t.Errorf("%d %s", res.StatusCode, answer.String())
	}
	if !in.audited("operator person", "codec", "allowed") {
		t.Error("not audited")
	}
}

// TestTemporalUI has another server in the place of the Temporal UI and looks at what reaches it.
func TestTemporalUI(t *testing.T) {
	var reached *http.Request
	ui := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached = r
		http.SetCookie(w, &http.Cookie{Name: "theirs", Value: "1"})
	}))
	defer ui.Close()
	address := get(url.Parse(ui.URL))(t)
	in := start(t, func(c *api.Config) {
		c.TemporalUI, c.TemporalTLS = address, ui.Client().Transport.(*http.Transport).TLSClientConfig
	})
	if me := get(in.as(auth.Viewer).Whoami(t.Context()))(t); me.TemporalUI != "/temporal/" {
		t.Errorf("whoami %+v", me)
	}
	headers := map[string]string{"Authorization": "Bearer " + in.token(auth.Viewer), "Cookie": "ours=1"}
	res := in.send(http.MethodGet, "/temporal/namespaces/midwatch", "", headers)
	if res.StatusCode != http.StatusOK || len(res.Cookies()) != 0 || reached.URL.Path != "/temporal/namespaces/midwatch" {
		t.Errorf("%d, cookies %v, path %s", res.StatusCode, res.Cookies(), reached.URL.Path)
	}
	if reached.Header.Get("Authorization") != "" || reached.Header.Get("Cookie") != "" {
		t.Errorf("our credentials reached the Temporal UI: %v", reached.Header)
	}
	if res := in.send(http.MethodPost, "/temporal/api/v1/namespaces", "{}", headers); res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("a write: %d", res.StatusCode)
	}
}
