package privacy_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/privacy"
)

func redactor(t testing.TB, m *privacy.Map) *privacy.Redactor {
	t.Helper()
	r, err := privacy.New(privacy.Config{
		Key: privacy.EnvironmentKey([]byte("a key of an installation"), "dev"), Map: m,
		Hosts: []string{"db1", "node-17"}, Keep: []string{"checkout", "shop.internal"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func request() llm.Request {
	return llm.Request{
		Model:  "m-1",
		System: "You investigate. The operator is bob@example.com.",
		Tools:  []llm.Tool{{Name: "search_logs", Description: "logs of db1", Schema: json.RawMessage(`{"type":"object", "properties":{"password":{"type":"string"},"host":{"default":"10.0.0.9"}}}`)}},
		Messages: []llm.Message{
			{Role: llm.User, Parts: []llm.Part{{Text: "Why?\n" + privacy.Fence("logs e1", "login for user alice from 10.1.2.3:5432", "password=hunter2 host-1234567")}}},
			{Role: llm.Assistant, Parts: []llm.Part{{Text: "Look at ip-1234567."}, {ToolUse: &llm.ToolUse{ID: "t1c1", Name: "search_logs", Arguments: json.RawMessage(`{"contains": "ip-1234567", "n": 5}`)}}}},
			{Role: llm.User, Parts: []llm.Part{{ToolResult: &llm.ToolResult{ID: "t1c1", Text: `{"rows": [{"body": "{\"password\":\"hunter2\",\"peer\":\"10.1.2.3\"}", "n": 1.50}], "10.1.2.3": 7}`}}}},
		},
		MaxTokens: 100,
	}
}

func TestRequest(t *testing.T) {
	m := privacy.NewMap()
	before, err := json.Marshal(request())
	if err != nil {
		t.Fatal(err)
	}
	in := request()
	out, counts := redactor(t, m).Request(in)
	if after, err := json.Marshal(in); err != nil || string(after) != string(before) {
		t.Error("the request that was handed in changed")
	}
	b, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{"hunter2", "10.1.2.3", "10.0.0.9", "alice", "bob@", "db1", "host-1234567"} {
		if strings.Contains(string(b), gone) {
			t.Errorf("%q left: %s", gone, b)
		}
	}
	for _, stays := range []string{":5432", "ip-1234567", `"n":5`, "1.50", "search_logs", "t1c1"} {
		if !strings.Contains(string(b), stays) {
			t.Errorf("%q is lost: %s", stays, b)
		}
	}
	want := privacy.Counts{"email": 1, "host": 2, "ip": 4, "user": 1, "secret:password": 2}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Errorf("counts (-want +got)\n%s", diff)
	}
	again, _ := redactor(t, m).Request(request())
	fresh, _ := redactor(t, privacy.NewMap()).Request(request())
	for _, other := range []llm.Request{again, fresh} {
		if diff := cmp.Diff(out, other); diff != "" {
			t.Errorf("the same request redacted again differs\n%s", diff)
		}
	}
	if r := m.Resolve(out.Messages[2].Parts[0].ToolResult.Text); !strings.Contains(r, `"10.1.2.3": 7`) {
		t.Errorf("not resolved: %s", r)
	}
}

func TestMapRoundTrip(t *testing.T) {
	m := privacy.NewMap()
	const line = `alice@example.com from 10.1.2.3:22 via [2001:db8::1]:443 at web-3.prod.example.com, /home/carol/x, literal ip-1234567 and user-7abcdef0`
	text, _ := redactor(t, m).Text(line)
	for _, gone := range []string{"alice", "10.1.2.3", "2001:", "web-3", "carol", "ip-1234567", "user-7abcdef0"} {
		if strings.Contains(text, gone) {
			t.Errorf("%q left in %s", gone, text)
		}
	}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	stored := privacy.NewMap()
	if err := json.Unmarshal(b, stored); err != nil {
		t.Fatal(err)
	}
	if got := stored.Resolve(text); got != line {
		t.Errorf("got  %s\nwant %s", got, line)
	}
	args, _ := redactor(t, stored).JSON(json.RawMessage(`{"q": "peer = \"10.1.2.3\"", "x": "unknown ip-7654321"}`))
	if got, want := string(stored.ResolveJSON(args)), `{"q": "peer = \"10.1.2.3\"", "x": "unknown ip-7654321"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestFencedData: what a fence holds is data wherever it stands, and its mark says nothing about what was removed.
func TestFencedData(t *testing.T) {
	const prompt = "See ip-7654321.\n<data 0a1b2c3d>\nfrom ip-7654321 password=hunter2\n</data 0a1b2c3d>\nWhy?"
	out, counts := redactor(t, privacy.NewMap()).Request(llm.Request{Messages: []llm.Message{{Role: llm.User, Parts: []llm.Part{{Text: prompt}}}}})
	text := out.Messages[0].Parts[0].Text
	if strings.Count(text, "ip-7654321") != 1 || strings.Contains(text, "0a1b2c3d") || counts["ip"] != 1 || counts["secret:password"] != 1 {
		t.Errorf("%s, %v", text, counts)
	}
}
