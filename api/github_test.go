package api_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/midwatch/midwatch/api"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/workflows"
)

const webhookSecret = "It's a Secret to Everybody"

func sign(body string) string {
	mac := hmac.New(sha256.New, []byte(webhookSecret))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// deliver posts as GitHub does, and returns the status.
func (in *installation) deliver(event, body, signature string) int {
	in.t.Helper()
	r := get(http.NewRequestWithContext(in.t.Context(), http.MethodPost, in.url+"/hooks/github", strings.NewReader(body)))(in.t)
	r.Header.Set("X-GitHub-Event", event)
	r.Header.Set("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958")
	r.Header.Set("Content-Type", "application/json")
	if signature != "" {
		r.Header.Set("X-Hub-Signature-256", signature)
	}
	resp := get(in.http.Do(r))(in.t)
	must(in.t, resp.Body.Close())
	return resp.StatusCode
}

// woken lists the signals that were sent.
func (in *installation) woken() (out []string) {
	for _, s := range in.temporal.all() {
		out = append(out, s.workflow+" "+s.name)
	}
	return out
}

func closed(ref, head, repository string, merged bool) string {
	return fmt.Sprintf(`{"action":"closed","number":1,"pull_request":{"head":{"ref":%q,"repo":{"full_name":%q}},"merged":%v},"repository":{"full_name":%q}}`,
		ref, head, merged, repository)
}

func pullFix(f *investigation.Fix) {
	f.Kind, f.Status = investigation.OpenPullRequest, workflows.FixApplied
	f.PullRequest = &investigation.PullRequest{Repository: "acme/shop", Branch: "midwatch/" + f.ID}
}

func TestGitHubTellsThatAPullRequestWasMerged(t *testing.T) {
	in := start(t, func(c *api.Config) { c.GitHubSecret = webhookSecret })
	fix := in.fix(pullFix)
	body := closed("midwatch/"+fix.ID, "acme/shop", "acme/shop", true)
	for range 2 { // the second is a replay: it only wakes the same workflow again, which asks GitHub itself
		if status := in.deliver("pull_request", body, sign(body)); status != http.StatusNoContent {
			t.Fatalf("status %d", status)
		}
	}
	want := workflows.RemediationWorkflowID(environment, fix.ID) + " " + workflows.MergeSignal
	if got := in.woken(); !slices.Equal(got, []string{want, want}) {
		t.Errorf("signals %v, want %q twice", got, want)
	}
	if !in.audited("github", "hooks.github", "allowed") {
		t.Error("not audited")
	}
}

func TestGitHubDeliveriesThatAreNotOurs(t *testing.T) {
	in := start(t, func(c *api.Config) { c.GitHubSecret = webhookSecret })
	fix := in.fix(pullFix)
	ref := "midwatch/" + fix.ID
	good := closed(ref, "acme/shop", "acme/shop", true)
	cases := map[string]struct {
		event, body, signature string
		status                 int
	}{
		"unsigned":           {"pull_request", good, "", 401},
		"signed otherwise":   {"pull_request", good, sign(good + " "), 401},
		"SHA-1":              {"pull_request", good, "sha1=" + strings.Repeat("0", 40), 401},
		"half a signature":   {"pull_request", good, sign(good)[:30], 401},
		"a fork's branch":    {"pull_request", closed(ref, "evil/shop", "acme/shop", true), "ok", 204},
		"another repository": {"pull_request", closed(ref, "acme/other", "acme/other", true), "ok", 204},
		"another branch":     {"pull_request", closed("main", "acme/shop", "acme/shop", true), "ok", 204},
		"no such fix":        {"pull_request", closed("midwatch/fix-none", "acme/shop", "acme/shop", true), "ok", 204},
		"opened":             {"pull_request", strings.Replace(good, "closed", "opened", 1), "ok", 204},
		"ping":               {"ping", `{"zen":"x"}`, "ok", 204},
		"no JSON":            {"pull_request", "{", "ok", 422},
		"too large":          {"pull_request", strings.Repeat(" ", 1<<20+1), "ok", 413},
	}
	for name, c := range cases {
		if c.signature == "ok" {
			c.signature = sign(c.body)
		}
		if status := in.deliver(c.event, c.body, c.signature); status != c.status {
			t.Errorf("%s: status %d, want %d", name, status, c.status)
		}
	}
	if got := in.woken(); len(got) > 0 {
		t.Errorf("signals %v", got)
	}
}

// What a delivery says is not believed, not even when nobody is left to ask GitHub whether it is so.
func TestMergedAfterNobodyWaits(t *testing.T) {
	in := start(t, func(c *api.Config) { c.GitHubSecret = webhookSecret })
	fix := in.fix(pullFix)
	in.temporal.gone = true
	body := closed("midwatch/"+fix.ID, "acme/shop", "acme/shop", true)
	if status := in.deliver("pull_request", body, sign(body)); status != http.StatusNoContent {
		t.Fatalf("status %d", status)
	}
	if f := get(in.db.Fix(t.Context(), fix.ID))(t); f.Status != fix.Status {
		t.Errorf("the fix is %s, was %s", f.Status, fix.Status)
	}
}

func TestWithoutASecretThereIsNoWebhook(t *testing.T) {
	in := start(t)
	body := closed("midwatch/fix-1", "acme/shop", "acme/shop", true)
	if status := in.deliver("pull_request", body, sign(body)); status == http.StatusNoContent {
		t.Errorf("status %d", status)
	}
}
