package workers_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"

	"github.com/midwatch/midwatch/activities"
	"github.com/midwatch/midwatch/activities/notify"
	"github.com/midwatch/midwatch/internal/code/github/githubtest"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/metadata"
	"github.com/midwatch/midwatch/workflows"
)

// page is the address of the web UI, the one link that may leave.
const page = "https://midwatch.example"

// outside is whom a trial's notifications reach: a webhook and a Slack.
type outside struct {
	notifier *notify.Notifier
	mu       sync.Mutex
	bodies   map[string][]string // kind of target → what it got
}

func newOutside(t *testing.T) *outside {
	t.Helper()
	o := &outside{bodies: map[string][]string{}}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		o.mu.Lock()
		defer o.mu.Unlock()
		kind := strings.TrimPrefix(r.URL.Path, "/")
		o.bodies[kind] = append(o.bodies[kind], string(body))
	}))
	t.Cleanup(server.Close)
	secret := func(name, text string) string {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	var err error
	o.notifier, err = notify.New(notify.Config{Page: page, Targets: []notify.Target{
		{Name: "on-call", Kind: notify.KindWebhook, URL: server.URL + "/webhook", KeyFile: secret("key", strings.Repeat("k", 32))},
		{Name: "chat", Kind: notify.KindSlack, URLFile: secret("url", server.URL+"/slack")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *outside) got(kind string) []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.bodies[kind])
}

// texts are what people read of the messages so far, by kind of target, without the one link that is ours.
func (o *outside) texts(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, body := range o.got(notify.KindWebhook) {
		var m notify.Message
		if err := json.Unmarshal([]byte(body), &m); err != nil || !strings.HasPrefix(m.URL, page+"/investigations/inv-") {
			t.Errorf("%v: %s", err, body)
		}
		texts := []string{m.Title, m.Text, m.Service}
		if m.Fix != nil {
			texts = append(texts, m.Fix.Action, m.Fix.Target, m.Fix.Content)
		}
		all[notify.KindWebhook] = append(all[notify.KindWebhook], texts...)
	}
	for _, body := range o.got(notify.KindSlack) {
		var m struct {
			Text, Parse string
			Blocks      []struct{ Text struct{ Text string } }
			LinkNames   bool `json:"link_names"`
			UnfurlLinks bool `json:"unfurl_links"`
			UnfurlMedia bool `json:"unfurl_media"`
			Unknown     any  `json:"attachments"`
		}
		if err := json.Unmarshal([]byte(body), &m); err != nil || m.Parse != "none" || m.LinkNames || m.UnfurlLinks || m.UnfurlMedia || len(m.Blocks) != 1 || m.Unknown != nil {
			t.Errorf("%v: %s", err, body)
			continue
		}
		block, ours, _ := strings.Cut(m.Blocks[0].Text.Text, "\n<"+page)
		if !strings.HasSuffix(ours, "|Open in Midwatch>") {
			t.Errorf("no link to the page: %s", body)
		}
		all[notify.KindSlack] = append(all[notify.KindSlack], m.Text+"\n"+block)
	}
	return all
}

// published is the pull request that leaves if a report's fix is a change of code, and tells people of it, as well. Where its culprit is a service
// whose code nobody knows there can be none; then it is that of the same report about payment.
func (tr *trial) published(inv metadata.Investigation) githubtest.Pull {
	tr.t.Helper()
	h := newCodeHost(tr.t)
	report := *inv.Report
	why := report.Summary
	if report.Fix != nil {
		why = report.Fix.Why
	}
	report.Fix = &investigation.FixDraft{Action: string(investigation.OpenPullRequest), Why: why, Code: &investigation.CodeChange{
		Repository: shopRepository, Commit: h.commit, Service: "payment", Title: report.Title,
		Edits: []investigation.CodeEdit{{Path: poolFile, Old: "Pool = 2", New: "Pool = 20"}},
	}}
	if report.Culprit.Kind() == "service" {
		report.Culprit = "service/payment"
	}
	fix := tr.prepared(h, inv, report)
	if _, err := h.writer.Publish(tr.t.Context(), *fix.PullRequest); err != nil {
		tr.t.Fatal(err)
	}
	tr.announced(fix)
	return h.repository.Pulls()[0]
}

// prepared has a report's change of code made exact, in an investigation that read that code and is else like another.
func (tr *trial) prepared(h *codeHost, like metadata.Investigation, report investigation.Report) investigation.Fix {
	tr.t.Helper()
	ctx, request := tr.t.Context(), like.Request
	request.ID, request.Incident = "inv-published", "inc-published"
	names, err := tr.db.Pseudonyms(ctx, like.Request.ID)
	must := func(err error) {
		if err != nil {
			tr.t.Fatal(err)
		}
	}
	must(err)
	must(tr.db.CreateInvestigation(ctx, request))
	must(tr.db.PutPseudonyms(ctx, request.ID, names))
	must(tr.db.PutReport(ctx, request.ID, report))
	must(tr.db.PutIncident(ctx, investigation.Incident{
		ID: request.Incident, Environment: environment, Investigation: request.ID, Service: "payment", Title: report.Title, Triggers: request.Triggers,
	}))
	for call, e := range map[string]investigation.Evidence{
		"t1c1": {Tool: "read_file", DataTypes: []investigation.DataType{investigation.Code}, Result: json.RawMessage(`{"repository":"` + shopRepository + `","commit":"` + h.commit + `"}`)},
		"t1c2": {Tool: "deployed_code", Result: json.RawMessage(`{"service":"payment","repository":"` + shopRepository + `"}`)},
	} {
		e.Investigation, e.Call = request.ID, call
		_, err := tr.db.PutEvidence(ctx, e)
		must(err)
	}
	pulls := &activities.PullRequests{DB: tr.db, Host: h.reader, Watcher: h.reader, Key: []byte("a key of tests, for tests alone.")}
	var ref workflows.FixRef
	value, err := tr.activity(workflows.PreparePullRequestActivity, pulls.Prepare, request.ID)
	must(err)
	must(value.Get(&ref))
	if ref.Invalid != "" {
		tr.t.Fatalf("no pull request: %s", ref.Invalid)
	}
	fix, err := tr.db.Fix(ctx, ref.ID)
	must(err)
	return fix
}

// announced tells people that a fix awaits approval.
func (tr *trial) announced(fix investigation.Fix) {
	tr.t.Helper()
	n := &activities.Notify{DB: tr.db, To: tr.out.notifier, Key: []byte("a key of tests, for tests alone."), Log: slog.New(slog.DiscardHandler)}
	_, err := tr.activity(workflows.AnnounceActivity, n.Announce, workflows.Announcement{
		Incident: fix.Incident, Event: workflows.ApprovalAwaited, Fix: fix.ID, Line: "A fix awaits approval: " + fix.Content,
	})
	if err != nil {
		tr.t.Fatal(err)
	}
}

// activity runs one activity.
func (tr *trial) activity(name string, f, input any) (converter.EncodedValue, error) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
	return env.ExecuteActivity(name, input)
}
