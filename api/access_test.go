package api_test

import (
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/api"
	"github.com/midwatch/midwatch/api/hook"
	"github.com/midwatch/midwatch/internal/auth"
)

var update = flag.Bool("update", false, "rewrite openapi.json")

// endpoint is one method and path of the table of routes.
type endpoint struct {
	name, method, path string
	role               auth.Role
}

var (
	parameter = regexp.MustCompile(`\{[^}]*\}`)
	roleIn    = regexp.MustCompile(`^Role: (\w+)\.$`)
)

// endpoints walks the OpenAPI document, so that a new route is in these tests without anybody thinking of it.
func endpoints(t *testing.T, in *installation) []endpoint {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]struct {
			ID          string `json:"operationId"`
			Description string `json:"description"`
		} `json:"paths"`
	}
	must(t, in.as(auth.Viewer).Do(t.Context(), http.MethodGet, "/api/v1/openapi.json", nil, &doc))
	var all []endpoint
	for path, methods := range doc.Paths {
		for method, op := range methods {
			role := roleIn.FindStringSubmatch(op.Description)
			if role == nil {
				t.Fatalf("%s says no role", op.ID)
			}
			all = append(all, endpoint{op.ID, strings.ToUpper(method), parameter.ReplaceAllString(path, "x"), auth.Role(role[1])})
		}
	}
	if len(all) < 20 {
		t.Fatalf("found only %d routes", len(all))
	}
	return all
}

func TestEveryRouteNeedsAToken(t *testing.T) {
	ui := get(url.Parse("https://127.0.0.1:1"))(t)
	in := start(t, func(c *api.Config) { c.TemporalUI = ui })
	expired := get(auth.CreateToken(t.Context(), in.db, "gone", auth.Admin))(t)
	must(t, in.db.RevokeToken(t.Context(), get(auth.Authenticate(t.Context(), in.db, expired))(t).Token))
	all := append(endpoints(t, in),
		endpoint{method: "GET", path: "/api/v1/openapi.json"}, endpoint{method: "GET", path: "/api/v1/no-such-thing"},
		endpoint{method: "GET", path: "/api/"}, endpoint{method: "POST", path: "/codec/decode"}, endpoint{method: "OPTIONS", path: "/codec/decode"},
		endpoint{method: "GET", path: "/temporal/"}, endpoint{method: "GET", path: "/temporal/api/v1/namespaces"})
	for _, e := range all {
		for _, header := range []string{"", "Bearer", "Bearer ", "Bearer mw_x_y", "Basic YTpi", "Bearer " + expired} {
			req := get(http.NewRequest(e.method, in.url+e.path, strings.NewReader("{}")))(t)
			req.Header.Set("Content-Type", "application/json")
			if header != "" {
				req.Header.Set("Authorization", header)
			}
			res := get(in.http.Do(req))(t)
			body := string(get(io.ReadAll(res.Body))(t))
			res.Body.Close()
			if res.StatusCode != http.StatusUnauthorized || strings.TrimSpace(body) != `{"status":401,"title":"Unauthorized"}` {
				t.Errorf("%s %s with %q: %d %s", e.method, e.path, header, res.StatusCode, body)
			}
		}
	}
	if !in.audited("", "authenticate", "denied") {
		t.Error("nothing audited")
	}
}

func TestTooSmallARole(t *testing.T) {
	in := start(t)
	tested := 0
	for _, e := range endpoints(t, in) {
		for _, role := range []auth.Role{auth.Reporter, auth.Viewer, auth.Operator, auth.Approver} {
			if role.Allows(e.role) {
				continue
			}
			res := in.request(e.method, e.path, role)
			tested++
			if res.StatusCode != http.StatusForbidden {
				t.Errorf("%s as %s: %d", e.name, role, res.StatusCode)
			}
			if !in.audited(string(role)+" person", e.name, "denied") {
				t.Errorf("%s as %s was not audited", e.name, role)
			}
		}
		if res := in.request(e.method, e.path, e.role); res.StatusCode == http.StatusForbidden || res.StatusCode == http.StatusUnauthorized {
			t.Errorf("%s as %s: %d", e.name, e.role, res.StatusCode)
		}
	}
	if tested < 40 {
		t.Errorf("only %d refusals tested", tested)
	}
	for _, path := range []string{"/codec/decode", "/temporal/"} {
		if res := in.request(http.MethodPost, path, auth.Reporter); res.StatusCode/100 == 2 {
			t.Errorf("%s as reporter: %d", path, res.StatusCode)
		}
	}
	if res := in.request(http.MethodPost, "/codec/decode", auth.Viewer); res.StatusCode != http.StatusForbidden {
		t.Errorf("codec as viewer: %d", res.StatusCode)
	}
	if !in.audited("viewer person", "codec", "denied") {
		t.Error("codec was not audited")
	}
}

// request sends an empty object with a token of a role; the body is closed.
func (in *installation) request(method, path string, role auth.Role) *http.Response {
	in.t.Helper()
	req := get(http.NewRequest(method, in.url+path, strings.NewReader("{}")))(in.t)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+in.token(role))
	res := get(in.http.Do(req))(in.t)
	res.Body.Close()
	return res
}

func TestOpenTo(t *testing.T) {
	in := start(t)
	res := get(in.http.Get(in.url + "/healthz"))(t)
	body := get(io.ReadAll(res.Body))(t)
	res.Body.Close()
	if res.StatusCode != http.StatusNoContent || len(body) != 0 {
		t.Errorf("healthz: %d %q", res.StatusCode, body)
	}
	for path, want := range map[string]int{"/": 200, "/investigations/inv-1": 200, "/assets/app.js": 200, "/assets/gone.js": 404, "/..%2f..%2fetc/passwd": 200} {
		res := get(in.http.Get(in.url + path))(t)
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
		if csp := res.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "http") {
			t.Errorf("%s: policy %q", path, csp)
		}
	}
}

func TestForeignHost(t *testing.T) {
	in := start(t, func(c *api.Config) { c.Hosts = []string{"midwatch.example"} })
	token := in.token(auth.Admin)
	for host, want := range map[string]int{
		"localhost": 200, "127.0.0.1:1234": 200, "[::1]:9": 200, "Midwatch.example:8443": 200,
		"evil.example": 421, "127.0.0.1.evil.example": 421, "10.0.0.1": 421, "0.0.0.0": 421,
	} {
		req := get(http.NewRequest(http.MethodGet, in.url+"/api/v1/whoami", nil))(t)
		req.Host = host
		req.Header.Set("Authorization", "Bearer "+token)
		res := get(in.http.Do(req))(t)
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("host %s: %d, want %d", host, res.StatusCode, want)
		}
	}
}

func TestBadInput(t *testing.T) {
	in := start(t)
	token := in.token(auth.Admin)
	cases := []struct {
		method, path, body string
		want               int
	}{
		{"POST", "/api/v1/investigations", `{`, 400},
		{"POST", "/api/v1/investigations", `{"question":""}`, 422},
		{"POST", "/api/v1/investigations", `{"question":"a","surprise":1}`, 422},
		{"POST", "/api/v1/investigations", `{"question":"` + strings.Repeat("a", 64<<10) + `"}`, 413},
		{"POST", "/api/v1/tokens", `{"subject":"a","role":"root"}`, 422},
		{"POST", "/api/v1/tokens", `{"subject":"a","role":"sender"}`, 422},
		{"POST", "/api/v1/tokens", `{"subject":"a","role":"viewer","expires_at":"2001-01-01T00:00:00Z"}`, 422},
		{"PUT", "/api/v1/settings", `{"retention_days":-1}`, 422},
		{"PUT", "/api/v1/settings", `{"investigation_days":3651}`, 422},
		{"PUT", "/api/v1/settings", `{"ai_enabled":true,"retention_days":9}`, 422},
		{"PUT", "/api/v1/environments/dev/ai", `{"enabled":"yes"}`, 422},
		{"GET", "/api/v1/environments/prod/ai", "", 404},
		{"PUT", "/api/v1/environments/prod/ai", `{"enabled":false}`, 404},
		{"GET", "/api/v1/ledger?state=lost", "", 422},
		{"GET", "/api/v1/ledger/nobody", "", 404},
		{"POST", "/api/v1/investigations/nobody/cancel", "", 404},
		{"GET", "/api/v1/incidents?limit=100000", "", 422},
		{"GET", "/api/v1/services?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "", 422},
		{"GET", "/api/v1/services?from=yesterday", "", 422},
		{"GET", "/api/v1/incidents/nobody", "", 404},
		{"GET", "/api/v1/investigations/a%00b", "", 422},
		{"GET", "/api/v1/fixes/..%2f..%2fx", "", 422},
		{"POST", "/api/v1/tools/no_such_tool", "{}", 404},
		{"GET", "/api/v1/no-such-thing", "", 404},
		{"DELETE", "/api/v1/incidents", "", 404},
		{"POST", "/hooks/alertmanager", `{"version":"3"}`, 422},
		{"POST", "/hooks/grafana", strings.Repeat(" ", hook.MaxBody+1), 413},
		{"POST", "/hooks/pagerduty", "{}", 404},
	}
	for _, c := range cases {
		req := get(http.NewRequest(c.method, in.url+c.path, strings.NewReader(c.body)))(t)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+token)
		res := get(in.http.Do(req))(t)
		body := get(io.ReadAll(res.Body))(t)
		res.Body.Close()
		var problem struct{ Status int }
		if err := json.Unmarshal(body, &problem); res.StatusCode != c.want || err != nil || problem.Status != c.want {
			t.Errorf("%s %s %.40s: %d %s", c.method, c.path, c.body, res.StatusCode, body)
		}
	}
}

// TestOpenAPI compares the document with the committed one, which clients are written against.
func TestOpenAPI(t *testing.T) {
	in := start(t)
	var doc any
	must(t, in.as(auth.Viewer).Do(t.Context(), http.MethodGet, "/api/v1/openapi.json", nil, &doc))
	got := string(get(json.MarshalIndent(doc, "", "  "))(t)) + "\n"
	if *update {
		must(t, os.WriteFile("openapi.json", []byte(got), 0o644))
	}
	if diff := cmp.Diff(string(get(os.ReadFile("openapi.json"))(t)), got); diff != "" {
		t.Errorf("openapi.json is stale, run go test ./api -run OpenAPI -update (-committed +served)\n%s", diff)
	}
}
