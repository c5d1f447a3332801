package provider_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/midwatch/midwatch/internal/llm"
	"github.com/midwatch/midwatch/internal/llm/anthropic"
	"github.com/midwatch/midwatch/internal/llm/bedrock"
	"github.com/midwatch/midwatch/internal/llm/llmtest"
	"github.com/midwatch/midwatch/internal/llm/openai"
)

// made are the constructors, with a transport of the test's.
var made = map[string]func(llm.ProviderConfig, *http.Client) (llm.Provider, error){
	llm.KindAnthropic: func(c llm.ProviderConfig, h *http.Client) (llm.Provider, error) { return anthropic.New(c, h) },
	llm.KindBedrock:   func(c llm.ProviderConfig, h *http.Client) (llm.Provider, error) { return bedrock.New(c, h) },
	llm.KindOpenAI:    func(c llm.ProviderConfig, h *http.Client) (llm.Provider, error) { return openai.New(c, h) },
}

func FuzzAnthropic(f *testing.F) { fuzz(f, llm.KindAnthropic, "text/event-stream") }
func FuzzOpenAI(f *testing.F)    { fuzz(f, llm.KindOpenAI, "text/event-stream") }
func FuzzBedrock(f *testing.F)   { fuzz(f, llm.KindBedrock, "application/vnd.amazon.eventstream") }

// fuzz feeds a provider hostile answers. Whatever comes, the outcome is an *llm.Error or a response the ledger can keep.
func fuzz(f *testing.F, kind, contentType string) {
	for _, seed := range recorded(f, kind) {
		f.Add(200, seed)
	}
	f.Add(429, []byte(`{"error":{"message":1,"type":[],"code":{}}}`))
	f.Add(500, []byte("<html>"))
	f.Add(200, []byte("data: {}\n\n"))
	f.Add(200, []byte("data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":-5,\"completion_tokens\":-1}}\n\ndata: [DONE]\n\n"))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 200 || status > 599 {
			return
		}
		dir := t.TempDir()
		cfg := llm.ProviderConfig{
			Name: "f", Kind: kind, Account: "a", Model: "m", Terms: "t", BaseURL: "http://127.0.0.1:1", KeyFile: filepath.Join(dir, "key"),
			Region: llmtest.Region, Price: llm.Price{Input: 1},
		}
		key := "key"
		if kind == llm.KindBedrock {
			key = "[default]\naws_access_key_id = a\naws_secret_access_key = b\n"
		}
		if err := os.WriteFile(cfg.KeyFile, []byte(key), 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := made[kind](cfg, &http.Client{Transport: canned(func(r *http.Request) *http.Response {
			return &http.Response{
				StatusCode: status, Request: r, Body: io.NopCloser(bytes.NewReader(body)), ProtoMajor: 1, ProtoMinor: 1,
				Header: http.Header{"Content-Type": {contentType}},
			}
		})})
		if err != nil {
			t.Fatal(err)
		}
		response, err := p.Complete(t.Context(), ask(cfg))
		var e *llm.Error
		switch {
		case err != nil && (!errors.As(err, &e) || e.Kind == "" || e.Provider != "f"):
			t.Errorf("status %d, body %q: %v is no error of this package", status, body, err)
		case err != nil:
			if raw, err := json.Marshal(response); err != nil || response.Stop != "" || min(response.Usage.Input, response.Usage.Output, response.Usage.CacheRead, response.Usage.CacheWrite) < 0 {
				t.Errorf("status %d, body %q, broken off: %+v (%s, %v)", status, body, response, raw, err)
			}
		default:
			if raw, err := json.Marshal(response); err != nil || response.Stop == "" || response.Message.Role != llm.Assistant || min(response.Usage.Input, response.Usage.Output, response.Usage.CacheRead, response.Usage.CacheWrite) < 0 {
				t.Errorf("status %d, body %q: %+v (%s, %v)", status, body, response, raw, err)
			}
		}
	})
}

type canned func(*http.Request) *http.Response

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) { return c(r), nil }

// recorded are answers of the scripted server as they are on the wire.
func recorded(f *testing.F, kind string) [][]byte {
	var bodies [][]byte
	for _, a := range []llmtest.Answer{
		llmtest.Say("words"),
		{Text: "words", Tools: []llmtest.ToolCall{{Name: "errors", Arguments: `{"a":[1,"x"]}`}, {Name: "errors", Arguments: `{"a"`}}},
		llmtest.Refuse("no"),
		{Text: strings.Repeat("long ", 30), Failure: &llmtest.Failure{Kind: llm.Throttled, InStream: true}},
	} {
		server, err := llmtest.Listen(kind, "127.0.0.1:0", llmtest.Sequence(a))
		if err != nil {
			f.Fatal(err)
		}
		cfg, err := server.Entry(f.TempDir())
		if err != nil {
			f.Fatal(err)
		}
		var body bytes.Buffer
		client := &http.Client{Transport: tee{&body}}
		provider, err := made[kind](cfg, client)
		if err != nil {
			f.Fatal(err)
		}
		_, _ = provider.Complete(f.Context(), ask(cfg)) // the last answer is an error
		server.Close()
		if body.Len() == 0 {
			f.Fatal("nothing was recorded")
		}
		bodies = append(bodies, body.Bytes())
	}
	return bodies
}

type tee struct{ into io.Writer }

func (t tee) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer.Body = struct {
		io.Reader
		io.Closer
	}{io.TeeReader(answer.Body, t.into), answer.Body}
	return answer, nil
}
