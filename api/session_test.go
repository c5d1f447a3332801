package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/midwatch/midwatch/api"
	"github.com/midwatch/midwatch/internal/auth"
)

// signIn posts a token and returns the answer, body closed.
func (in *installation) signIn(token string, headers map[string]string) *http.Response {
	in.t.Helper()
	return in.send(http.MethodPost, "/api/v1/session", `{"token":"`+token+`"}`, headers)
}

func (in *installation) send(method, path, body string, headers map[string]string) *http.Response {
	in.t.Helper()
	req := get(http.NewRequest(method, in.url+path, strings.NewReader(body)))(in.t)
	req.Header.Set("Content-Type", "application/json")
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	res := get(in.http.Do(req))(in.t)
	res.Body.Close()
	return res
}

func TestSession(t *testing.T) {
	in := start(t)
	token := in.token(auth.Admin)
	res := in.signIn(token, nil)
	if res.StatusCode != http.StatusNoContent || len(res.Cookies()) != 1 {
		t.Fatalf("sign in: %d, %v", res.StatusCode, res.Cookies())
	}
	c := res.Cookies()[0]
	if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || !strings.HasPrefix(c.Name, "__Host-") {
		t.Errorf("cookie %v", c)
	}
	if c.Value == token {
		t.Error("the cookie is the token itself")
	}
	cookie := map[string]string{"Cookie": c.Name + "=" + c.Value}
	if res := in.send(http.MethodGet, "/api/v1/whoami", "", cookie); res.StatusCode != http.StatusOK {
		t.Errorf("with cookie: %d", res.StatusCode)
	}
	if res := in.send(http.MethodDelete, "/api/v1/session", "", cookie); res.StatusCode != http.StatusNoContent {
		t.Errorf("sign out: %d", res.StatusCode)
	}
	if res := in.send(http.MethodGet, "/api/v1/whoami", "", cookie); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("after signing out: %d", res.StatusCode)
	}
	if res := in.signIn(c.Value, nil); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("signed in with a session: %d", res.StatusCode)
	}
	if res := in.signIn("mw_wrong_token", nil); res.StatusCode != http.StatusUnauthorized || len(res.Cookies()) != 0 {
		t.Errorf("wrong token: %d", res.StatusCode)
	}
	for _, outcome := range [][3]string{{"admin person", "session.open", "allowed"}, {"admin person", "session.close", "allowed"}, {"", "session.open", "denied"}} {
		if !in.audited(outcome[0], outcome[1], outcome[2]) {
			t.Errorf("not audited: %v", outcome)
		}
	}
}

// A person who opens a page of the Temporal UI signed out is led to the page to sign in at, and from there back.
func TestSignedOutPage(t *testing.T) {
	ui := get(url.Parse("https://127.0.0.1:1"))(t)
	in := start(t, func(c *api.Config) { c.TemporalUI = ui })
	in.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	browser := map[string]string{"Accept": "text/html,application/xhtml+xml"}
	res := in.send(http.MethodGet, "/temporal/namespaces/midwatch?a=b&c=d", "", browser)
	if at := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || at != "/sign-in?next=%2Ftemporal%2Fnamespaces%2Fmidwatch%3Fa%3Db%26c%3Dd" {
		t.Errorf("%d to %q", res.StatusCode, at)
	}
	if res := in.send(http.MethodGet, "/api/v1/whoami", "", browser); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("the api: %d", res.StatusCode)
	}
}

// TestForeignSite sends what a browser sends for pages of other sites.
func TestForeignSite(t *testing.T) {
	in := start(t)
	c := in.signIn(in.token(auth.Admin), nil).Cookies()[0]
	for name, headers := range map[string]map[string]string{
		"cross-site":     {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
		"same-site":      {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:3000"},
		"old browser":    {"Origin": "https://evil.example"},
		"sandboxed page": {"Origin": "null"},
	} {
		headers["Cookie"] = c.Name + "=" + c.Value
		if res := in.send(http.MethodPost, "/api/v1/tokens", `{"subject":"x","role":"admin"}`, headers); res.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
	}
	if n := len(get(in.db.ListTokens(t.Context()))(t)); n != 1 {
		t.Errorf("%d tokens", n)
	}
	own := map[string]string{"Cookie": c.Name + "=" + c.Value, "Sec-Fetch-Site": "same-origin", "Origin": in.url}
	if res := in.send(http.MethodPost, "/api/v1/tokens", `{"subject":"x","role":"admin"}`, own); res.StatusCode != http.StatusCreated {
		t.Errorf("our own page: %d", res.StatusCode)
	}
}
