package notify_test

import (
	"context"
	"crypto/hmac"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/midwatch/midwatch/activities/notify"
	"github.com/midwatch/midwatch/workflows"
)

const key = "0123456789abcdef0123456789abcdef"

// receiver is somebody who is told, over TLS.
type receiver struct {
	*httptest.Server
	ca     string
	status int
	got    []*http.Request
	bodies [][]byte
}

func receive(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{status: http.StatusNoContent}
	r.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		r.got, r.bodies = append(r.got, req), append(r.bodies, body)
		if r.status/100 == 3 {
			w.Header().Set("Location", r.URL+"/elsewhere")
		}
		w.WriteHeader(r.status)
	}))
	t.Cleanup(r.Close)
	r.ca = file(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Certificate().Raw})), 0o644)
	return r
}

func file(t *testing.T, content string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func (r *receiver) webhook(t *testing.T) notify.Target {
	return notify.Target{Name: "on-call", Kind: notify.KindWebhook, URL: r.URL + "/hook", KeyFile: file(t, key+"\n", 0o600), CAFile: r.ca}
}

func (r *receiver) slack(t *testing.T) notify.Target {
	return notify.Target{Name: "chat", Kind: notify.KindSlack, URLFile: file(t, r.URL+"/services/T0/B0/secret", 0o600), CAFile: r.ca}
}

func notifier(t *testing.T, targets ...notify.Target) *notify.Notifier {
	t.Helper()
	n, err := notify.New(notify.Config{Page: "https://midwatch.example:18420/", Targets: targets})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func message() notify.Message {
	return notify.Message{
		Version: 1, ID: "m1", Event: workflows.ApprovalAwaited, At: time.Now().UTC(), Environment: "prod", Incident: "inc-1", Service: "catalog",
		Title: "catalog is slow", Text: "A fix awaits approval", URL: "https://midwatch.example/investigations/inv-1",
		Fix: &notify.Fix{ID: "fix-1", Target: "service/catalog", Content: "systemctl restart catalog", Needed: 1},
	}
}

func TestWebhookIsSigned(t *testing.T) {
	r := receive(t)
	if err := notifier(t, r.webhook(t)).Send(t.Context(), "on-call", message()); err != nil {
		t.Fatal(err)
	}
	req, body := r.got[0], r.bodies[0]
	seconds, err := strconv.ParseInt(req.Header.Get(notify.TimestampHeader), 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > time.Minute {
		t.Errorf("timestamp %d, %v", seconds, err)
	}
	want := notify.Sign([]byte(key), time.Unix(seconds, 0), body)
	if got := req.Header.Get(notify.SignatureHeader); !hmac.Equal([]byte(got), []byte(want)) || req.Header.Get(notify.DeliveryHeader) != "m1" {
		t.Errorf("signature %s, want %s", got, want)
	}
	for name, other := range map[string]string{
		"key": notify.Sign([]byte(key+"x"), time.Unix(seconds, 0), body), "time": notify.Sign([]byte(key), time.Unix(seconds+1, 0), body),
		"body": notify.Sign([]byte(key), time.Unix(seconds, 0), append(body, ' ')),
	} {
		if other == want {
			t.Errorf("another %s has the same signature", name)
		}
	}
	var m notify.Message
	if err := json.Unmarshal(body, &m); err != nil || m.Fix == nil || m.Fix.Content != "systemctl restart catalog" || m.Event != "approval" {
		t.Errorf("%s: %v", body, err)
	}
}

// TestDocumentedVerification runs the program of docs/notifications.md on a real delivery.
func TestDocumentedVerification(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("needs python3")
	}
	doc, err := os.ReadFile("../../docs/notifications.md")
	if err != nil {
		t.Fatal(err)
	}
	program := regexp.MustCompile("(?s)```python\n(.*?)```").FindSubmatch(doc)
	if program == nil {
		t.Fatal("docs/notifications.md has no Python program")
	}
	r := receive(t)
	if err := notifier(t, r.webhook(t)).Send(t.Context(), "on-call", message()); err != nil {
		t.Fatal(err)
	}
	run := func(key, timestamp, signature string, body []byte) string {
		cmd := exec.CommandContext(t.Context(), python, "-c", string(program[1])+`
import os, sys
print(genuine(os.environ["KEY"].encode(), os.environ["STAMP"], os.environ["SIGNATURE"], sys.stdin.buffer.read()))`)
		cmd.Env = append(os.Environ(), "KEY="+key, "STAMP="+timestamp, "SIGNATURE="+signature)
		cmd.Stdin = strings.NewReader(string(body))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return strings.TrimSpace(string(out))
	}
	stamp, signature := r.got[0].Header.Get(notify.TimestampHeader), r.got[0].Header.Get(notify.SignatureHeader)
	if got := run(key, stamp, signature, r.bodies[0]); got != "True" {
		t.Errorf("a genuine message: %s", got)
	}
	old := time.Now().Add(-time.Hour)
	for name, got := range map[string]string{
		"other key":  run(key+"x", stamp, signature, r.bodies[0]),
		"other body": run(key, stamp, signature, append(r.bodies[0], ' ')),
		"too old":    run(key, strconv.FormatInt(old.Unix(), 10), notify.Sign([]byte(key), old, r.bodies[0]), r.bodies[0]),
	} {
		if got != "False" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestAnswers(t *testing.T) {
	for status, want := range map[int]struct{ ok, again bool }{
		200: {true, false}, 202: {true, false}, 204: {true, false}, 301: {false, false}, 307: {false, false}, 400: {false, false},
		401: {false, false}, 404: {false, false}, 410: {false, false}, 408: {false, true}, 429: {false, true}, 500: {false, true}, 503: {false, true},
	} {
		r := receive(t)
		r.status = status
		err := notifier(t, r.slack(t)).Send(t.Context(), "chat", message())
		if (err == nil) != want.ok || err != nil && errors.Is(err, notify.ErrRefused) == want.again {
			t.Errorf("%d: %v", status, err)
		}
		if len(r.got) != 1 {
			t.Errorf("%d: %d requests", status, len(r.got))
		}
	}
}

// TestErrorsKeepTheAddress looks for the secret part of a Slack address in what is logged.
func TestErrorsKeepTheAddress(t *testing.T) {
	r := receive(t)
	n := notifier(t, r.slack(t))
	r.Close()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, ctx := range []context.Context{t.Context(), cancelled} {
		err := n.Send(ctx, "chat", message())
		if err == nil || errors.Is(err, notify.ErrRefused) || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "/services") {
			t.Errorf("%v", err)
		}
	}
	stranger := r.slack(t)
	stranger.CAFile = ""
	if err := notifier(t, stranger).Send(t.Context(), "chat", message()); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("an unknown authority: %v", err)
	}
}

func TestSlackSaysNothingOfItsOwn(t *testing.T) {
	r := receive(t)
	n := notifier(t, r.slack(t))
	m := message()
	hostile := "<!channel> <!here> <@U123> <#C1> <http://evil.example/x|click> http://evil.example/a.png evil.example @here *b* `c` &lt;!everyone&gt; \u202e"
	m.Text, m.Title, m.Service, m.Environment, m.Fix.Content, m.Fix.Target, m.Fix.Needed, m.Fix.Approved = hostile, hostile+"!", hostile, hostile, hostile, hostile, 2, []string{hostile}
	if err := n.Send(t.Context(), "chat", m); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Text        string
		Parse       string
		LinkNames   bool `json:"link_names"`
		UnfurlLinks bool `json:"unfurl_links"`
		UnfurlMedia bool `json:"unfurl_media"`
		Blocks      []struct {
			Type string
			Text struct {
				Type, Text string
				Verbatim   bool
			}
		}
	}
	if err := json.Unmarshal(r.bodies[0], &got); err != nil {
		t.Fatal(err)
	}
	if got.Parse != "none" || got.LinkNames || got.UnfurlLinks || got.UnfurlMedia || len(got.Blocks) != 1 || !got.Blocks[0].Text.Verbatim {
		t.Errorf("%s", r.bodies[0])
	}
	ours := "<https://midwatch.example/investigations/inv-1|Open in Midwatch>"
	text := got.Text + "\n" + got.Blocks[0].Text.Text
	if strings.Count(text, ours) != 1 {
		t.Errorf("our link is not in %s", text)
	}
	rest := strings.ReplaceAll(text, ours, "")
	for _, bad := range []string{"<", ">", "@here", "http://", "https://", "evil.example", "`c`", "\u202e"} {
		if strings.Contains(rest, bad) {
			t.Errorf("%q is in %s", bad, rest)
		}
	}
	if !strings.Contains(rest, "&amp;lt;!everyone") {
		t.Errorf("what was escaped before is not escaped again: %s", rest)
	}
}

func TestConfig(t *testing.T) {
	r := receive(t)
	good := r.webhook(t)
	for name, change := range map[string]func(*notify.Target){
		"no name":              func(x *notify.Target) { x.Name = "" },
		"unknown kind":         func(x *notify.Target) { x.Kind = "pager" },
		"plain http":           func(x *notify.Target) { x.URL = "http://hooks.example/x" },
		"plain http to a name": func(x *notify.Target) { x.URL = "http://localhost/x" },
		"a file":               func(x *notify.Target) { x.URL = "file:///etc/passwd" },
		"credentials":          func(x *notify.Target) { x.URL = "https://u:p@hooks.example/x" },
		"no address":           func(x *notify.Target) { x.URL = "" },
		"two addresses":        func(x *notify.Target) { x.URLFile = file(t, x.URL, 0o600) },
		"no key":               func(x *notify.Target) { x.KeyFile = "" },
		"short key":            func(x *notify.Target) { x.KeyFile = file(t, "short", 0o600) },
		"open key":             func(x *notify.Target) { x.KeyFile = file(t, key, 0o644) },
		"missing key":          func(x *notify.Target) { x.KeyFile = "/nonexistent/key" },
		"unknown event":        func(x *notify.Target) { x.Events = []workflows.Event{"birthday"} },
		"no authority":         func(x *notify.Target) { x.CAFile = file(t, "no PEM", 0o600) },
		"Slack in the file":    func(x *notify.Target) { x.Kind = notify.KindSlack },
		"open Slack address": func(x *notify.Target) {
			x.Kind, x.URL, x.URLFile = notify.KindSlack, "", file(t, r.URL+"/secret", 0o640)
		},
	} {
		bad := good
		change(&bad)
		if _, err := notify.New(notify.Config{Targets: []notify.Target{bad}}); err == nil || strings.Contains(err.Error(), key) || strings.Contains(err.Error(), "/secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := notify.New(notify.Config{Targets: []notify.Target{good, good}}); err == nil {
		t.Error("two of one name")
	}
	for _, page := range []string{"http://midwatch.example", "javascript:alert(1)", "https://a|b", "midwatch"} {
		if _, err := notify.New(notify.Config{Page: page}); err == nil {
			t.Errorf("page %s", page)
		}
	}
	loopback := good
	loopback.Name, loopback.URL, loopback.Events = "local", "http://127.0.0.1:1/", []workflows.Event{workflows.ApprovalOverdue}
	n := notifier(t, good, loopback)
	if got := n.Wanting(workflows.ApprovalAwaited); len(got) != 1 || len(n.Wanting(workflows.ApprovalOverdue)) != 2 {
		t.Errorf("%v", got)
	}
	if got := n.Page("inv-1"); got != "https://midwatch.example:18420/investigations/inv-1" {
		t.Error(got)
	}
}
