package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/midwatch/midwatch/api/wire"
	"github.com/midwatch/midwatch/internal/auth"
	"github.com/midwatch/midwatch/internal/investigation"
	"github.com/midwatch/midwatch/internal/privacy"
)

// nasty is what a model could write: terminal sequences, invisible and turning characters, links, images, markup.
const nasty = "a\x1b[31mb\x1b]8;;https://evil.example\x07c\u202ed\u200be\U000e0041f [x](https://evil.example) ![y](data:image/png;base64,AA) <script>g</script>"

const harmless = "abcdef [x](hxxps[:]//evil.example) ![y](data[:]image/png;base64,AA) <script>g</script>"

// told stores an investigation that a model told with pseudonyms, and returns its fix.
func (in *installation) told() investigation.Fix {
	in.t.Helper()
	ctx := in.t.Context()
	f := in.fix(func(f *investigation.Fix) {
		f.Why = "ip-7f3a9c1 is full"
		f.PullRequest = &investigation.PullRequest{Title: "ip-7f3a9c1", Body: "because of ip-7f3a9c1"}
		f.Digest = f.ContentDigest()
	})
	names := privacy.NewMap()
	must(in.t, json.Unmarshal([]byte(`{"ip-7f3a9c1":"10.1.2.3","host-0aaaaaa":"db-7.internal.example"}`), names))
	must(in.t, in.db.PutPseudonyms(ctx, "inv-1", names))
	must(in.t, in.db.PutIncident(ctx, investigation.Incident{ID: "inc-1", Environment: environment, Investigation: "inv-1", Title: "ip-7f3a9c1 is slow" + nasty}))
	arguments := json.RawMessage(`{"host":"host-0aaaaaa","n":12345678901234567890}`)
	get(in.db.PutEvidence(ctx, investigation.Evidence{
		Investigation: "inv-1", Call: "t1c1", Tool: "search_logs", Arguments: json.RawMessage(`{"host":"ip-7f3a9c1"}`), Result: json.RawMessage(`"ip-7f3a9c1"`),
	}))(in.t)
	must(in.t, in.db.PutTurn(ctx, "inv-1", investigation.Turn{
		Number: 1, Say: "look at ip-7f3a9c1, not at ip-1111111 " + nasty,
		Calls: []investigation.ToolCall{{ID: "t1c1", Tool: "search_logs", Arguments: arguments, Why: "host-0aaaaaa " + nasty}},
	}))
	must(in.t, in.db.PutReport(ctx, "inv-1", investigation.Report{
		Verdict: investigation.RootCause, Title: "host-0aaaaaa is full " + nasty, Summary: nasty, Culprit: "host/host-0aaaaaa", Analyst: "model/" + nasty,
		Chain:   []investigation.Claim{{ID: "c1", Text: nasty, Struck: nasty, Checks: []investigation.Check{{Expression: `ev["e1"] == "ip-7f3a9c1"`, Note: nasty}}}},
		Missing: []string{nasty}, RuledOut: []investigation.RuledOut{{Entity: "host/ip-7f3a9c1", Why: nasty}},
	}))
	return f
}

func TestReaderSeesWhatPseudonymsStandFor(t *testing.T) {
	in := start(t)
	fix := in.told()
	viewer, ctx := in.as(auth.Viewer), t.Context()
	d := get(viewer.Investigation(ctx, "inv-1"))(t)
	if d.Turns[0].Say != "look at 10.1.2.3, not at ip-1111111 "+harmless || d.Turns[0].Calls[0].Why != "db-7.internal.example "+harmless {
		t.Errorf("turn %+v", d.Turns[0])
	}
	if string(d.Turns[0].Calls[0].Arguments) != `{"host":"db-7.internal.example","n":12345678901234567890}` {
		t.Errorf("arguments %s", d.Turns[0].Calls[0].Arguments)
	}
	r := d.Report
	if r.Title != "db-7.internal.example is full "+harmless || r.Culprit != "host/db-7.internal.example" || r.Chain[0].Checks[0].Expression != `ev["e1"] == "10.1.2.3"` ||
		r.RuledOut[0].Entity != "host/10.1.2.3" {
		t.Errorf("report %+v", r)
	}
	if d.Incident.Title != "10.1.2.3 is slow"+harmless || d.Fixes[0].Why != "10.1.2.3 is full" {
		t.Errorf("incident %q, fix %q", d.Incident.Title, d.Fixes[0].Why)
	}
	if string(d.Evidence[0].Arguments) != `{"host":"ip-7f3a9c1"}` { // a name that is really there
		t.Errorf("evidence %s", d.Evidence[0].Arguments)
	}
	// What will leave with a pull request is shown as it will leave, and approved as it is stored.
	if p := d.Fixes[0].PullRequest; p.Title != "ip-7f3a9c1" || p.Body != "because of ip-7f3a9c1" || d.Fixes[0].Digest != fix.Digest {
		t.Errorf("pull request %+v", p)
	}
	get(in.as(auth.Approver).Approve(ctx, fix.ID, d.Fixes[0].Digest))(t)
	in.readEverywhere()
	if kept := get(in.db.Investigation(ctx, "inv-1"))(t); !strings.Contains(kept.Report.Title, "host-0aaaaaa") {
		t.Errorf("stored: %+v", kept.Report)
	}
}

// readEverywhere looks at lists, rows and events, which must say the same.
func (in *installation) readEverywhere() {
	in.t.Helper()
	viewer, ctx := in.as(auth.Viewer), in.t.Context()
	title := "db-7.internal.example is full " + harmless
	if l := get(viewer.Investigations(ctx))(in.t).Investigations[0]; l.Title != title || l.Culprit != "host/db-7.internal.example" {
		in.t.Errorf("list %+v", l)
	}
	if i := get(viewer.Incidents(ctx))(in.t).Incidents[0]; i.Title != "10.1.2.3 is slow"+harmless || i.Culprit != "host/db-7.internal.example" {
		in.t.Errorf("incidents %+v", i)
	}
	if i := get(viewer.Incident(ctx, "inc-1"))(in.t); i.Incident.Title != "10.1.2.3 is slow"+harmless || i.Investigation.Title != title || i.Fixes[0].Why != "10.1.2.3 is full" {
		in.t.Errorf("incident %+v", i)
	}
	if f := get(viewer.Fixes(ctx))(in.t).Fixes[0]; f.Why != "10.1.2.3 is full" {
		in.t.Errorf("fixes %+v", f)
	}
	if f := get(viewer.Fix(ctx, "fix-1"))(in.t); f.Why != "10.1.2.3 is full" || f.PullRequest.Title != "ip-7f3a9c1" {
		in.t.Errorf("fix %+v", f)
	}
	must(in.t, viewer.Watch(ctx, "inv-1", func(d wire.InvestigationDetail) bool {
		if d.Report.Title != title {
			in.t.Errorf("event %+v", d.Report)
		}
		return false
	}))
}

// TestPatchOfAClusterIsNotShown: people approve the difference, which hides credentials that the patch has in the clear.
func TestPatchOfAClusterIsNotShown(t *testing.T) {
	in := start(t)
	fix := in.fix(func(f *investigation.Fix) {
		f.Kind = investigation.RollbackWorkload
		f.Cluster = &investigation.ClusterChange{Name: "web", Patch: json.RawMessage(`[{"op":"replace","path":"/spec","value":"hunter2"}]`), Diff: "-a\n+b\n"}
		f.Digest = f.ContentDigest()
	})
	viewer, ctx := in.as(auth.Viewer), t.Context()
	for _, path := range []string{"/fixes", "/fixes/fix-1", "/incidents/inc-1", "/investigations/inv-1"} {
		var shown json.RawMessage
		must(t, viewer.Do(ctx, http.MethodGet, "/api/v1"+path, nil, &shown))
		if text := string(shown); !strings.Contains(text, fix.Digest) || strings.Contains(text, "hunter2") {
			t.Errorf("%s: %s", path, text)
		}
	}
	must(t, viewer.Watch(ctx, "inv-1", func(d wire.InvestigationDetail) bool {
		if d.Fixes[0].Cluster.Patch != nil {
			t.Errorf("event %s", d.Fixes[0].Cluster.Patch)
		}
		return false
	}))
	get(in.as(auth.Approver).Approve(ctx, fix.ID, fix.Digest))(t)
}

func TestModelTextIsPlain(t *testing.T) {
	in := start(t)
	in.told()
	doc := string(get(json.Marshal(get(in.as(auth.Viewer).Investigation(t.Context(), "inv-1"))(t)))(t))
	for _, bad := range []string{"https:", `\u001b`, "\u202e", "\u200b", "\U000e0041", "data:image", "host-0aaaaaa"} {
		if strings.Contains(doc, bad) {
			t.Errorf("%q reaches the reader: %s", bad, doc)
		}
	}
}
