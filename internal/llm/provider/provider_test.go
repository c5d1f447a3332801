package provider_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/llmtest"
	"github.com/midwatch/midwatch/internal/llm/provider"
)

var kinds = []string{llm.KindAnthropic, llm.KindBedrock, llm.KindOpenAI}

// each runs a test against the three vendors' SDKs.
func each(t *testing.T, test func(t *testing.T, kind string)) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) { test(t, kind) })
	}
}

// scripted is a provider and the server it asks.
func scripted(t *testing.T, kind string, s llmtest.Script) (llm.Provider, *llmtest.Server, llm.ProviderConfig) {
	t.Helper()
	server, err := llmtest.Listen(kind, "127.0.0.1:0", s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	cfg, err := server.Entry(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p, err := provider.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p, server, cfg
}

func ask(cfg llm.ProviderConfig) llm.Request {
	return llm.Request{
		Model:     cfg.Model,
		System:    "You keep watch.",
		MaxTokens: 300,
		Tools: []llm.Tool{{
			Name: "errors", Description: "Errors of a service",
			Schema: json.RawMessage(`{"type":"object","properties":{"service":{"type":"string"},"from":{"type":"integer","minimum":1763784427000000000}},"required":["service"]}`),
		}},
		Messages: []llm.Message{{Role: llm.User, Parts: []llm.Part{{Text: "What broke? <b>&\u2028"}}}},
	}
}

func TestPlainAnswer(t *testing.T) {
	each(t, func(t *testing.T, kind string) {
		text := strings.Repeat("Die Bestellung schlägt fehl: кеш пуст. ", 40)
		p, server, cfg := scripted(t, kind, llmtest.Sequence(llmtest.Answer{Text: text, Usage: llm.Usage{Input: 11, Output: 7, CacheRead: 900, CacheWrite: 40}}))
		request := ask(cfg)
		got, err := p.Complete(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		want := llm.Response{
			Model:   cfg.Model,
			Message: llm.Message{Role: llm.Assistant, Parts: []llm.Part{{Text: text}}},
			Stop:    llm.StopEnd,
			Usage:   llm.Usage{Input: 11, Output: 7, CacheRead: 900, CacheWrite: 40},
			Request: "req_1",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("answer (-want +got):\n%s", diff)
		}
		call := server.Calls()[0]
		if diff := cmp.Diff(plain(t, request), plain(t, call.Request)); diff != "" {
			t.Errorf("request at the server (-want +got):\n%s", diff)
		}
		if kind != llm.KindOpenAI && !cmp.Equal(call.Cached, []string{"system", "tools", "messages"}) {
			t.Errorf("cache points at %v, want system, tools and messages", call.Cached)
		}
		if kind == llm.KindOpenAI && !strings.Contains(string(call.Body), `"store":false`) {
			t.Errorf("the call may be stored at the vendor: %s", call.Body)
		}
	})
}

// plain is a request as JSON with its keys in order: documents lose the order of theirs.
func plain(t *testing.T, r llm.Request) string {
	t.Helper()
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		t.Fatal(err)
	}
	raw, err = json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestToolsRoundTrip(t *testing.T) {
	each(t, func(t *testing.T, kind string) {
		p, server, cfg := scripted(t, kind, llmtest.Sequence(
			llmtest.Answer{Text: "I look.", Tools: []llmtest.ToolCall{
				{ID: "a", Name: "errors", Arguments: `{"service":"orders","from":1763784427000000001}`},
				{ID: "b", Name: "errors", Arguments: `{"service":"payment"}`},
				{ID: "c", Name: "errors", Arguments: ""},
				{ID: "d", Name: "errors", Arguments: `{"service":"pay`},
			}},
			llmtest.Say("Orders lost its cache."),
		))
		request := ask(cfg)
		first, err := p.Complete(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		asked := []llm.Part{
			{Text: "I look."},
			{ToolUse: &llm.ToolUse{ID: "a", Name: "errors", Arguments: json.RawMessage(`{"service":"orders","from":1763784427000000001}`)}},
			{ToolUse: &llm.ToolUse{ID: "b", Name: "errors", Arguments: json.RawMessage(`{"service":"payment"}`)}},
			{ToolUse: &llm.ToolUse{ID: "c", Name: "errors", Arguments: json.RawMessage(`{}`)}},
			{ToolUse: &llm.ToolUse{ID: "d", Name: "errors", Arguments: json.RawMessage(`"{\"service\":\"pay"`)}},
		}
		if diff := cmp.Diff(asked, first.Message.Parts); diff != "" || first.Stop != llm.StopTools {
			t.Fatalf("stop %s, parts (-want +got):\n%s", first.Stop, diff)
		}
		results := []llm.Part{
			{Text: "Go on."}, // behind the results on the wire
			{ToolResult: &llm.ToolResult{ID: "a", Text: "412 errors"}},
			{ToolResult: &llm.ToolResult{ID: "b", Text: ""}},
			{ToolResult: &llm.ToolResult{ID: "c", Text: "service is missing", Error: true}},
			{ToolResult: &llm.ToolResult{ID: "d", Text: "no JSON", Error: true}},
		}
		request.Messages = append(request.Messages, first.Message, llm.Message{Role: llm.User, Parts: results})
		if _, err := p.Complete(t.Context(), request); err != nil {
			t.Fatal(err)
		}
		got := server.Calls()[1].Request.Messages
		if len(got) != 3 || len(got[2].Parts) != 5 || got[2].Parts[4].Text != "Go on." || got[2].Parts[0].ToolResult.Text != "412 errors" {
			t.Fatalf("conversation at the server: %s", plain(t, llm.Request{Messages: got}))
		}
		if said := string(got[1].Parts[1].ToolUse.Arguments); !strings.Contains(said, "1763784427000000001") {
			t.Errorf("arguments came back as %s", said)
		}
		if r := got[2].Parts[2].ToolResult; !r.Error && !strings.HasPrefix(r.Text, "error: ") {
			t.Errorf("an error is not told as one: %+v", r)
		}
		if said := string(got[1].Parts[4].ToolUse.Arguments); !strings.Contains(said, "pay") {
			t.Errorf("what the model wrote is lost: %s", said)
		}
		request.Tools = nil // the last turn: the vendors refuse calls where no tool is declared
		if _, err := p.Complete(t.Context(), request); err != nil {
			t.Fatal(err)
		}
		if last := plain(t, server.Calls()[2].Request); !strings.Contains(last, "412 errors") || strings.Contains(last, "tool_use") {
			t.Errorf("without tools the server got %s", last)
		}
	})
}

func TestFaults(t *testing.T) {
	long := strings.Repeat("a word ", 50)
	cases := []struct {
		name    string
		answer  llmtest.Answer
		kind    llm.Kind
		waits   time.Duration
		refused int // by the server, before the script
	}{
		{name: "throttled", answer: llmtest.Throttle(7 * time.Second), kind: llm.Throttled, waits: 7 * time.Second},
		{name: "overloaded", answer: llmtest.Overload(), kind: llm.Overloaded},
		{name: "gateway's page", answer: llmtest.Answer{Failure: &llmtest.Failure{Status: 502, Body: "<html>bad gateway</html>"}}, kind: llm.Overloaded},
		{name: "denied", answer: llmtest.Deny(), kind: llm.Denied},
		{name: "too long", answer: llmtest.TooLong(), kind: llm.Invalid},
		{name: "cut", answer: llmtest.Answer{Text: long, Cut: true}, kind: llm.Unreachable},
		{name: "overloaded in the stream", answer: llmtest.Answer{Text: long, Failure: &llmtest.Failure{Kind: llm.Overloaded, InStream: true}}, kind: llm.Overloaded},
		{name: "redirect", answer: llmtest.Answer{Redirect: "http://127.0.0.1:1/elsewhere"}, kind: llm.Malformed},
		{name: "nonsense", answer: llmtest.Answer{Raw: []byte("event: message_start\ndata: {\"type\":\n\ndata: {\"id\":[}\n\n" + long)}, kind: llm.Malformed},
	}
	each(t, func(t *testing.T, kind string) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				p, server, cfg := scripted(t, kind, llmtest.Sequence(c.answer))
				_, err := p.Complete(t.Context(), ask(cfg))
				var e *llm.Error
				if !errors.As(err, &e) || e.Kind != c.kind || e.RetryAfter != c.waits || e.Provider != cfg.Name {
					t.Fatalf("got %v (%+v), want kind %s, wait %s", err, e, c.kind, c.waits)
				}
				if server.Count() != 1 {
					t.Errorf("%d calls reached the server, want exactly one: nothing may repeat by itself", server.Count())
				}
				t.Log(err)
			})
		}
	})
}

func TestRefusal(t *testing.T) {
	each(t, func(t *testing.T, kind string) {
		p, _, cfg := scripted(t, kind, llmtest.Sequence(llmtest.Refuse("I would rather not."), llmtest.Refuse(""), llmtest.Answer{Text: "It is", Stop: llm.StopLength}))
		for i, want := range []llm.Stop{llm.StopRefused, llm.StopRefused, llm.StopLength} {
			got, err := p.Complete(t.Context(), ask(cfg))
			if err != nil || got.Stop != want || got.Message.Parts == nil {
				t.Errorf("answer %d: %+v, %v, want %s", i, got, err, want)
			}
		}
	})
}

// TestCancel wants the connection closed at once, whatever the server is at.
func TestCancel(t *testing.T) {
	each(t, func(t *testing.T, kind string) {
		for name, answer := range map[string]llmtest.Answer{"silent": {Silent: true}, "in the stream": {Text: "so far", Hang: true}} {
			t.Run(name, func(t *testing.T) {
				p, server, cfg := scripted(t, kind, llmtest.Sequence(answer))
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				ended := make(chan error, 1)
				go func() {
					_, err := p.Complete(ctx, ask(cfg))
					ended <- err
				}()
				until(t, func() bool { return server.Count() == 1 })
				cancel()
				if err := <-ended; llm.KindOf(err) != llm.Unreachable || !errors.Is(err, context.Canceled) {
					t.Errorf("got %v, want unreachable by cancellation", err)
				}
				until(t, func() bool { _, open := server.Connections(); return server.Closed() == 1 && open == 0 })
			})
		}
	})
}

func until(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("did not happen within 30 s")
		}
	}
}

func TestTimeout(t *testing.T) {
	each(t, func(t *testing.T, kind string) {
		_, server, cfg := scripted(t, kind, llmtest.Sequence(llmtest.Answer{Silent: true}))
		cfg.Timeout = 50 * time.Millisecond
		p, err := provider.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Complete(t.Context(), ask(cfg)); llm.KindOf(err) != llm.Unreachable || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want unreachable by time", err)
		}
		until(t, func() bool { return server.Closed() == 1 })
	})
}

// TestNoConnectionRemains wants nothing open after an answer, so that switching AI off leaves nothing to close.
func TestNoConnectionRemains(t *testing.T) {
	each(t, func(t *testing.T, kind string) {
		p, server, cfg := scripted(t, kind, llmtest.Sequence(llmtest.Say("All is well.")))
		for range 3 {
			if _, err := p.Complete(t.Context(), ask(cfg)); err != nil {
				t.Fatal(err)
			}
		}
		until(t, func() bool { ever, now := server.Connections(); return ever == 3 && now == 0 })
	})
}

func TestWrongKey(t *testing.T) {
	each(t, func(t *testing.T, kind string) {
		_, server, cfg := scripted(t, kind, llmtest.Sequence(llmtest.Say("must not be said")))
		const wrong = "a-key-of-somebody-else"
		key := wrong
		if kind == llm.KindBedrock {
			key = "[default]\naws_access_key_id = " + llmtest.AccessKey + "\naws_secret_access_key = " + wrong
		}
		if err := os.WriteFile(cfg.KeyFile, []byte(key), 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := provider.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Complete(t.Context(), ask(cfg))
		if llm.KindOf(err) != llm.Denied || server.Refused() != 1 || server.Count() != 0 {
			t.Errorf("got %v, %d refused", err, server.Refused())
		}
		if strings.Contains(err.Error(), wrong) {
			t.Errorf("the error tells the key: %v", err)
		}
		if err := os.Chmod(cfg.KeyFile, 0o640); err != nil {
			t.Fatal(err)
		}
		if _, err := provider.New(cfg); err == nil || !strings.Contains(err.Error(), "can be read by others") {
			t.Errorf("a key file that others can read: %v", err)
		}
	})
}

// TestEnvironmentDoesNotLeak sets everything the SDKs would read.
func TestEnvironmentDoesNotLeak(t *testing.T) {
	each(t, func(t *testing.T, kind string) {
		elsewhere, err := llmtest.Listen(kind, "127.0.0.1:0", llmtest.Sequence(llmtest.Say("elsewhere")))
		if err != nil {
			t.Fatal(err)
		}
		defer elsewhere.Close()
		files := filepath.Join(t.TempDir(), "credentials")
		if err := os.WriteFile(files, []byte("[default]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = other\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{
			"ANTHROPIC_API_KEY": "other", "ANTHROPIC_AUTH_TOKEN": "other", "ANTHROPIC_BASE_URL": elsewhere.URL(), "ANTHROPIC_CUSTOM_HEADERS": "X-Leak: yes",
			"ANTHROPIC_PROFILE": "other",
			"OPENAI_API_KEY":    "other", "OPENAI_ORG_ID": "other", "OPENAI_PROJECT_ID": "other", "OPENAI_BASE_URL": elsewhere.URL(),
			"OPENAI_ADMIN_KEY": "other", "OPENAI_CUSTOM_HEADERS": "X-Leak: yes",
			"AWS_ACCESS_KEY_ID": "AKIAOTHER", "AWS_SECRET_ACCESS_KEY": "other", "AWS_SESSION_TOKEN": "other", "AWS_PROFILE": "default",
			"AWS_SHARED_CREDENTIALS_FILE": files, "AWS_BEARER_TOKEN_BEDROCK": "other", "AWS_ENDPOINT_URL": elsewhere.URL(), "AWS_REGION": "us-east-1",
			"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": elsewhere.URL(), "AWS_MAX_ATTEMPTS": "5",
			"HTTP_PROXY": elsewhere.URL(), "HTTPS_PROXY": elsewhere.URL(), "ALL_PROXY": elsewhere.URL(),
		} {
			t.Setenv(name, value)
		}
		p, server, cfg := scripted(t, kind, llmtest.Sequence(llmtest.Say("here"), llmtest.Overload()))
		got, err := p.Complete(t.Context(), ask(cfg))
		if err != nil || got.Message.Parts[0].Text != "here" {
			t.Fatalf("got %+v, %v", got, err)
		}
		if _, err := p.Complete(t.Context(), ask(cfg)); llm.KindOf(err) != llm.Overloaded || server.Count() != 2 {
			t.Errorf("%v after %d calls, want one failed call", err, server.Count())
		}
		for name, values := range server.Calls()[0].Header {
			if joined := strings.Join(values, " "); name == "X-Leak" || strings.Contains(joined, "other") || strings.Contains(joined, "AKIAOTHER") {
				t.Errorf("header %s is from the environment: %v", name, values)
			}
		}
		if ever, _ := elsewhere.Connections(); ever != 0 {
			t.Errorf("%d connections went elsewhere", ever)
		}
	})
}

// TestConcurrentCalls asks one provider from many sides. Every tool call gets an id of its own, though the script repeats itself.
func TestConcurrentCalls(t *testing.T) {
	each(t, func(t *testing.T, kind string) {
		p, server, cfg := scripted(t, kind, llmtest.Sequence(llmtest.Ask(llmtest.ToolCall{Name: "errors"})))
		ids := make(chan string, 8)
		for range cap(ids) {
			go func() {
				got, err := p.Complete(t.Context(), ask(cfg))
				if err != nil || len(got.Message.Parts) != 1 {
					t.Errorf("got %+v, %v", got, err)
					ids <- ""
					return
				}
				ids <- got.Message.Parts[0].ToolUse.ID
			}()
		}
		seen := map[string]bool{}
		for range cap(ids) {
			seen[<-ids] = true
		}
		if len(seen) != cap(ids) || server.Count() != cap(ids) {
			t.Errorf("%d ids in %d calls", len(seen), server.Count())
		}
		server.Close()
	})
}

func TestAll(t *testing.T) {
	var entries []llm.ProviderConfig
	for _, kind := range kinds {
		_, _, cfg := scripted(t, kind, llmtest.Sequence(llmtest.Say("x")))
		entries = append(entries, cfg)
	}
	all, err := provider.All(entries)
	if err != nil || len(all) != len(kinds) {
		t.Fatalf("%v, %v", all, err)
	}
	if _, err := provider.All(append(entries, entries[0])); err == nil {
		t.Error("two entries of one name are accepted")
	}
}
